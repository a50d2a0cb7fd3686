"""The quantities of A and Δ in any arithmetic m that carries bounds, beside the page's recipe.

Each is computed as `pure_nn.quantities` does, on A and Δ whose errors are bounded one by one; what
the code stores in the dtype of the arrays is stored here. W, V and F are exact.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pure_nn import quantities as q
from pure_nn.network import Network
from verify.bounds import recipe
from verify.bounds.running import Approximate

Arithmetic = Any
Pairs = Sequence[tuple[Approximate, Approximate]]  # A[ℓ-1] and Δ[ℓ] of each layer


def wide(x: Approximate) -> Approximate:
    """Each entry with its own error, and not rounded back"""
    x = x.independent()
    return x.of(x.x, x.S, x.r)


def pairs(found: recipe.Quantities) -> Pairs:
    return [(wide(a), wide(d)) for a, d in zip(found.A[:-1], found.deltas[1:], strict=True)]


def arranged(f: Callable[..., Any], *of: Approximate) -> Approximate:
    """What f makes of the entries, which it moves about"""
    x, r = f(*(y.x for y in of)), f(*(y.error for y in of))
    return of[0].of(x, np.zeros((0, *x.shape)), r)


def root(x: Approximate, roundings: int = 2) -> Approximate:
    return x.moved(lambda y: np.sqrt(np.maximum(y, 0)), roundings)


def mean_sums(a: Approximate, d: Approximate) -> dict[str, Approximate]:
    B = a.shape[1]
    return {"W": d @ a.T / B, "b": d.sum(axis=1, keepdims=True) / B}


# of each example


def individual(of: Pairs) -> Any:
    return tuple({"W": d.T[:, :, None] * a.T[:, None, :], "b": d.T[:, :, None]} for a, d in of)


def per_example(layers: Any) -> q.PerExample:
    leaves: Any = [x for layer in layers for x in layer.values()]
    return q.PerExample(layers, sum(leaves[1:], leaves[0]))


def squared_norms(of: Pairs) -> q.PerExample:
    squares = [((d * d).sum(axis=0), (a * a).sum(axis=0)) for a, d in of]
    return per_example(tuple({"W": of_D * of_A, "b": of_D} for of_D, of_A in squares))


def inner_products(m: Arithmetic, of: Pairs, V: Any) -> q.PerExample:
    found = []
    for (a, d), layer in zip(of, V, strict=True):
        W, b = m.exact(layer["W"]), m.exact(layer["b"])
        found.append({"W": (d * (W @ a)).sum(axis=0), "b": (d * b).sum(axis=0)})
    return per_example(tuple(found))


def gram(of: Pairs) -> Any:
    terms = [(d.T @ d) * (a.T @ a + 1) for a, d in of]
    return sum(terms[1:], terms[0])


def tangent_kernel(m: Arithmetic, net: Network, params: Any, found: recipe.Quantities) -> Any:
    n, B = found.Z[-1].shape
    passes = [down(m, net, params, found, m.exact(row(c, n, B))) for c in range(n)]
    inputs = [wide(a) for a in found.A[:-1]]
    again = [arranged(lambda x: np.tile(x, (1, n)), a) for a in inputs]
    tiled = list(zip(again, side_by_side(passes), strict=True))
    return arranged(lambda K: K.reshape(n, B, n, B).transpose(1, 0, 3, 2), gram(tiled))


def side_by_side(passes: Sequence[Sequence[Approximate]]) -> list[Approximate]:
    """The columns of every layer"""
    return [beside(of) for of in zip(*passes, strict=True)]


def beside(of: Sequence[Approximate]) -> Approximate:
    """Their columns in one"""
    return arranged(lambda *x: np.concatenate(x, 1), *of)


def row(c: int, n: int, B: int) -> Any:
    return np.repeat(np.eye(n)[:, [c]], B, axis=1)


def down(
    m: Arithmetic, net: Network, params: Any, found: recipe.Quantities, Δ: Approximate, F: Any = ()
) -> list[Approximate]:
    """Δ[1 … L] of any Δ[L], by W or, at l, by F[l]ᵀ in its place"""
    Δs = [m.stored(Δ)]
    for l in range(len(params) - 1, 0, -1):
        back = m.exact(params[l]["W"].T if not len(F) else F[l - 1])
        slope = m.g_prime(net.activations[l - 1], found.Z[l], found.A[l])
        Δs.append(m.stored(wide(back @ wide(Δs[-1])) * wide(slope)))
    return [wide(Δ) for Δ in Δs[::-1]]


# sums


def clipped_sum(of: Pairs, C: float) -> q.Clipped:
    norms = squared_norms(of)
    all_norms: Any = norms.all
    c = all_norms.moved(lambda x: np.minimum(1, C / np.sqrt(np.maximum(x, 1e-300))), 4)
    scaled = [(a, c[None, :] * d) for a, d in of]
    sums = tuple({"W": d @ a.T, "b": d.sum(axis=1, keepdims=True)} for a, d in scaled)
    return q.Clipped(sums, (c,) * len(of), norms)


def second_moment(of: Pairs) -> Any:
    return tuple(mean_sums(a * a, d * d) for a, d in of)


def variance(of: Pairs) -> Any:
    return tuple(_variance(a, d) for a, d in of)


def _variance(A: Approximate, Δ: Approximate) -> dict[str, Approximate]:
    A_mean, D_mean = (_mean(x) for x in (A, Δ))
    a, d, A_mean = A - A_mean, Δ - D_mean, A_mean.T
    aa, dd = a * a, d * d
    da, daa, dda, ddaa = (mean_sums(y, x)["W"] for x in (d, dd) for y in (a, aa))
    terms = A_mean * D_mean * da, D_mean * daa, A_mean * dda
    crossed: Any = sum(terms[1:], terms[0])
    squares = A_mean * A_mean * _mean(dd) + D_mean * D_mean * _mean(aa).T
    centred = squares + 2 * crossed + ddaa - da * da
    moment, mean = mean_sums(A * A, Δ * Δ)["W"], mean_sums(A, Δ)["W"]
    size = squares.x + 2 * sum(np.abs(x.x) for x in terms) + ddaa.x
    smaller = moment.x < size
    W = arranged(lambda x, y: np.where(smaller, x, y), moment - mean * mean, centred)
    return {"W": W, "b": _mean(dd)}


def _mean(x: Approximate) -> Approximate:
    return x.sum(axis=1, keepdims=True) / x.shape[1]


def signal_to_noise(of: Pairs) -> Any:
    means = [mean_sums(a, d) for a, d in of]
    return tuple(
        {k: mean[k] * mean[k] / v[k] for k in v}
        for mean, v in zip(means, variance(of), strict=True)
    )


def noise_scale(of: Pairs) -> q.NoiseScale:
    B = of[0][0].shape[1]
    spreads = [_spread(a, d) for a, d in of]
    trace = sum(spreads[1:], spreads[0]) / (B - 1)
    squares = [(x * x).sum() for a, d in of for x in mean_sums(a, d).values()]
    squared = sum(squares[1:], squares[0])
    numbers: Any = [arranged(np.asarray, x) for x in (trace, squared + -1 / B * trace)]
    return q.NoiseScale(*numbers)


def _spread(A: Approximate, Δ: Approximate) -> Any:
    A_mean, D_mean = (_mean(x) for x in (A, Δ))
    a, d = A - A_mean, Δ - D_mean
    dd, aa, AA, dD, aA = (
        (x * y).sum(axis=0) for x, y in ((d, d), (a, a), (A, A), (d, D_mean), (a, A))
    )
    W = dd * AA + (D_mean * D_mean).sum(axis=0) * aa + 2 * (dD * aA)
    M = mean_sums(A, Δ)["W"] - D_mean * A_mean.T
    return (W + dd).sum() + -A.shape[1] * (M * M).sum()


def two_batch_noise_scale(
    small: Approximate, big: Approximate, B_small: int, B_big: int
) -> q.NoiseScale:
    small, big = (arranged(np.atleast_1d, x) for x in (small, big))
    trace = (small - big) / (1 / B_small - 1 / B_big)
    squared = (B_big * big - B_small * small) / (B_big - B_small)
    numbers: Any = [arranged(lambda x: x.reshape(()), x) for x in (trace, squared)]
    return q.NoiseScale(*numbers)
