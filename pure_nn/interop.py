"""The gradients by hand for programs built on `jax.grad`: the cost as a `custom_vjp`."""

import functools
from typing import Any

import jax
from jaxtyping import Array, Float

from pure_nn import network
from pure_nn.border import checked
from pure_nn.network import Network, Params
from pure_nn.precision import widen
from pure_nn.structure import AnyCache


@checked
def cost(
    net: Network, params: Params, X: Float[Array, "n_0 B"], Y: Float[Array, "n_L B"]
) -> Float[Array, ""]:
    """J, differentiated by the three steps wherever `jax.grad` meets it.

        ∂J/∂W[ℓ], ∂J/∂b[ℓ]    as `pure_nn.backward` gives them
        ∂J/∂X = (1/B) W[1]ᵀΔ[1]

    In reverse mode and once: `pure_nn.value_and_grad` is the one to differentiate again.

    TypeError: differentiating with respect to Y; targets are data.
    """
    return _cost(net, params, X, Y)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _cost(net: Network, params: Params, X: Array, Y: Array) -> Array:
    return network.cost(net, params, X, Y)


def _forward(net: Network, params: Any, X: Any, Y: Any) -> tuple[Array, Any]:
    if Y.perturbed:
        raise TypeError("interop.cost: expected Y to be data, got a derivative with respect to it")
    params, X = jax.tree.map(lambda leaf: leaf.value, (params, X))
    cache = network.forward(net, params, X)
    return network.cost_of(net, cache, Y.value), (params, cache, Y.value)


def _backward(
    net: Network, residuals: tuple[Params, AnyCache, Array], dJ: Float[Array, ""]
) -> tuple[Params, Array, None]:
    params, cache, Y = residuals
    grads, deltas = network.backward(net, params, cache, Y)
    dX = network.input_gradient(net, params, deltas) / Y.shape[1]
    return *jax.tree.map(lambda d: (dJ * widen(d)).astype(d.dtype), (grads, dX)), None


_cost.defvjp(_forward, _backward, symbolic_zeros=True)
