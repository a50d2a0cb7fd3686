/* conform < text/NAME.inputs.txt > results/NAME.txt: the page's recipe; -DMISTAKE=n plants one. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#define EACH(i, n) for (int i = 0; i < (n); i++)
#define IS(a, b) (!strcmp(a, b))
typedef struct { int m, n; double x[32][9]; } Matrix; /* x[column][row] */
static Matrix Y, W[6], b[6], Z[6], A[6], R[6], D[6], dW[6], db[6]; /* R is 1 - A, D Delta, A[0] X */
static int get(Matrix *M) { /* NAME ROWS COLUMNS, and the entries row by row */
    if (scanf("%*s %d %d", &M->m, &M->n) != 2) return 0;
    EACH(i, M->m) EACH(j, M->n) if (scanf("%la", &M->x[j][i]) != 1) return 0;
    return 1;
}
static void put(const char *name, int l, int n, const Matrix *M) {
    printf("%s[%d] %d %d\n", name, l, W[l].m, n);
    EACH(i, W[l].m) EACH(j, n) printf("%a\n", M->x[j][i]);
}
static void forward(const char *g, int n, const double *z, double *a, double *r) { /* A = g(Z) */
    double slope = IS(g, "relu") ? 0 : IS(g, "leaky_relu") ? 0.01 : 1, sum = 0;
    EACH(i, n) sum += a[i] = IS(g, "softmax") ? exp(z[i]) : z[i] < 0 ? slope * z[i] : z[i];
    EACH(i, n) EACH(k, n) r[i] += k == i ? 0 : a[k] / sum;
    EACH(i, n) if (IS(g, "softmax")) a[i] /= sum;
    EACH(i, n) if (IS(g, "sigmoid")) a[i] = 1 / (1 + exp(-z[i])), r[i] = 1 / (1 + exp(z[i]));
    EACH(i, n) if (IS(g, "tanh")) a[i] = tanh(z[i]), r[i] = 1 / (cosh(z[i]) * cosh(z[i]));
}
static void pull(const char *g, int n, double *z, double *a, double *r, double *dA, double *d) {
    EACH(i, n) { /* Delta = dA g'(Z), and g'(0) = 1 on a kink */
        int right = z[i] > 0 || (z[i] == 0 && MISTAKE != 2);
        d[i] = dA[i] * (IS(g, "relu") ? right : IS(g, "leaky_relu") && !right ? 0.01 : 1);
        if (IS(g, "tanh") && MISTAKE != 3) d[i] *= r[i];
        if (IS(g, "sigmoid") || IS(g, "softmax")) d[i] *= a[i] * r[i];
        if (IS(g, "softmax") && MISTAKE != 4) EACH(k, n) d[i] -= k == i ? 0 : a[i] * a[k] * dA[k];
    }
}
int main(void) {
    char g[6][64], loss[64];
    int L, read = scanf("%*s %*s %*s %d %*s", &L) == 1;
    for (int l = 1; read && l <= L; l++) read = scanf("%63s", g[l]) == 1;
    read = read && scanf("%*s %63s", loss) == 1 && get(&A[0]) && get(&Y);
    for (int l = 1; read && l <= L; l++) read = get(&W[l]) && get(&b[l]);
    for (int j = 0, l; read && j < Y.n; j++) { /* column by column */
        double dA[9], *y = Y.x[j], B = MISTAKE == 1 ? 1 : Y.n;
        for (l = 1; l <= L; forward(g[l], W[l].m, Z[l].x[j], A[l].x[j], R[l].x[j]), l++)
            EACH(i, W[l].m) for (int k = -1; k < W[l].n; k++)
                Z[l].x[j][i] += k < 0 ? b[l].x[0][i] : W[l].x[k][i] * A[l - 1].x[j][k];
        EACH(i, Y.m) dA[i] = IS(loss, "squared_error") ? A[L].x[j][i] - y[i] : -y[i] / A[L].x[j][i];
        if (IS(loss, "binary_cross_entropy")) EACH(i, Y.m) dA[i] += (1 - y[i]) / R[L].x[j][i];
        for (l = L; l > 0; l--) {
            pull(g[l], W[l].m, Z[l].x[j], A[l].x[j], R[l].x[j], dA, D[l].x[j]);
            EACH(k, W[l].n) EACH(i, W[l].m) dW[l].x[k][i] += D[l].x[j][i] * A[l - 1].x[j][k] / B;
            EACH(i, W[l].m) db[l].x[0][i] += D[l].x[j][i] / B;
            EACH(k, W[l].n) dA[k] = 0;
            EACH(k, W[l].n) EACH(i, W[l].m) dA[k] += W[l].x[k][i] * D[l].x[j][i];
        }
    }
    for (int l = 1; read && l <= L; l++)
        put("Z", l, Y.n, &Z[l]), put("A", l, Y.n, &A[l]), put("delta", l, Y.n, &D[l]),
            put("dW", l, W[l].n, &dW[l]), put("db", l, 1, &db[l]);
    return !read;
}
