"""The course's exercise on gradient checking: two planted mistakes, which are named, and the
corrected code, which passes. Its numbers are reproduced first, so that it is this exercise."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import verify

Params = dict[str, npt.NDArray[np.float64]]
SHAPES = {"W1": (5, 4), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1), "W3": (1, 3), "b3": (1, 1)}
PLANTED = 0.285093156781  # the course's difference, as it is printed


def exercise() -> tuple[Params, npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    random = np.random.RandomState(1)  # whose numbers the course prints
    X = random.randn(4, 3)
    return {name: random.randn(*shape) for name, shape in SHAPES.items()}, X, np.array([[1, 1, 0]])


def relu(Z: Any) -> Any:
    return np.maximum(0, Z)


def forward(p: Params, X: Any) -> tuple[Any, ...]:
    A1 = relu(p["W1"] @ X + p["b1"])
    A2 = relu(p["W2"] @ A1 + p["b2"])
    return A1, A2, 1 / (1 + np.exp(-(p["W3"] @ A2 + p["b3"])))


def cost(p: Params, X: Any, Y: Any) -> Any:
    A3 = forward(p, X)[-1]
    return 1 / X.shape[1] * np.sum(-np.log(A3) * Y - np.log(1 - A3) * (1 - Y))


def backward(p: Params, X: Any, Y: Any, dW2: float, db1: float) -> Params:
    m = X.shape[1]
    A1, A2, A3 = forward(p, X)
    dZ3 = A3 - Y
    dZ2 = (p["W3"].T @ dZ3) * np.int64(A2 > 0)
    dZ1 = (p["W2"].T @ dZ2) * np.int64(A1 > 0)
    return {
        "W1": 1 / m * dZ1 @ X.T,
        "b1": db1 / m * np.sum(dZ1, axis=1, keepdims=True),
        "W2": 1 / m * dZ2 @ A1.T * dW2,
        "b2": 1 / m * np.sum(dZ2, axis=1, keepdims=True),
        "W3": 1 / m * dZ3 @ A2.T,
        "b3": 1 / m * np.sum(dZ3, axis=1, keepdims=True),
    }


def with_mistakes(p: Params, X: Any, Y: Any) -> Params:
    return backward(p, X, Y, dW2=2.0, db1=4.0)


def corrected(p: Params, X: Any, Y: Any) -> Params:
    return backward(p, X, Y, dW2=1.0, db1=1.0)


def difference(gradient: Any) -> float:
    """The course's measure: ‖g − n‖/(‖g‖ + ‖n‖), with n by steps of 1e-7"""
    p, X, Y = exercise()
    g = np.concatenate([gradient(p, X, Y)[name].ravel() for name in SHAPES])
    n = np.concatenate([slopes(name, p, X, Y) for name in SHAPES])
    return float(np.linalg.norm(g - n) / (np.linalg.norm(g) + np.linalg.norm(n)))


def slopes(name: str, p: Params, X: Any, Y: Any) -> Any:
    ε, found = 1e-7, []
    for step in np.eye(p[name].size).reshape(-1, *p[name].shape) * ε:
        ahead, behind = ({**p, name: p[name] + s} for s in (step, -step))
        found.append((cost(ahead, X, Y) - cost(behind, X, Y)) / (2 * ε))
    return np.array(found)


def test_it_is_the_exercise() -> None:
    assert difference(with_mistakes) == pytest.approx(PLANTED, rel=1e-7)
    assert difference(corrected) < 2e-7


def test_both_mistakes_are_named() -> None:
    report = verify.check_gradient(cost, with_mistakes, exercise())
    assert report.verdict == "wrong"
    assert report.mistakes == (
        "p['W2'] is 2 times too large",
        "p['b1'] is X.shape[0] = 4 times too large",
    )
    wrong = {finding.comparison.where for finding in report.findings if finding.verdict == "wrong"}
    assert wrong == {"p['W2']", "p['b1']"}


def test_the_corrected_code_passes() -> None:
    report = verify.check_gradient(cost, corrected, exercise())
    assert report.ok, str(report)
    by_hand = {oracle.name: oracle.by_hand for oracle in report.oracles if oracle.compared}
    assert by_hand["many digits"] < 1e-15


def test_one_dimension() -> None:
    """J = xθ"""
    for x, θ in ((2.0, 4.0), (3.0, 4.0)):
        assert verify.check_gradient(lambda θ, x: θ * x, lambda θ, x: x, (θ, x)).ok
        assert not verify.check_gradient(lambda θ, x: θ * x, lambda θ, x: θ, (θ, x)).ok
