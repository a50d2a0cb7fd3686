"""Central differences: how exact they are, that they know it, and what they say of kinks."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from verify.derivatives import numeric
from verify.derivatives.numeric import Derivatives

SMOOTH: dict[str, tuple[Callable[[float], float], float]] = {
    "exp": (np.exp, 1.0),
    "square": (lambda t: t**2, 0.0),
    "constant": (lambda t: 1.0, 0.0),
    "fast": (lambda t: np.sin(100 * t + 1), 100 * np.cos(1)),
    "faster": (lambda t: np.sin(1e4 * t + 1), 1e4 * np.cos(1)),
    "near a pole": (lambda t: np.log(1e-3 + t), 1e3),
    "beside a large constant": (lambda t: 1e6 + np.exp(t), 1.0),
    "noisy": (lambda t: np.exp(t) + 1e5 - 1e5, 1.0),
    "steep": (lambda t: np.tanh(1e5 * t), 1e5),
}


def derivatives(phi: Callable[[float], float]) -> Derivatives:
    with np.errstate(invalid="ignore", divide="ignore"):
        differences = np.array([[phi(h) - phi(0.0) for h in numeric.SIGNED]])
    return numeric.extrapolated(differences, abs(phi(0.0)))


@pytest.mark.parametrize("what", SMOOTH)
def test_the_error_is_less_than_what_is_said(what: str) -> None:
    phi, exact = SMOOTH[what]
    found = derivatives(phi)
    assert abs(found.value[0] - exact) <= found.uncertainty[0]
    assert not found.kink[0]


@pytest.mark.parametrize("what", ["exp", "square", "constant", "fast", "near a pole"])
def test_and_that_is_little(what: str) -> None:
    phi, exact = SMOOTH[what]
    assert derivatives(phi).uncertainty[0] <= 1e-8 * max(1, abs(exact))


def waves(a: Any, b: Any, c: Any, t: float) -> float:
    return float(np.sum(a * np.sin(b * t + c)))


def test_random_functions() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        a, b, c = rng.normal(size=(3, 4)) * 10.0 ** rng.uniform(-2, 2, (3, 1))
        found = derivatives(functools.partial(waves, a, b, c))
        assert abs(found.value[0] - np.sum(a * b * np.cos(c))) <= found.uncertainty[0]


def relu(at: float) -> Callable[[float], float]:
    return lambda t: 2 * max(t - at, 0.0) + 0.3 * t


def test_on_a_kink_both_sides_are_known() -> None:
    found = derivatives(relu(0.0))
    assert found.kink[0]
    np.testing.assert_allclose([found.left[0], found.right[0]], [0.3, 2.3], rtol=1e-6)


@pytest.mark.parametrize("at", [1e-2, 1e-3, -1e-3, 1e-5])
def test_beside_a_kink_the_steps_that_cross_it_are_left_out(at: float) -> None:
    found = derivatives(relu(at))
    assert not found.kink[0]
    assert found.crossed[0]
    assert found.value[0] == pytest.approx(0.3 + 2 * (at < 0), rel=1e-7)


def test_closer_than_the_shortest_step_it_is_uncertain() -> None:
    found = derivatives(relu(-2e-6))
    assert abs(found.value[0] - 2.3) <= found.uncertainty[0]


def test_where_nothing_is_finite_nothing_is_known() -> None:
    assert derivatives(lambda t: np.inf * (t != 0)).uncertainty[0] == np.inf
