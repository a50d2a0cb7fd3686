"""One update of the parameters: the three steps of the recipe, then the optimizer's."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from pure_nn import network, structure
from pure_nn.dropout import Masks
from pure_nn.l2 import decayed, penalized
from pure_nn.network import Network, Params
from pure_nn.structure import Cache, FromOne

Carry = tuple[Params, optax.OptState]
Observe = Callable[[Cache, FromOne, Params], Any]  # of the cache, the Δs and the gradients


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class How:
    """What a compiled program of training is made for: equal ones compile once."""

    net: Network
    optimizer: optax.GradientTransformation
    l2: float = 0.0
    compute_dtype: jnp.dtype | None = None
    observe: Observe | None = None


def update(
    how: How, carry: Carry, X: Array, Y: Array, key: Array | None, masks: Masks | None = None
) -> tuple[Carry, tuple[Array, Any]]:
    """params and state after one update; the J before it, and what `observe` makes of its Δs.

    An optimizer that looks at the cost, as a line search does, is given J, its gradients, and J as
    a function of the params on the same batch; others are compiled without them.
    """
    params, state = carry
    J, grads, cache, Δ = _differentiated(how, params, X, Y, key, masks)
    seen = None if how.observe is None else how.observe(cache, Δ, grads)
    of_params = functools.partial(_cost, how, X, Y, key, masks)
    with jax.numpy_dtype_promotion("standard"):  # as optax needs, whatever holds outside
        updates, state = optax.with_extra_args_support(how.optimizer).update(
            grads, state, params, value=J, grad=grads, value_fn=of_params
        )
    return (optax.apply_updates(params, updates), state), (J, seen)


def lowered(how: How, x: Array) -> Array:
    """In the dtype to compute in"""
    return x if how.compute_dtype is None else x.astype(how.compute_dtype)


def _cost(
    how: How, X: Array, Y: Array, key: Array | None, masks: Masks | None, params: Params
) -> Array:
    _, cache = _forward(how, params, X, key, masks)
    return _penalized(how, params, cache, lowered(how, Y))


def _forward(
    how: How, params: Params, X: Array, key: Array | None, masks: Masks | None
) -> tuple[Params, Cache]:
    """params as they are computed with, and the pass"""
    low = jax.tree.map(lambda x: lowered(how, x), params)
    return low, network.forward(how.net, low, lowered(how, X), key=key, masks=masks)


def _penalized(how: How, params: Params, cache: Cache, Y: Array) -> Array:
    """J"""
    return penalized(network.cost_of(how.net, cache, Y), params, how.l2)


def _differentiated(
    how: How, params: Params, X: Array, Y: Array, key: Array | None, masks: Masks | None
) -> tuple[Array, Params, Cache, FromOne]:
    """J and its gradients, and what they came from.

    Only forward and Δ are of the lower dtype. Δ carries no 1/B, so it does not fall below what
    float16 holds; the sums of step 3 and λW are of the parameters' dtype.
    """
    net, (low, cache) = how.net, _forward(how, params, X, key, masks)
    Y = lowered(how, Y)
    Δ = network.backpropagate(net, low, cache, network.output_delta(net, cache, Y))
    grads = decayed(network.mean_gradients(net, cache, Δ), params, how.l2)
    J = _penalized(how, params, cache, Y)
    return J, structure.like(params, structure.rounded(grads, params[0]["W"].dtype)), cache, Δ
