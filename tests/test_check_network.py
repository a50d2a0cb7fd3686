"""With `net=` a mistake is named by the network, whatever L2 term its cost has."""

from typing import Any

import numpy as np
import pytest

import pure_nn
import verify

pytestmark = pytest.mark.usefixtures("standard_promotion")
RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(4, 6)), (RNG.uniform(size=(1, 6)) < 0.5) * 1.0
PARAMS = (
    {"W": RNG.normal(size=(3, 4)), "b": RNG.normal(size=(3, 1))},
    {"W": RNG.normal(size=(1, 3)), "b": RNG.normal(size=(1, 1))},
)
NET = pure_nn.Network(("tanh", "sigmoid"))


def cost(params: Any, X: Any, Y: Any) -> Any:
    """In NumPy"""
    A2 = forward(params, X)[1]
    return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


def forward(params: Any, X: Any) -> Any:
    A1 = np.tanh(params[0]["W"] @ X + params[0]["b"])
    return A1, 1 / (1 + np.exp(-(params[1]["W"] @ A1 + params[1]["b"])))


def by_hand(params: Any, X: Any, Y: Any) -> Any:
    A1, A2 = forward(params, X)
    return gradients(A2 - Y, params[1]["W"].T @ (A2 - Y) * (1 - A1**2), A1, X)


def gradients(d2: Any, d1: Any, A1: Any, X: Any) -> Any:
    B = X.shape[1]
    return (
        {"W": d1 @ X.T / B, "b": d1.sum(axis=1, keepdims=True) / B},
        {"W": d2 @ A1.T / B, "b": d2.sum(axis=1, keepdims=True) / B},
    )


def prime_left_out(params: Any, X: Any, Y: Any) -> Any:
    A1, A2 = forward(params, X)
    return gradients(A2 - Y, params[1]["W"].T @ (A2 - Y), A1, X)


def test_a_mistake_is_named_by_the_network() -> None:
    report = verify.check_gradient(cost, prime_left_out, (PARAMS, X, Y), net=NET, seed=0)
    assert report.verdict == "wrong"
    assert "g′(Z[1]) is left out" in str(report)
    with pytest.raises(verify.WrongGradient, match="is left out"):
        report.raise_if_wrong()


def test_an_l2_term_of_the_cost_is_no_mistake() -> None:
    def with_l2(params: Any, X: Any, Y: Any) -> Any:
        return cost(params, X, Y) + 0.05 * sum(np.sum(layer["W"] ** 2) for layer in params)

    def wrong(params: Any, X: Any, Y: Any) -> Any:
        return tuple(
            {"W": grad["W"] + 0.1 * layer["W"], "b": (1 + l) * grad["b"]}
            for l, (grad, layer) in enumerate(zip(by_hand(params, X, Y), params, strict=True))
        )

    report = verify.check_gradient(with_l2, wrong, (PARAMS, X, Y), net=NET, seed=1)
    assert "db[2] is 2 times too large" in str(report)
    assert "L2" not in str(report)


def test_a_cost_that_is_not_the_networks_is_named_leaf_by_leaf() -> None:
    def twice(params: Any, X: Any, Y: Any) -> Any:
        return 2 * cost(params, X, Y)

    report = verify.check_gradient(twice, by_hand, (PARAMS, X, Y), net=NET, seed=1)
    assert report.verdict == "wrong"
    assert "is ½ of what it should be" in str(report)
