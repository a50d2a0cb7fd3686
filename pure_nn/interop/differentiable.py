"""The gradients by hand for programs built on `jax.grad`: the cost as a `custom_vjp`."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn import network, structure
from pure_nn.border import checked
from pure_nn.dropout import Masks
from pure_nn.l2 import Lambda, is_zero, penalized, squares
from pure_nn.network import Network, Params
from pure_nn.precision import wide_dtype, widen
from pure_nn.structure import Cache


@checked
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
    """J, differentiated by the three steps wherever `jax.grad` meets it.

        ∂J/∂W[ℓ], ∂J/∂b[ℓ]    as `pure_nn.backward` gives them
        ∂J/∂X = (1/B) wᵢW[1]ᵀΔᵢ[1], times D[0]/(1 − p[0]) where X is dropped
        ∂J/∂λ = ½ Σ‖W[ℓ]‖²

    In reverse mode and once: `pure_nn.value_and_grad` is the one to differentiate again.

    TypeError: differentiating with respect to Y or the weights, which are data.
    """
    D = structure.drawn(net, params, X.shape[1], key) if masks is None else masks
    if is_zero(l2):
        return _cost(net, params, X, Y, weights, D, None)
    if isinstance(l2, int | float):  # as an argument, it would no longer take the dtype of J
        l2 = jnp.asarray(l2, wide_dtype(X.dtype))
    return _cost(net, params, X, Y, weights, D, l2)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _cost(
    net: Network, params: Params, X: Array, Y: Array, w: Array | None, D: Masks, l2: Array | None
) -> Array:
    return network.cost(net, params, X, Y, weights=w, masks=D, l2=_or_zero(l2))


def _forward(
    net: Network, params: Any, X: Any, Y: Any, w: Any, D: Any, l2: Any
) -> tuple[Array, Any]:
    for name, data in (("Y", Y), ("weights", w)):
        if data is not None and data.perturbed:
            raise TypeError(
                f"interop.cost: expected {name} to be data, got a derivative with respect to it"
            )
    params, X, Y, w, D, l2 = jax.tree.map(lambda leaf: leaf.value, (params, X, Y, w, D, l2))
    cache = network.forward(net, params, X, masks=D)
    J = penalized(network.cost_of(net, cache, Y, w), params, _or_zero(l2))
    return J, (params, cache, Y, w, l2)


def _backward(
    net: Network,
    residuals: tuple[Params, Cache, Array, Array | None, Array | None],
    dJ: Float[Array, ""],
) -> tuple[Any, ...]:
    params, cache, Y, w, l2 = residuals
    grads, deltas = network.backward(net, params, cache, Y, weights=w, l2=_or_zero(l2))
    dX = network.input_gradient(net, params, deltas, masks=structure.kept(cache)) / Y.shape[1]
    if w is not None:
        dX = (widen(w)[None, :] * widen(dX)).astype(dX.dtype)
    dl2 = None if l2 is None else (squares(params) / 2).astype(l2.dtype)
    grads, dX, dl2 = jax.tree.map(lambda d: (dJ * widen(d)).astype(d.dtype), (grads, dX, dl2))
    return grads, dX, None, None, None, dl2


def _or_zero(l2: Array | None) -> Lambda:
    return 0.0 if l2 is None else l2


_cost.defvjp(_forward, _backward, symbolic_zeros=True)
