"""Kinks: steps across them mislead nobody, and on one both derivatives are told."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradients import x_of

import verify
from verify.report import Report

ON_THE_KINK = np.array([0.0, 1.5, -2.0])
DIFFERENCES: Any = {"oracles": ("differences",)}


def relu_at(slope: float) -> Any:
    """The derivative of 3 Σ max(x, 0), by hand, with this g′(0)"""
    return lambda x: np.where(x == 0, 3 * slope, 3.0 * (x > 0))


def by_maximum(x: Any) -> Any:
    return 3 * jnp.sum(jnp.maximum(x, 0))  # jax.grad at 0 takes the mean


def by_relu(x: Any) -> Any:
    return 3 * jnp.sum(jax.nn.relu(x))  # jax.grad at 0 takes 0


def in_numpy(x: Any) -> Any:
    return 3 * np.sum(np.maximum(x, 0))


def checked(cost: Any, slope: float, **options: Any) -> Report:
    return verify.check_gradient(cost, relu_at(slope), (ON_THE_KINK,), **DIFFERENCES | options)


@pytest.mark.parametrize(("cost", "slope"), [(by_maximum, 0.5), (by_relu, 0.0)])
def test_the_convention_of_the_cost_is_right(cost: Any, slope: float) -> None:
    report = checked(cost, slope)
    assert report.ok, str(report)
    assert "the derivative is 0 from the left and 3 from the right" in str(report)


@pytest.mark.parametrize(
    ("cost", "slope", "theirs", "ours"),
    [
        (by_maximum, 0.0, "takes their mean", "by hand that from the left"),
        (by_relu, 1.0, "takes that from the left", "by hand that from the right"),
    ],
)
def test_another_convention_is_named(cost: Any, slope: float, theirs: str, ours: str) -> None:
    report = checked(cost, slope)
    assert report.verdict == "wrong"
    (said,) = report.mistakes
    assert said.startswith("only the convention at a kink differs: x[0] has the derivative 0")
    assert theirs in said
    assert ours in said


def test_equal_entries_of_a_max() -> None:
    def pooled(x: Any) -> Any:
        return jnp.sum(jnp.max(x, axis=1))

    def first_of_two(x: Any) -> Any:
        return jnp.array([[1.0, 0.0, 0.0]], x.dtype)

    x = np.array([[1.0, 1.0, 0.5]], np.float32)
    (said,) = verify.check_gradient(pooled, first_of_two, (x,)).mistakes
    assert said.startswith("only the convention at a kink differs: x[0, 0]")
    assert "in a max which of equal entries gets it" in said
    assert verify.check_gradient(pooled, first_of_two, (x - np.array([[0, 0.25, 0]], x.dtype),)).ok


@pytest.mark.parametrize("cost", [by_maximum, by_relu])
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_any_tie_lets_every_convention_pass(cost: Any, slope: float) -> None:
    assert checked(cost, slope, any_tie=True).ok


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_a_cost_in_numpy_has_no_convention(slope: float) -> None:
    assert checked(in_numpy, slope).ok


@pytest.mark.parametrize("cost", [by_maximum, in_numpy])
@pytest.mark.parametrize("slope", [-0.1, 1.1])
def test_what_is_not_between_the_sides_is_wrong(cost: Any, slope: float) -> None:
    report = checked(cost, slope, any_tie=True)
    assert report.verdict == "wrong"
    assert not any("convention" in said for said in report.mistakes)


def test_a_mistake_elsewhere_is_no_convention() -> None:
    def hand(x: Any) -> Any:
        return relu_at(0.0)(x) * np.array([1.0, 2.0, 1.0])

    report = verify.check_gradient(by_maximum, hand, (ON_THE_KINK,), any_tie=True, **DIFFERENCES)
    assert report.verdict == "wrong"
    assert not any("convention" in said for said in report.mistakes)


# beside a kink


@pytest.mark.parametrize("seed", range(5))
def test_right_gradients_of_relu_networks_are_right(seed: int) -> None:
    rng = np.random.default_rng(seed)
    args = rng.normal(size=(30, 3)), rng.normal(size=(3, 8))
    report = verify.check_gradient(hidden, hidden_by_hand, args, **DIFFERENCES)
    assert report.ok, str(report)


def hidden(W: Any, X: Any) -> Any:
    return jnp.mean(jnp.sum(jnp.maximum(W @ X, 0) ** 2 + jnp.abs(W @ X), axis=0))


def hidden_by_hand(W: Any, X: Any) -> Any:
    Z = W @ X
    return (2 * jnp.maximum(Z, 0) + jnp.sign(Z)) @ X.T / X.shape[1]


def test_crossed_kinks_are_counted() -> None:
    near = np.array([1e-3, 1.0, -2.0, 0.02])
    report = verify.check_gradient(in_numpy, relu_at(0.0), (near,), **DIFFERENCES)
    assert report.ok
    assert any("crossed a kink; only shorter ones" in note for note in report.notes)


def test_what_is_smooth_has_no_kink() -> None:
    report = verify.check_gradient(
        lambda x: jnp.sum(jnp.sin(5 * x)), lambda x: 5 * jnp.cos(5 * x), (x_of(),), **DIFFERENCES
    )
    assert report.ok
    assert report.notes == ()
