"""Diagonals and Kronecker factors of the curvature, from backward passes of the roots S.

    S[ℓ] = W[ℓ+1]ᵀS[ℓ+1] ∘ g′(Z[ℓ])     step 2, for each column S of the output's curvature
    GGN  = (1/B) Σᵢ Σ_c (SAᵀ)(SAᵀ)ᵀ     of which the diagonal is (1/B) Σ_c (S ∘ S)(A ∘ A)ᵀ

Where output and loss are a likelihood, GGN is the Fisher matrix. All are means over B: a batch
twice over leaves them as they are. Schraudolph, Neural Computation 14 (2002); Martens & Grosse,
ICML 2015; Botev, Ritter & Barber, ICML 2017.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn import network
from pure_nn.activations import softmax
from pure_nn.precision import product, widen
from pure_nn.quantities import output
from pure_nn.quantities.layers import columns, of_layers, side_by_side
from pure_nn.quantities.sums import mean_sums
from pure_nn.structure import Cache, FromOne, Network, Params, like

Kind = Literal["exact", "sampled", "empirical"]


class Factors(NamedTuple):
    """Ã Ãᵀ/B of what the layer reads, Ã = [A; 1], and G of its Δ"""

    A: Float[Array, "m m"]
    G: Float[Array, "n n"]


def root_deltas(
    net: Network,
    params: Params,
    cache: Cache,
    Y: Float[Array, "n_L B"],
    kind: Kind | None = None,
    key: PRNGKeyArray | None = None,
) -> FromOne:
    """S[1 … L] with a leading axis of passes

    exact      n[L] passes: the whole curvature at the output; unless there is a key
    sampled    one pass, of targets drawn by the key from what the network predicts
    empirical  one pass, of the targets Y: Δ itself, no curvature but the Fisher of what was seen

    ValueError: another kind, no key to draw by, a network that does not admit it.
    """
    kind = kind or ("exact" if key is None else "sampled")
    if kind == "exact":
        S = output.roots(net, cache, Y)
    elif kind == "sampled":
        if key is None:
            raise ValueError("key: expected one to draw targets by, such as jax.random.key(0)")
        S = output.sampled_delta(net, cache, key)[None]
    elif kind == "empirical":
        S = network.output_delta(net, cache, Y)[None]
    else:
        raise ValueError(f"kind: expected exact, sampled or empirical, got {kind!r}")
    S = S.astype(cache.Z[-1].dtype)
    deltas: FromOne = jax.vmap(lambda S: network.backpropagate(net, params, cache, S))(S)
    return deltas


def gauss_newton_diagonal(
    net: Network,
    params: Params,
    cache: Cache,
    Y: Float[Array, "n_L B"],
    *,
    kind: Kind | None = None,
    key: PRNGKeyArray | None = None,
) -> Params:
    """(1/B) Σ_c (S ∘ S)(A ∘ A)ᵀ, the diagonal of GGN, like the params

    Exact, or sampled by the key if there is one; or the empirical Fisher's, of Y.

    ValueError: another kind, no key to draw by, a network that does not admit it.
    """
    S = root_deltas(net, params, cache, Y, kind, key)
    squares = (None, *(jnp.sum(jnp.square(widen(x)), axis=0) for x in S[1:]))
    found = of_layers(net, cache, squares, lambda A, SS: mean_sums(jnp.square(A), SS))
    return like(params, found)


def kronecker_factors(
    net: Network,
    params: Params,
    cache: Cache,
    Y: Float[Array, "n_L B"],
    *,
    kind: Kind | None = None,
    key: PRNGKeyArray | None = None,
) -> tuple[Factors, ...]:
    """ÃÃᵀ/B and G[ℓ] = (1/B) Σ_c SSᵀ: KFLR, exact; K-FAC, sampled by the key if there is one; or of
    the empirical Fisher

    The curvature is about kron(G, A) of [dW db] row by row, as `ravel` has it; exactly so for one
    example, and for a linear network under squared error in expectation. Of the mean of 𝓛, whose Δ
    carry no 1/B: factors of Δ/B, as other libraries have them, are 1/B or 1/B² of these.

    ValueError: another kind, no key to draw by, a network that does not admit it.
    """
    S = root_deltas(net, params, cache, Y, kind, key)
    return of_layers(net, cache, side_by_side(S), _factors)


def _factors(A: Array, S: Array) -> Factors:
    return Factors(_of_inputs(A), product(S, S.T) / A.shape[1])


def _of_inputs(A: Array) -> Array:
    """ÃÃᵀ/B"""
    A = jnp.concatenate([A, jnp.ones_like(A[:1])])
    return product(A, A.T) / A.shape[1]


def kfra_factors(
    net: Network, params: Params, cache: Cache, Y: Float[Array, "n_L B"]
) -> tuple[Factors, ...]:
    """KFRA: the mean over the batch is carried down in the place of each example,

        G[L] = (1/B) Σ of the output's curvature
        G[ℓ] = (W[ℓ+1]ᵀG[ℓ+1]W[ℓ+1]) ∘ (1/B) g′(Z[ℓ])g′(Z[ℓ])ᵀ

    which is exact for one example. ValueError: a hidden softmax, stacked or dropped layers.
    """
    require_plain("kfra_factors", net, params, cache)
    S = columns(output.roots(net, cache, Y))
    B, L = cache.A[0].shape[1], len(params)
    G = {L: product(S, S.T) / B}
    for l in range(L - 1, 0, -1):
        W, prime = widen(params[l]["W"]), slope(net, cache, l)
        G[l] = product(product(W.T, G[l + 1]), W) * product(prime, prime.T) / B
    return tuple(Factors(_of_inputs(widen(cache.A[l - 1])), G[l]) for l in range(1, L + 1))


def hessian_diagonal(
    net: Network, params: Params, cache: Cache, Y: Float[Array, "n_L B"], deltas: FromOne
) -> Params:
    """The diagonal of ∂²J/∂θ², exact: of every example H[ℓ] = ∂²𝓛/∂Z[ℓ]²,

        H[ℓ] = diag(g′)W[ℓ+1]ᵀH[ℓ+1]W[ℓ+1]diag(g′) + diag(g″ ∘ W[ℓ+1]ᵀΔ[ℓ+1])
        ∂²J/∂W² = (1/B) diag(H[ℓ]) (A ∘ A)ᵀ

    n[ℓ]² numbers of each example are held for one layer at a time.

    ValueError: a hidden softmax, stacked or dropped layers; an output that bends, but for those of
    which 𝓛(Z) is known.
    """
    require_plain("hessian_diagonal", net, params, cache)
    S, L = output.roots(net, cache, Y), len(params)
    H = jnp.einsum("cib,cjb->bij", S, S) + _own(_bend_of_output(net, cache, Y))
    found = {L: jnp.einsum("bii->ib", H)}
    for l in range(L - 1, 0, -1):
        W, prime = widen(params[l]["W"]), slope(net, cache, l)
        pulled = jnp.einsum("ki,bkm,mj->bij", W, H, W)
        bend = second(net, cache, l) * product(W.T, widen(deltas[l + 1]))
        H = jnp.einsum("ib,jb,bij->bij", prime, prime, pulled) + _own(bend)
        found[l] = jnp.einsum("bii->ib", H)
    diagonals = (None, *(found[l] for l in range(1, L + 1)))
    found_of = of_layers(net, cache, diagonals, lambda A, h: mean_sums(jnp.square(A), h))
    return like(params, found_of)


def _own(h: Float[Array, "n B"]) -> Float[Array, "B n n"]:
    """diag(h) of every example"""
    return h.T[:, :, None] * jnp.eye(len(h), dtype=h.dtype)[None]


def _bend_of_output(net: Network, cache: Cache, Y: Array) -> Array:
    """∂𝓛/∂A ∘ g″, where the curvature goes through A"""
    if output.pair(net) in output.SIMPLE:
        return jnp.zeros_like(cache.Z[-1])
    if net.activations[-1] == softmax():
        raise ValueError(
            f"hessian_diagonal: expected an output whose Jacobian is diagonal, or softmax with "
            f"cross_entropy, got softmax with {net.loss.name}"
        )
    return second(net, cache, len(cache.A) - 1) * net.loss.dA(cache.A[-1], Y)


def slope(net: Network, cache: Cache, l: int) -> Array:
    """g′(Z[ℓ])"""
    return widen(net.activations[l - 1].g_prime(cache.Z[l], cache.A[l]))


def second(net: Network, cache: Cache, l: int) -> Array:
    """g″(Z[ℓ])"""
    return widen(net.activations[l - 1].g_second(cache.Z[l], cache.A[l]))


def require_plain(
    name: str, net: Network, params: Any, cache: Cache, *, softmax_too: bool = False
) -> None:
    """One entry a layer, no units dropped, and a g′ for each hidden unit by itself"""
    if any(layer["W"].ndim == 3 for layer in params):
        raise ValueError(f"{name}: expected one layer in each entry; pass pure_nn.unstack(params)")
    if any(D is not None for D in getattr(cache, "D", ())):
        raise ValueError(f"{name}: expected a cache without dropout; forward without key and masks")
    for l, g in enumerate(net.activations[:-1], start=1):
        if g == softmax() and not softmax_too:
            raise ValueError(f"{name}: expected hidden units with a g′ each, layer {l} is softmax")
