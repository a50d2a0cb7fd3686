"""Labels become targets: one column per example, with a single 1 in the row of its class."""

import re
from typing import Any

import numpy as np
import pytest

from pure_nn import data

pytestmark = pytest.mark.usefixtures("as_installed")


def refuse(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


@pytest.mark.parametrize(
    "labels",
    [
        [2, 0, 1, 0],
        (2, 0, 1, 0),
        np.array([2, 0, 1, 0], np.uint8),
        np.array([2, 0, 1, 0], np.int64),
        np.array([2.0, 0.0, 1.0, 0.0], np.float32),
    ],
    ids=["list", "tuple", "uint8", "int64", "whole floats"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_single_one_in_the_row_of_the_class(labels: Any, dtype: str) -> None:
    Y = data.one_hot(labels, 4, dtype)
    assert Y.dtype == dtype
    assert Y.astype(int).tolist() == [[0, 1, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_booleans_are_two_classes() -> None:
    assert data.one_hot([True, False], 2).tolist() == [[0, 1], [1, 0]]


def test_the_number_of_classes_may_be_of_numpy() -> None:
    labels: Any = np.array([0, 2])
    assert data.one_hot(labels, labels.max() + 1).shape == (3, 2)


@pytest.mark.parametrize("bad", [3, -1, 1.5, float("nan"), float("inf")], ids=str)
@pytest.mark.parametrize("position", [0, 2])
def test_the_first_label_that_is_no_class_is_named(bad: float, position: int) -> None:
    labels: Any = [0, 1, 2, bad]
    labels[position] = bad
    message = f"labels: expected integers from 0 to 2, got {np.array(labels)[position]} at position"
    with refuse(ValueError, f"{message} {position}; 2 such in all"):
        data.one_hot(labels, 3)


@pytest.mark.parametrize(
    ("labels", "n_classes", "error", "message"),
    [
        ([[0], [1]], 2, ValueError, "one label per example, got (2, 1); write labels.ravel()"),
        ([[0, 1]], 2, ValueError, "one label per example, got (1, 2); write labels.ravel()"),
        ([[0, 1], [1, 0]], 2, ValueError, "one label per example, got (2, 2)"),
        ([], 2, ValueError, "labels: expected shape (B,), one label per example, got (0,)"),
        (3, 4, ValueError, "labels: expected shape (B,), one label per example, got ()"),
        (["a", "b"], 2, TypeError, "labels: expected real numbers, got dtype <U1"),
        ([0], 0, ValueError, "n_classes: expected an integer from 1 on, got 0"),
        ([0], 2.0, ValueError, "n_classes: expected an integer from 1 on, got 2.0"),
    ],
    ids=["column", "row", "matrix", "empty", "scalar", "text", "no class", "float classes"],
)
def test_refused(labels: Any, n_classes: Any, error: type[Exception], message: str) -> None:
    with refuse(error, message):
        data.one_hot(labels, n_classes)
