"""The comparison that the other tests rest on rejects what is wrong, and so does the page."""

from typing import Any

import numpy as np
import pytest
from helpers import HIDDEN, SIZES, assert_same, numpy_data, numpy_params, pairs
from page import backward, cost, differences

TREE = {"W": np.array([[1.0, -2.0], [3.0, 0.0]]), "b": np.array([[4.0], [5.0]])}
WRONG: dict[str, Any] = {
    "one entry": {**TREE, "W": TREE["W"] + [[0, 0], [0, 1e-11]]},
    "sign": {**TREE, "b": -TREE["b"]},
    "NaN": {**TREE, "W": TREE["W"] * [[1, np.nan], [1, 1]]},
    "transpose": {**TREE, "W": TREE["W"].T},
    "shape": {**TREE, "b": TREE["b"][:, 0]},
    "dtype": {**TREE, "b": TREE["b"].astype(np.float32)},
    "structure": (TREE["W"], TREE["b"]),
    "zeros": {**TREE, "W": 0 * TREE["W"]},
}


@pytest.mark.parametrize("name", WRONG)
def test_comparison_rejects(name: str) -> None:
    with pytest.raises(AssertionError):
        assert_same(WRONG[name], TREE, rtol=1e-12)


def test_comparison_rejects_an_empty_reference() -> None:
    zeros = {"W": 0 * TREE["W"], "b": TREE["b"]}
    with pytest.raises(AssertionError, match="nothing to compare"):
        assert_same(zeros, zeros, rtol=1e-12)


def test_comparison_accepts_rounding() -> None:
    assert_same({**TREE, "W": TREE["W"] * (1 + 2e-16)}, TREE, rtol=1e-15)


@pairs
def test_page_agrees_with_its_own_differences(output: str, loss: str) -> None:
    names, params = (*HIDDEN[4], output), numpy_params(SIZES[4])
    X, Y = numpy_data(SIZES[4], 3, loss)
    by_differences = differences(lambda p: cost(names, loss, p, X, Y), params)
    assert_same(backward(names, loss, params, X, Y, np.ones(3)), by_differences, rtol=1e-9)
