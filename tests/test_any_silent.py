"""Where the reference is NaN or infinite, values are asked; and what nobody knows is not ok."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import verify

ROWS = np.array([[3.0, 4.0, 1.0], [0.0, 0.0, 0.0], [1.0, -2.0, 2.0]])
T = np.array([0.0, 1.0, 2.0])


def norms(X: Any) -> Any:
    """Of the rows, one of which is 0: `jax.grad` is NaN there."""
    return jnp.sum(jnp.sqrt(jnp.sum(X * X, axis=1)))


def norms_in_numpy(X: Any) -> Any:
    return np.sum(np.sqrt(np.sum(X * X, axis=1)))


def unit_rows(at_zero: float) -> Callable[[Any], Any]:
    def gradient(X: Any) -> Any:
        size = np.sqrt(np.sum(X * X, axis=1, keepdims=True))
        return np.where(size > 0, X / np.where(size > 0, size, 1), at_zero)

    return gradient


def root_or_minus(t: Any) -> Any:
    """`jax.grad` is NaN where √ of the side that is not taken is."""
    return jnp.sum(jnp.where(t > 0, jnp.sqrt(t), -2 * t))


def of_root_or_minus(slope: float) -> Callable[[Any], Any]:
    return lambda t: np.where(t > 0, 0.5 / np.sqrt(np.where(t > 0, t, 1)), slope)


@pytest.mark.parametrize("cost", [norms, norms_in_numpy])
@pytest.mark.parametrize(("at_zero", "verdict"), [(0.0, "ok"), (0.5, "ok"), (777.0, "wrong")])
def test_on_a_kink_anything_between_its_sides_is_right(
    cost: Callable[..., Any], at_zero: float, verdict: str
) -> None:
    report = verify.check_gradient(cost, unit_rows(at_zero), (ROWS,))
    assert report.verdict == verdict
    assert any("there is a kink" in note for note in report.notes)


@pytest.mark.parametrize(("slope", "verdict"), [(-2.0, "ok"), (-2.001, "wrong")])
def test_values_find_what_automatic_differentiation_does_not(slope: float, verdict: str) -> None:
    at = np.array([0.5, -1.0, 2.0])
    assert verify.check_gradient(root_or_minus, of_root_or_minus(slope), (at,)).verdict == verdict


@pytest.mark.parametrize("xp", [np, jnp])
def test_where_nobody_knows_nothing_is_decided(xp: Any) -> None:
    def gradient(t: Any) -> Any:
        return np.where(t > 0, 0.5 / np.sqrt(np.where(t > 0, t, 1)), 777.0)

    report = verify.check_gradient(lambda t: xp.sum(xp.sqrt(t)), gradient, (T,))
    assert report.verdict == "undecided"
    assert "t: 1 of 3 entries cannot be judged, the first at [0]: by hand 777" in str(report)
    all_of_it = verify.check_gradient(lambda t: xp.sum(xp.sqrt(t)), gradient, (0 * T,))
    assert all_of_it.verdict == "undecided"


def test_the_same_infinity_is_right() -> None:
    def cost(t: Any) -> Any:
        return jnp.sum(jnp.sqrt(t))

    def negative(t: Any) -> Any:
        return jnp.where(t > 0, 0.5 / jnp.sqrt(t), -jnp.inf)

    assert verify.check_gradient(cost, lambda t: 0.5 / jnp.sqrt(t), (T,)).ok
    assert verify.check_gradient(cost, negative, (T,)).verdict == "undecided"


@pytest.mark.parametrize(("at_zero", "verdict"), [(0.0, "ok"), (-5000.0, "wrong")])
def test_a_rule_for_x_log_x(at_zero: float, verdict: str) -> None:
    @jax.custom_vjp
    def f(t: Any) -> Any:
        return jnp.where(t > 0, t * jnp.log(t), 0.0)

    def backward(t: Any, g: Any) -> Any:
        return (g * jnp.where(t > 0, jnp.log(jnp.where(t > 0, t, 1)) + 1, at_zero),)

    f.defvjp(lambda t: (f(t), t), backward)
    assert verify.check_vjp(f, (T.astype(np.float32),)).verdict == verdict


# what is a function of one number each is judged by itself


@pytest.mark.parametrize("xp", [np, jnp])
def test_one_large_entry_does_not_hide_what_others_lose(xp: Any) -> None:
    z = np.array([9.0, 8.0, -7.0, 0.1], np.float32)

    def cost(z: Any) -> Any:
        return xp.sum(xp.tanh(z))

    textbook = verify.check_gradient(cost, lambda z: 1 - xp.tanh(z) ** 2, (z,))
    assert textbook.verdict == "inaccurate"
    assert "4/(E + 2 + 1/E)" in textbook.mistakes[0]
    assert verify.check_gradient(cost, lambda z: 1 / xp.cosh(z) ** 2, (z,)).ok
