"""The network: forward, cost, and the three steps of backpropagation, read upwards.

    1.  Δ[L]                          from the loss           output_delta
    2.  Δ[ℓ] = W[ℓ+1]ᵀΔ[ℓ+1] ∘ g′(Z[ℓ])   ℓ = L−1 … 1          backpropagate
    3.  ∂J/∂W[ℓ] = (1/B) Δ[ℓ]A[ℓ-1]ᵀ,  ∂J/∂b[ℓ] = (1/B) Σ Δ[ℓ]   gradients

One example per column; Δ = ∂𝓛/∂Z carries no 1/B. These are the equations alone: `pure_nn` exports
them behind the checks of `pure_nn.border`. Rumelhart, Hinton & Williams, Nature 323 (1986).
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn import dense, named
from pure_nn.dense import Layer
from pure_nn.precision import widen
from pure_nn.types import Activation, Loss

Params = Sequence[Layer]
Grads = tuple[dict[str, Array], ...]
Rule = Callable[[int, Layer, Array], Array]
FromOne = tuple[Any, ...]  # one array per layer, None at 0, so that the index is the page's


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass: Z[1 … L], and A[0 … L] with A[0] = X."""

    Z: FromOne
    A: tuple[Array, ...]


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, init=False)
class Network:
    """One activation per layer and the loss, by name or by value; no parameters.

    The loss follows from the output unless given: sigmoid → binary_cross_entropy,
    softmax → cross_entropy, identity → squared_error.

    A softmax of one unit is 1 whatever Z is, so that binary cross-entropy of Y < 1 is infinite.

    ValueError: no layers, an unknown name, a loss that does not fit the output, no loss given
    where none follows.
    """

    activations: tuple[Activation, ...]
    loss: Loss

    def __init__(
        self, activations: Sequence[str | Activation], loss: str | Loss | None = None
    ) -> None:
        g = named.activations(activations)
        object.__setattr__(self, "activations", g)
        object.__setattr__(self, "loss", named.loss_for(g[-1], loss))


def forward(net: Network, params: Params, X: Float[Array, "n_0 B"]) -> Cache:
    """Z[ℓ] = W[ℓ]A[ℓ-1] + b[ℓ],  A[ℓ] = g(Z[ℓ]),  ℓ = 1 … L;  A[0] = X"""
    Z, A = [], [X]
    for layer, activation in zip(params, net.activations, strict=True):
        Z.append(dense.forward(layer, A[-1]))
        A.append(activation.g(Z[-1]))
    return Cache((None, *Z), tuple(A))


def predict(net: Network, params: Params, X: Float[Array, "n_0 B"]) -> Float[Array, "n_L B"]:
    """Ŷ = A[L]"""
    return forward(net, params, X).A[-1]


def losses(
    net: Network, params: Params, X: Float[Array, "n_0 B"], Y: Float[Array, "n_L B"]
) -> Float[Array, " B"]:
    """𝓛ᵢ, one per example, in at least float32"""
    return _losses(net, forward(net, params, X), Y)


def cost(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    weights: Float[Array, " B"] | None = None,
) -> Float[Array, ""]:
    """J = (1/B) Σᵢ wᵢ𝓛ᵢ with wᵢ = 1 unless `weights` says otherwise, in at least float32"""
    return cost_of(net, forward(net, params, X), Y, weights)


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
    Z, A, g = cache.Z[-1], cache.A[-1], net.activations[-1]
    if form == "direct":
        return net.loss.delta(Z, A, Y, g)
    return g.pull(Z, A, net.loss.dA(A, Y))


def transpose(l: int, layer: Layer, Δ: Float[Array, "n B"]) -> Float[Array, "n_below B"]:
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
    for each l (Lillicrap et al., Nature Communications 7, 2016).
    """
    Z, A = cache
    L, layer, g = len(params), dict(enumerate(params, 1)), dict(enumerate(net.activations, 1))
    Δ = {L: delta_L}
    for l in range(L - 1, 0, -1):
        Δ[l] = g[l].pull(Z[l], A[l], rule(l + 1, layer[l + 1], Δ[l + 1]))
    return (None, *(Δ[l] for l in range(1, L + 1)))


def gradients(
    net: Network, cache: Cache, deltas: FromOne, *, weights: Float[Array, " B"] | None = None
) -> Grads:
    """Step 3. ∂J/∂W[ℓ] = (1/B) Δ[ℓ]A[ℓ-1]ᵀ,  ∂J/∂b[ℓ] = (1/B) Σ Δ[ℓ];  Δᵢ counts wᵢ times."""
    B = cache.A[0].shape[1]
    sums = [_sums(A, Δ, weights) for A, Δ in zip(cache.A[:-1], deltas[1:], strict=True)]
    return tuple({name: (s / B).astype(cache.A[0].dtype) for name, s in d.items()} for d in sums)


def backward(
    net: Network,
    params: Params,
    cache: Cache,
    Y: Float[Array, "n_L B"],
    *,
    weights: Float[Array, " B"] | None = None,
) -> tuple[Params, FromOne]:
    """The three steps in turn: the gradients of J in the structure of `params`, and every Δ."""
    Δ = backpropagate(net, params, cache, output_delta(net, cache, Y))
    grads = gradients(net, cache, Δ, weights=weights)
    return _in_the_structure_of(params, grads), Δ


def value_and_grad(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    weights: Float[Array, " B"] | None = None,
) -> tuple[Float[Array, ""], Params]:
    """J and its gradients: what `jax.value_and_grad` of `cost` gives, by hand."""
    cache = forward(net, params, X)
    grads, _ = backward(net, params, cache, Y, weights=weights)
    return cost_of(net, cache, Y, weights), grads


def input_gradient(net: Network, params: Params, deltas: FromOne) -> Float[Array, "n_0 B"]:
    """∂𝓛/∂X = W[1]ᵀΔ[1], one column per example and no 1/B"""
    return dense.pull(params[0], deltas[1]).astype(deltas[1].dtype)


def _in_the_structure_of(params: Params, grads: Grads) -> Params:
    """Layer by layer in order, W and b by name, as a mapping may hold b before W."""
    ordered = []
    for layer, of_layer in zip(params, grads, strict=True):
        ordered += [of_layer[name.key] for (name,), _ in jax.tree.leaves_with_path(layer)]
    restored: Params = jax.tree.unflatten(jax.tree.structure(params), ordered)
    return restored


def _sums(A: Array, Δ: Array, weights: Array | None) -> dict[str, Array]:
    if weights is None:
        return dense.sums(A, Δ)
    return dense.sums(widen(A), widen(weights)[None, :] * widen(Δ))


def _losses(net: Network, cache: Cache, Y: Array) -> Array:
    return net.loss.value(cache.Z[-1], cache.A[-1], Y, net.activations[-1])


def cost_of(net: Network, cache: Cache, Y: Array, weights: Array | None = None) -> Array:
    """J of a forward pass"""
    losses = _losses(net, cache, Y)
    return jnp.mean(losses if weights is None else widen(weights) * losses)
