"""How good a network is on examples that it is not trained on."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn import network
from pure_nn.border import checked
from pure_nn.network import Network, Params
from pure_nn.stacked import top


class Evaluation(NamedTuple):
    """J without dropout and L2, and the share of examples that are right."""

    cost: Float[Array, ""]
    accuracy: Float[Array, ""]


@checked
def evaluate(
    net: Network, params: Params, X: Float[Array, "n_0 B"], Y: Float[Array, "n_L B"]
) -> Evaluation:
    """J, and the share of columns whose largest Ŷ is the largest Y; of one unit, Ŷ > ½ as Y > ½.

    The accuracy means nothing where Y holds no classes.
    """
    found: Evaluation = _evaluate(net, params, X, Y)
    return found


@jax.jit
def _evaluate(net: Network, params: Params, X: Array, Y: Array) -> Evaluation:
    cache = network.forward(net, params, X)
    J = network.cost_of(net, cache, Y)
    right = decided(top(cache.A[-1])) == decided(Y)
    return Evaluation(J, jnp.mean(right, dtype=J.dtype))


def decided(A: Float[Array, "n B"]) -> Array:
    """The class of every column"""
    return A[0] > 0.5 if A.shape[0] == 1 else jnp.argmax(A, axis=0)
