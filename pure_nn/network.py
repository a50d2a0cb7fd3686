"""The network: forward, cost, and the three steps of backpropagation, read upwards.

    1.  Δ[L]                          from the loss           output_delta
    2.  Δ[ℓ] = W[ℓ+1]ᵀΔ[ℓ+1] ∘ g′(Z[ℓ])   ℓ = L−1 … 1          backpropagate
    3.  ∂J/∂W[ℓ] = (1/B) Δ[ℓ]A[ℓ-1]ᵀ,  ∂J/∂b[ℓ] = (1/B) Σ Δ[ℓ]   gradients

One example per column; Δ = ∂𝓛/∂Z carries no 1/B. These are the equations alone: `pure_nn` exports
them behind the checks of `pure_nn.border`. Rumelhart, Hinton & Williams, Nature 323 (1986).
"""

import functools
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn import dense, dropout, stacked, structure
from pure_nn.dense import Layer
from pure_nn.dropout import Masks
from pure_nn.l2 import Lambda, decayed, penalized
from pure_nn.precision import widen
from pure_nn.stacked import bottom, first, top
from pure_nn.structure import Cache, DropoutCache, FromOne, Grads, Rule
from pure_nn.structure import Network as Network
from pure_nn.structure import Params as Params
from pure_nn.types import Activation


def forward(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    *,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
) -> Cache:
    """Z[ℓ] = W[ℓ]A[ℓ-1] + b[ℓ],  A[ℓ] = g(Z[ℓ]),  ℓ = 1 … L;  A[0] = X

    With dropout p[ℓ], and a key or the masks D[0 … L-1] (None where nothing is dropped), layer
    ℓ+1 reads D[ℓ] ∘ A[ℓ]/(1 − p[ℓ]), and the cache is a DropoutCache.
    """
    D = structure.drawn(net, params, X.shape[1], key) if masks is None else masks
    Z, A = [], [X]
    for g, p, D_below, layer in zip(*structure.by_entry(net, params), D, params, strict=True):
        read = dropout.forward(p, D_below, top(A[-1]))
        Z_l, A_l = stacked.forward(up, g, layer, read)
        Z.append(Z_l)
        A.append(A_l)
    if all(D_l is None for D_l in D):
        return Cache((None, *Z), tuple(A))
    return DropoutCache((None, *Z), tuple(A), D)


def up(g: Activation, layer: Layer, A: Array) -> tuple[Array, Array]:
    """Z = WA + b,  A = g(Z)"""
    Z = dense.forward(layer, A)
    return Z, g.g(Z)


def predict(net: Network, params: Params, X: Float[Array, "n_0 B"]) -> Float[Array, "n_L B"]:
    """Ŷ = A[L]"""
    return top(forward(net, params, X).A[-1])


def losses(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
) -> Float[Array, " B"]:
    """𝓛ᵢ, one per example, in at least float32"""
    return _losses(net, forward(net, params, X, key=key, masks=masks), Y)


def cost(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    weights: Float[Array, " B"] | None = None,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
    l2: Lambda = 0.0,
) -> Float[Array, ""]:
    """J = (1/B) Σᵢ wᵢ𝓛ᵢ + (λ/2) Σ‖W[ℓ]‖², in at least float32

    wᵢ = 1 and λ = 0 unless `weights` and `l2` say otherwise.
    """
    cache = forward(net, params, X, key=key, masks=masks)
    return penalized(cost_of(net, cache, Y, weights), params, l2)


def output_delta(
    net: Network,
    cache: Cache,
    Y: Float[Array, "n_L B"],
    form: Literal["direct", "chain"] = "direct",
) -> Float[Array, "n_L B"]:
    """Step 1. Δ[L] = ∂𝓛/∂Z[L], without 1/B.

    direct: what the chain rule simplifies to, as A − Y for sigmoid with binary cross-entropy;
            the chain rule itself for a pair in which nothing simplifies
    chain:  ∂𝓛/∂A[L] pulled back through g; for 0 < A < 1, and for caches that no forward made
    """
    Z, A, g = top(cache.Z[-1]), top(cache.A[-1]), net.activations[-1]
    if form == "direct":
        return net.loss.delta(Z, A, Y, g)
    return g.pull(Z, A, net.loss.dA(A, Y))


def transpose(l: int | Array, layer: Layer, Δ: Float[Array, "n B"]) -> Float[Array, "n_below B"]:
    """The page's rule: ∂𝓛/∂A[ℓ-1] = W[ℓ]ᵀΔ[ℓ]"""
    return dense.pull(layer, Δ)


def backpropagate(
    net: Network,
    params: Params,
    cache: Cache,
    delta_L: Float[Array, "n_L B"],
    *,
    rule: Rule = transpose,
) -> FromOne:
    """Step 2. Δ[ℓ] = W[ℓ+1]ᵀΔ[ℓ+1] ∘ g′(Z[ℓ]),  ℓ = L−1 … 1

    `rule(l, layer, Δ)` replaces W[l]ᵀΔ[l], as feedback alignment does with a fixed random matrix
    for each l (Lillicrap et al., Nature Communications 7, 2016). Dropout multiplies what it gives
    by D[ℓ]/(1 − p[ℓ]). Within a stacked entry l is a traced integer.
    """
    Z, A, (g_of, p), D = cache.Z, cache.A, structure.by_entry(net, params), structure.kept(cache)
    rule, runs = stacked.downwards(rule, params, g_of)
    L, layer, g = len(params), dict(enumerate(params, 1)), dict(enumerate(runs, 1))
    Δ = {L: g[L].below(Z[L], A[L], delta_L)}
    for l in range(L - 1, 0, -1):
        dA = dropout.pull(p[l], D[l], rule(l + 1, layer[l + 1], Δ[l + 1]))
        Δ[l] = g[l].pull(Z[l], A[l], dA)
    return (None, *(Δ[l] for l in range(1, L + 1)))


def gradients(
    net: Network, cache: Cache, deltas: FromOne, *, weights: Float[Array, " B"] | None = None
) -> Grads:
    """Step 3. ∂J/∂W[ℓ] = (1/B) Δ[ℓ]A[ℓ-1]ᵀ,  ∂J/∂b[ℓ] = (1/B) Σ Δ[ℓ];  Δᵢ counts wᵢ times.

    With dropout, D[ℓ-1] ∘ A[ℓ-1]/(1 − p[ℓ-1]) stands for A[ℓ-1].
    """
    return structure.rounded(mean_gradients(net, cache, deltas, weights), cache.A[0].dtype)


def backward(
    net: Network,
    params: Params,
    cache: Cache,
    Y: Float[Array, "n_L B"],
    *,
    weights: Float[Array, " B"] | None = None,
    l2: Lambda = 0.0,
) -> tuple[Params, FromOne]:
    """The three steps in turn: the gradients of J in the structure of `params`, and every Δ.

    L2 adds λW[ℓ] to ∂J/∂W[ℓ] after step 3.
    """
    Δ = backpropagate(net, params, cache, output_delta(net, cache, Y))
    grads = decayed(mean_gradients(net, cache, Δ, weights), params, l2)
    return structure.like(params, structure.rounded(grads, cache.A[0].dtype)), Δ


def input_gradient(
    net: Network, params: Params, deltas: FromOne, *, masks: Masks | None = None
) -> Float[Array, "n_0 B"]:
    """∂𝓛/∂X = W[1]ᵀΔ[1], one column per example and no 1/B

    Where X was dropped, `masks` are those of the forward pass: D[0] ∘ W[1]ᵀΔ[1]/(1 − p[0]).
    """
    D = None if masks is None else masks[0]
    dX = dense.pull(first(params[0]), bottom(deltas[1]))
    return dropout.pull(net.dropout[0], D, dX).astype(deltas[1].dtype)


def mean_gradients(
    net: Network, cache: Cache, deltas: FromOne, weights: Array | None = None
) -> Grads:
    """Step 3 before it is rounded to the dtype of the cache"""
    B = cache.A[0].shape[1]
    p, D = structure.by_entry(net, cache.A[1:])[1], structure.kept(cache)
    read = map(dropout.forward, p, D, map(top, cache.A[:-1]))
    one = functools.partial(_sums, weights)
    sums = [stacked.sums(one, *of) for of in zip(read, cache.A[1:], deltas[1:], strict=True)]
    return tuple({name: s / B for name, s in of_layer.items()} for of_layer in sums)


def _sums(weights: Array | None, A: Array, Δ: Array) -> dict[str, Array]:
    if weights is None:
        return dense.sums(A, Δ)
    return dense.sums(widen(A), widen(weights)[None, :] * widen(Δ))


def _losses(net: Network, cache: Cache, Y: Array) -> Array:
    return net.loss.value(top(cache.Z[-1]), top(cache.A[-1]), Y, net.activations[-1])


def cost_of(net: Network, cache: Cache, Y: Array, weights: Array | None = None) -> Array:
    """J of a forward pass"""
    losses = _losses(net, cache, Y)
    return jnp.mean(losses if weights is None else widen(weights) * losses)
