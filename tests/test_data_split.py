"""A split takes the same fraction of every class, in an order that its key decides."""

import re
from typing import Any

import jax
import numpy as np
import pytest

from pure_nn import data

pytestmark = pytest.mark.usefixtures("as_installed")
KEY = jax.random.key(0)
LABELS = np.repeat([5, 7, 9], [10, 20, 40])[np.random.default_rng(0).permutation(70)]


def refuse(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


def test_every_example_is_on_one_side() -> None:
    train, test = data.stratified_split(KEY, LABELS, 0.3)
    assert sorted([*train, *test]) == list(range(70))


@pytest.mark.parametrize(
    ("fraction", "of_each"),
    [
        (0.2, [2, 4, 8]),
        (0.5, [5, 10, 20]),
        (0.19, [2, 4, 8]),
        (0.01, [1, 1, 1]),
        (0.99, [9, 19, 39]),
    ],
    ids=str,
)
def test_of_every_class_the_same_fraction(fraction: float, of_each: list[int]) -> None:
    _, test = data.stratified_split(KEY, LABELS, fraction)
    assert np.unique(LABELS[test], return_counts=True)[1].tolist() == of_each


def test_labels_may_be_names() -> None:
    names = np.array(["five", "seven", "nine"])[(LABELS - 5) // 2]
    by_name, by_number = (data.stratified_split(KEY, labels, 0.2) for labels in (names, LABELS))
    assert [x.tolist() for x in by_name] == [x.tolist() for x in by_number]


def test_the_key_decides() -> None:
    one, same = (data.stratified_split(KEY, LABELS, 0.2)[1].tolist() for _ in range(2))
    other = data.stratified_split(jax.random.key(1), LABELS, 0.2)[1].tolist()
    assert one == same
    assert set(one) != set(other)


def test_neither_side_is_sorted() -> None:
    for side in data.stratified_split(KEY, LABELS, 0.5):
        assert np.any(np.diff(side) < 0)
        assert np.any(np.diff(LABELS[side]) < 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_class_of_one_may_be_trained_on(seed: int) -> None:
    """And changes nothing for the others."""
    labels = np.append(LABELS, 8)
    train, test = data.stratified_split(jax.random.key(seed), labels, 0.2, single="train")
    assert 70 in train
    assert np.unique(labels[test], return_counts=True)[1].tolist() == [2, 4, 8]


def test_a_split_without_classes_holds_single_ones_out() -> None:
    tests = [data.split(jax.random.key(seed), 71, (0.8, 0.2))[1] for seed in range(20)]
    assert any(70 in test for test in tests)


def test_nothing_to_test_on_is_refused() -> None:
    with refuse(ValueError, "expected two examples of a class, one for either side, got 3 classes"):
        data.stratified_split(KEY, ["a", "b", "c"], 0.5, single="train")
    with refuse(ValueError, "single: expected 'refuse' or 'train', got 'test'"):
        data.stratified_split(KEY, LABELS, 0.5, single="test")  # type: ignore[arg-type]  # it is wrong


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.5, float("nan"), 20])
def test_fractions_outside_are_refused(fraction: Any) -> None:
    with refuse(ValueError, f"test_fraction: expected a fraction in (0, 1), got {fraction}"):
        data.stratified_split(KEY, LABELS, fraction)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 0, 3, 1, 1], "expected at least two examples of every class, one for either side, "),
        ([0, 0, 3, 1, 1], "got one of class 3; single='train' trains on it"),
        ([], "labels: expected shape (B,), one label per example, got (0,)"),
        ([[0, 0]], "one label per example, got (1, 2); write labels.ravel()"),
    ],
    ids=["single", "which", "empty", "row"],
)
def test_refused(labels: Any, message: str) -> None:
    with refuse(ValueError, message):
        data.stratified_split(KEY, labels, 0.5)
