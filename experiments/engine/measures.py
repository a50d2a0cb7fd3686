"""How good a network is on examples: its cost, and a score that people know."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

import pure_nn
from experiments.engine.job import Part
from pure_nn import training
from pure_nn.network import Network


class Measures(NamedTuple):
    """J without dropout and L2, and the accuracy; of a regression R², None where all Y are one."""

    cost: float
    score: float | None


def classified(net: Network, params: Any, part: Part) -> Measures:
    """The share of columns whose largest Ŷ is the largest Y; of one unit, Ŷ > ½ as Y > ½"""
    return Measures(*map(float, training.evaluate(net, params, *part)))


def regressed(net: Network, params: Any, part: Part) -> Measures:
    """R² = 1 − Σ(Y − Ŷ)²/Σ(Y − mean Y)²: 1 is exact, 0 no better than the mean"""
    J, left, whole = map(float, _regressed(net, params, *part))
    return Measures(J, 1 - left / whole if whole > 0 else None)


@jax.jit
def _regressed(
    net: Network, params: Any, X: Float[Array, "n_0 m"], Y: Float[Array, "n_L m"]
) -> tuple[Array, Array, Array]:
    left = jnp.sum((Y - pure_nn.predict(net, params, X)) ** 2)
    whole = jnp.sum((Y - jnp.mean(Y, axis=1, keepdims=True)) ** 2)
    return pure_nn.cost(net, params, X, Y), left, whole
