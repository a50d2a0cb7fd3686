"""Gradient checking in one dimension and in many, by central differences with ε = 1e-7."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

import pure_nn
from experiments.published.recipe import COURSE_2, RELU, Outcome, Recipe
from experiments.published.table import Row
from pure_nn.network import Params

NET = pure_nn.Network((RELU, RELU, "sigmoid"))
LINE = pure_nn.Network(("identity",))
EPSILON = 1e-7
ONE = {(2.0, 4.0): "2.919335883291695e-10", (3.0, 4.0): "7.814075313343006e-11"}
PLANTED, CORRECTED = "0.285093156781", "< 2e-7"
NOISE = 1e-7  # of the planted one: differences keep 7 digits


def difference(g: Float[np.ndarray, " k"], n: Float[np.ndarray, " k"]) -> float:
    """‖g − n‖ / (‖g‖ + ‖n‖)"""
    norm = np.linalg.norm
    return float(norm(g - n) / (norm(g) + norm(n)))


def slopes(
    J: Callable[[Float[Array, " k"]], Float[Array, ""]], θ: Float[Array, " k"]
) -> Float[np.ndarray, " k"]:
    """(J(θ + ε) − J(θ − ε)) / 2ε along each axis."""
    steps = EPSILON * np.eye(len(θ))
    return np.array([(float(J(θ + e)) - float(J(θ - e))) / (2 * EPSILON) for e in steps])


def one_dimension(x: float, θ: float) -> float:
    """J = θx: a unit without activation, of which Δ = ∂J/∂Z = 1."""
    X = jnp.array([[x]])

    def params(θ: Any) -> Params:
        return ({"W": jnp.reshape(θ, (1, 1)), "b": jnp.zeros((1, 1))},)

    cache = pure_nn.forward(LINE, params(θ), X)
    (g,) = pure_nn.gradients(LINE, cache, (None, jnp.ones((1, 1))))
    n = slopes(lambda θ: pure_nn.predict(LINE, params(θ), X)[0, 0], jnp.array([θ]))
    return difference(np.asarray(g["W"])[0], n)


def exercise() -> tuple[Params, Float[Array, "4 3"], Float[Array, "1 3"]]:
    """Seed 1: X, then W1, b1, …, W3, b3."""
    randn = np.random.RandomState(1).randn
    X = jnp.asarray(randn(4, 3))
    layers = ((randn(n, n_in), randn(n, 1)) for n, n_in in ((5, 4), (3, 5), (1, 3)))
    params = tuple({"W": jnp.asarray(W), "b": jnp.asarray(b)} for W, b in layers)
    return params, X, jnp.array([[1.0, 1.0, 0.0]])


def with_mistakes(grads: Any) -> Params:
    """dW2 doubled, and db1 times 4."""
    first, second, third = grads
    return ({**first, "b": 4 * first["b"]}, {**second, "W": 2 * second["W"]}, third)


def many_dimensions() -> list[Row]:
    params, X, Y = exercise()
    θ, restore = ravel_pytree(params)
    n = slopes(jax.jit(lambda θ: pure_nn.cost(NET, restore(θ), X, Y)), θ)
    _, grads = pure_nn.value_and_grad(NET, params, X, Y)
    wrong, right = (
        difference(np.asarray(ravel_pytree(tree)[0]), n) for tree in (with_mistakes(grads), grads)
    )
    return [
        Row("n dimensions, dW2 doubled and db1 times 4", PLANTED, wrong, NOISE),
        Row("n dimensions, corrected", CORRECTED, right),
    ]


def outcome(_: Path) -> Outcome:
    rows = [
        Row(f"J = xθ, x = {x:g}, θ = {θ:g}", p, one_dimension(x, θ)) for (x, θ), p in ONE.items()
    ]
    return Outcome(rows + many_dimensions())


RECIPE = Recipe(
    "gradient_checking",
    "‖g − n‖ / (‖g‖ + ‖n‖) of gradients g and central differences n",
    f"{COURSE_2}, week 1, «Gradient Checking»: K R E A S",
    outcome,
)
