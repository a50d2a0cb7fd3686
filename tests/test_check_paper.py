"""Stored gradients of the forms on paper, where units saturate, are inaccurate and not wrong.

No more digits can be had of what was computed elsewhere: what may be lost follows from the cost.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pure_nn
import verify
from pure_nn.softmax_digits import softmax_parts
from verify.derivatives import slopes

X = np.array([[1.0, -0.5, 0.75], [0.5, 1.0, -0.25]])
Y = np.array([[0.25, 0.5, 0.0], [0.125, 0.0, 0.75], [0.5, 0.25, 0.5]])
W = np.array([[0.3, -0.2], [0.7, 0.4], [-0.6, 0.9]])


def softmax(Z: Any) -> Any:
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=0)


def own_softmax(Z: Any) -> Any:
    E = jnp.exp(Z - jnp.max(Z, axis=0, keepdims=True))
    return E / jnp.sum(E, axis=0, keepdims=True)


G: dict[str, Any] = {
    "tanh": (np.tanh, lambda A, dA: dA * (1 - A**2)),
    "sigmoid": (lambda Z: 1 / (1 + np.exp(-Z)), lambda A, dA: dA * A * (1 - A)),
    "softmax": (softmax, lambda A, dA: A * dA - A * np.sum(A * dA, axis=0)),
}
COSTS: dict[str, Any] = {
    "tanh": (jnp.tanh, pure_nn.tanh().g),
    "sigmoid": (jax.nn.sigmoid, pure_nn.sigmoid().g),
    "softmax": (own_softmax, pure_nn.softmax().g),
}


def checked(name: str, g: Any, dtype: str, scale: float, change: Any = lambda dZ: dZ) -> Any:
    """∂J/∂W and ∂J/∂b of ½Σ(A − Y)², as a student has stored them"""
    w, x, y = (np.asarray(part, dtype) for part in (scale * W, X, Y))
    b = np.full((3, 1), np.asarray(scale, dtype) / 8)
    value, pull = G[name]
    A = value(w @ x + b)
    dZ = np.asarray(change(pull(A, A - y)), dtype)
    stored = dZ @ x.T, dZ.sum(axis=1, keepdims=True)

    def cost(parameters: Any, x: Any, y: Any) -> Any:
        Z = jnp.asarray(parameters[0] @ x + parameters[1])
        return jnp.sum((g(Z) - y) ** 2) / 2

    with jax.enable_x64(dtype == "float64"):
        args = (w, b), x, y
        return verify.check_gradient(cost, lambda *_: stored, args, oracles=(), seed=0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("which", [0, 1], ids=["of JAX", "of pure_nn"])
@pytest.mark.parametrize("name", G)
def test_saturated_forms_on_paper_are_inaccurate(name: str, which: int, dtype: str) -> None:
    g, scale = COSTS[name][which], {"float64": 60.0, "float32": 25.0}[dtype]
    report = checked(name, g, dtype, scale)
    assert {finding.verdict for finding in report.findings} <= {"ok", "inaccurate"}
    mistaken = checked(name, g, dtype, scale, lambda dZ: dZ + 1e-3)
    assert mistaken.verdict == "wrong"


def test_what_was_lost_is_told_with_the_better_form() -> None:
    report = checked("tanh", jnp.tanh, "float64", 60.0)
    assert report.verdict == "inaccurate"
    assert "no more than a right equation loses that keeps its values in float64" in str(report)
    assert "4/(E + 2 + 1/E)" in str(report)


@pytest.mark.parametrize("by", [1e-9, 1e-6, 1e-3, 1.0])
def test_where_nothing_saturates_little_is_lost(by: float) -> None:
    """A slope that is off by little is wrong."""
    assert checked("tanh", jnp.tanh, "float64", 1.0, lambda dZ: dZ * (1 + by)).verdict == "wrong"


@pytest.mark.parametrize(("is_stored", "verdict"), [(True, "inaccurate"), (False, "wrong")])
def test_a_hand_that_runs_with_more_digits_is_not_excused(is_stored: bool, verdict: str) -> None:
    """Twice a gradient that is all but lost is within what is lost, but many digits tell."""
    w, x = np.array([[18.0]]), np.ones((1, 1))

    def by_hand(w: Any, x: Any) -> Any:
        return 2 * (1 - np.tanh(w @ x) ** 2) @ x.T

    def cost(w: Any, x: Any) -> Any:
        return jnp.sum(jnp.tanh(w @ x))

    stored = by_hand(w, x)
    hand = {True: lambda *_: stored, False: by_hand}[is_stored]
    with jax.enable_x64(True):
        report = verify.check_gradient(cost, hand, (w, x), oracles=["many digits"], seed=0)
    assert report.verdict == verdict


def log_sum_exp(Z: Any) -> Any:
    top = jnp.max(Z, axis=0)
    return top + jnp.log(jnp.sum(jnp.exp(Z - top[None]), axis=0))


CROSS_ENTROPIES: dict[str, Any] = {
    "log Σ exp": lambda Z: jnp.mean(log_sum_exp(Z) - Z[0]),
    "of JAX": lambda Z: -jnp.mean(jax.nn.log_softmax(Z, axis=0)[0]),
    "of pure_nn": lambda Z: -jnp.mean(softmax_parts(jnp.asarray(Z))[2][0]),
}


@pytest.mark.parametrize(("by", "verdict"), [(1.0, "ok"), (1 + 1e-5, "wrong"), (0.5, "wrong")])
@pytest.mark.parametrize("form", CROSS_ENTROPIES)
def test_a_shift_that_is_constant_excuses_nothing(form: str, by: float, verdict: str) -> None:
    """Where max Z is also used otherwise, its gradient is not 0."""
    Z = np.random.default_rng(0).normal(size=(4, 5))
    stored = by * (softmax(Z) - np.eye(4)[:, :1]) / 5
    with jax.enable_x64(True):
        cost = CROSS_ENTROPIES[form]
        report = verify.check_gradient(cost, lambda _: stored, (Z,), oracles=(), seed=0)
    assert report.verdict == verdict


# slopes


def steepest(f: Any, z: float) -> list[float]:
    with jax.enable_x64(True):
        closed = jax.make_jaxpr(f)(jnp.asarray([z]))
        return [float(x[0]) for x in slopes.steepest(closed, [jnp.asarray([z])], [0])]


def test_the_largest_slope_on_the_way() -> None:
    """Of tanh that at 0; of log, which ends at 0, the slope at Z; of Z itself none."""
    assert steepest(jnp.tanh, 100.0) == [1.0]
    assert steepest(jnp.tanh, -1e4) == [1.0]
    assert steepest(jnp.log, 4.0) == [0.25]
    assert steepest(lambda z: 3 * jnp.maximum(z, 0), 5.0) == [3.0]
    assert steepest(lambda z: z, 5.0) == []


def test_slopes_are_off_by_what_is_given_and_values_are_not() -> None:
    z, δ = jnp.asarray([0.5, 2.0]), jnp.asarray([0.125, -0.25])
    closed = jax.make_jaxpr(jnp.tanh)(z)
    value, pull = jax.vjp(lambda z: slopes.off(closed, [z], [0], [δ])[0], z)
    assert value.tolist() == jnp.tanh(z).tolist()
    np.testing.assert_allclose(pull(jnp.ones(2))[0], 1 - jnp.tanh(z) ** 2 + δ, rtol=1e-6)
