"""A cost in NumPy of more numbers than there is time for: no entry hides among the others."""

from typing import Any

import numpy as np
import pytest

import verify
from verify.checking import asked, groups, values
from verify.checking.asked import Asked

P = {"W1": (24, 20), "b1": (24, 1), "W2": (5, 24)}
Tree = dict[str, Any]


def numbers() -> tuple[Tree, Any, Any]:
    rng = np.random.default_rng(5)
    params = {name: rng.normal(size=n) / np.sqrt(n[-1]) for name, n in P.items()}
    return params, rng.normal(size=(20, 8)), rng.normal(size=(5, 8))


def cost(params: Tree, X: Any, Y: Any) -> Any:
    A = np.tanh(params["W1"] @ X + params["b1"])
    return np.mean(np.sum((params["W2"] @ A - Y) ** 2, axis=0)) / 2


def by_hand(params: Tree, X: Any, Y: Any) -> Tree:
    A = np.tanh(params["W1"] @ X + params["b1"])
    Δ2 = (params["W2"] @ A - Y) / X.shape[1]
    Δ1 = (params["W2"].T @ Δ2) / np.cosh(params["W1"] @ X + params["b1"]) ** 2
    return {"W1": Δ1 @ X.T, "b1": Δ1.sum(axis=1, keepdims=True), "W2": Δ2 @ A.T}


def one_entry(grads: Tree) -> None:
    grads["W1"][13, 17] *= 1 + 1e-7


def one_nan(grads: Tree) -> None:
    grads["W1"][13, 17] = np.nan


def all_of_one(grads: Tree) -> None:
    grads["b1"] *= 8


def all_but_zero(grads: Tree) -> None:
    grads["W1"][[3, 4]] = 0


@pytest.fixture(autouse=True)
def _calls_that_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that some entries are probed, and the others in some groups"""
    monkeypatch.setattr(Asked, "_calls", (2e-3, 2e-3))


WRONG: dict[str, tuple[Any, str]] = {
    "one entry": (one_entry, "WRONG: params['W1'][13, 17] alone is wrong"),
    "one NaN": (one_nan, "params['W1'][13, 17]"),
    "a leaf": (all_of_one, "params['b1'] is B = 8 times too large"),
    "two rows": (all_but_zero, "WRONG: params['W1']"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_gradient_is_right(dtype: str) -> None:
    params, X, Y = numbers()
    args = {name: x.astype(dtype) for name, x in params.items()}, X.astype(dtype), Y.astype(dtype)
    report = verify.check_gradient(cost, by_hand, args)
    assert report.ok, str(report)
    assert "to probe each of 624 entries: 16 were, and all others in groups" in str(report)


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found(what: str) -> None:
    change, said = WRONG[what]

    def wrong(*args: Any) -> Tree:
        grads = by_hand(*args)
        change(grads)
        return grads

    report = verify.check_gradient(cost, wrong, numbers())
    assert report.verdict == "wrong"
    assert said in str(report)


def test_many_digits_of_a_few_do_not_blind_the_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(x: Any) -> Any:
        grad = np.cos(x)
        grad[29] *= 1 + 1e-11
        return grad

    monkeypatch.setattr(Asked, "_calls", (1.0, 1.0))
    x = np.linspace(0.1, 1, 40)
    report = verify.check_gradient(lambda x: np.sum(np.sin(x)), wrong, (x,))
    assert report.verdict == "wrong"
    assert "to probe each of 40 entries: 8 were" in str(report)
    assert report.mistakes[0].startswith("x[29] alone is wrong")


def test_without_groups_one_entry_would_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args: Any) -> Tree:
        grads = by_hand(*args)
        one_entry(grads)
        return grads

    monkeypatch.setattr(groups, "suspects", lambda *args: [])
    assert verify.check_gradient(cost, wrong, numbers()).ok


def test_calls_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one takes two milliseconds, no more than some seconds' worth of them"""
    calls: list[None] = []

    def counted(*args: Any) -> Any:
        calls.append(None)
        return cost(*args)

    assert verify.check_gradient(counted, by_hand, numbers()).ok
    assert len(calls) * 2e-3 < 3 * values.PATIENCE


# how far a derivative moves


def test_a_domain_that_ends_near_by_is_no_response_of_zero() -> None:
    x, c = np.array([1.00003, 1.00005, 1.0001], np.float32), np.float32(0.9998)

    def log(x: Any) -> Any:
        return np.sum(np.log(x * x - c))

    report = verify.check_gradient(log, lambda x: 2 * x / (x * x - c), (x,))
    assert report.ok, str(report)
    assert not verify.check_gradient(log, lambda x: 2.1 * x / (x * x - c), (x,)).ok


def test_nor_where_steps_cannot_be_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "STEPS", (2.0**-10, 2.0**-10))
    x, c = np.array([1.00003, 2.0]), 1.0
    report = verify.check_gradient(
        lambda x: np.sum(np.log(x * x - c)), lambda x: 2 * x / (x * x - c), (x,)
    )
    assert report.ok, str(report)


def test_our_own_arithmetic_warns_of_nothing() -> None:
    x = np.array([1e-3, 2.0])
    report = verify.check_gradient(lambda x: np.sum(np.log(x)), lambda x: 1 / x, (x,))
    assert report.ok, str(report)
