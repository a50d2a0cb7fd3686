"""X and Y by what was fitted on the training rows; kept as text, exactly; bad rows named."""

import json
import re
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pure_nn import data
from pure_nn.data import preparation

ROWS = np.random.default_rng(0).normal(3, 5, (50, 2))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXT = np.array(["no", "yes"])[np.arange(50) % 2]
NAN = float("nan")


def test_training_rows_are_standardised(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of 7 rows as in one"""
    whole = data.prepare(ROWS, TEXT)
    monkeypatch.setattr(preparation, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr("pure_nn.data.fitting.ROWS_AT_ONCE", 7)
    blocks = data.prepare(ROWS, TEXT)
    np.testing.assert_allclose(whole.mean, ROWS.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(whole.std, ROWS.std(axis=0), rtol=1e-14)
    np.testing.assert_allclose(blocks.mean + blocks.std, whole.mean + whole.std, rtol=1e-14)
    X = blocks.X(ROWS)
    np.testing.assert_allclose(X, ((ROWS - ROWS.mean(0)) / ROWS.std(0)).T, rtol=1e-6)
    assert X.dtype == np.float32


def test_later_rows_are_scaled_as_those_of_training() -> None:
    fitted = data.prepare(ROWS, TEXT)
    np.testing.assert_array_equal(fitted.X(ROWS[7:9]), fitted.X(ROWS)[:, 7:9])


def test_as_they_are_unless_standardised() -> None:
    rows = np.arange(6, dtype=np.uint8).reshape(3, 2)
    fitted = data.prepare(rows, [0, 1, 0], standardize=False)
    np.testing.assert_array_equal(fitted.X(rows), rows.T)


@pytest.mark.parametrize(
    ("target", "task", "classes"),
    [
        (["b", "a", "b", "a"], "binary", ("a", "b")),
        ([True, False, True, True], "binary", (False, True)),
        ([1, 5, 1, 5], "binary", (1, 5)),
        ([1.0, 0.0, 1.0, 0.0], "binary", (0.0, 1.0)),
        (["b", "a", "c", "a"], "classes", ("a", "b", "c")),
        ([3, 1, 2, 1], "classes", (1, 2, 3)),
        ([3, 1, 2, 4], "regression", ()),
        ([0.5, 1.0, 0.5, 1.0], "regression", ()),
    ],
    ids=["text", "bool", "two", "whole", "texts", "several", "all different", "fractions"],
)
def test_the_task_follows_from_the_target(target: Any, task: str, classes: Any) -> None:
    fitted = data.prepare(ROWS[:4], target)
    assert (fitted.task, fitted.classes) == (task, classes)
    assert data.task_of(target) == task
    assert list(map(type, fitted.classes)) == list(map(type, classes))


def test_many_whole_numbers_are_no_classes_unless_said() -> None:
    target = np.arange(50) % 25
    assert data.prepare(ROWS, target).task == "regression"
    assert len(data.prepare(ROWS, target, "classes").classes) == 25


@pytest.mark.parametrize(
    ("target", "Y", "output"),
    [
        (["b", "a", "b", "a"], [[1, 0, 1, 0]], "sigmoid"),
        (["b", "a", "c", "a"], [[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0]], "softmax"),
        ([1.5, 3.5, 1.5, 3.5], [[-1, 1, -1, 1]], "identity"),
    ],
    ids=["binary", "classes", "regression"],
)
def test_targets_and_back(target: Any, Y: list[list[float]], output: str) -> None:
    fitted = data.prepare(ROWS[:4], target)
    assert fitted.Y(target).tolist() == Y
    assert fitted.Y(target[1:]).tolist() == [row[1:] for row in Y]
    assert fitted.labels(fitted.Y(target)).tolist() == target
    assert (fitted.output, fitted.n_outputs) == (output, len(Y))


@settings(max_examples=50, deadline=None)
@given(
    mean=st.lists(FLOATS, min_size=1, max_size=4),
    label=st.text(max_size=5),
    std=st.floats(min_value=5e-324, allow_infinity=False),
)
def test_kept_as_text_to_the_last_bit(mean: list[float], label: str, std: float) -> None:
    n = len(mean)
    one = data.Preparation(
        ("é",) * n, tuple(mean), (std,) * n, "binary", (label, label + "x"), constant=("é",)
    )
    assert data.Preparation.from_json(one.to_json()) == one


def altered(**fields: Any) -> str:
    return json.dumps(json.loads(data.prepare(ROWS, TEXT).to_json()) | fields)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "[" * 100_000, "null"),
        altered(format="another"),
        altered(more=1),
        altered(mean=[1.0]),
        altered(mean=["a", "b"]),
        altered(std=[0.0, 1.0]),
        altered(std=[NAN, 1.0]),
        altered(task="regression"),
        altered(task="other"),
        altered(task=["binary"]),
        altered(classes=["a"]),
        altered(classes=[None, "a"]),
        altered(names=[1, 2]),
        altered(names=3),
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"preparation: expected text as from Preparation\.to_js"):
        data.Preparation.from_json(text)


def test_constant_features_become_0_and_are_named() -> None:
    rows = np.column_stack([ROWS, np.full(50, 0.1)])
    with pytest.warns(UserWarning, match=r"1 constant feature \('flat'\): they tell nothing"):
        fitted = data.prepare(rows, TEXT, names=["x", "y", "flat"])
    assert fitted.constant == ("flat",)
    assert fitted.X(rows)[2].tolist() == [0.0] * 50


@pytest.mark.parametrize(
    ("rows", "target", "task", "message"),
    [
        (ROWS, TEXT[:9], None, "target: expected one value for each of 50 rows, got 9"),
        (ROWS[:0], TEXT[:0], None, "labels: expected shape (B,), one label per example, got (0,)"),
        (ROWS, TEXT == "maybe", None, "expected at least two classes, got only False in all 50"),
        (ROWS, np.full(50, 2.5), None, "target: expected different values, got only 2.5 in all"),
        (ROWS, np.arange(50) % 3, "binary", "two classes for 'binary', got 3 (0, 1, 2); take 'cl"),
        (ROWS, TEXT, "other", "task: expected one of classes, binary, regression, got 'other'"),
        (
            [[1.0, 2.0], [3.0, NAN]],
            [0, 1],
            None,
            "got nan in row 1 (from 0), column 1, feature '1'",
        ),
        (
            [[1e300], [-1e300]],
            [0, 1],
            None,
            "feature '0' runs from -1e+300 to 1e+300, whose spread",
        ),
        ([[1.0], [2.0]], [0.0, NAN], "classes", "got nan in row 1 (from 0), column 0, feature 'ta"),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_refused(rows: Any, target: Any, task: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        data.prepare(rows, target, task)


def test_text_is_no_target_of_regression() -> None:
    with pytest.raises(TypeError, match="target: expected numbers for regression, got dtype <U3"):
        data.prepare(ROWS, TEXT, "regression")


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda p: p.X(ROWS[:, :1]), "expected the 2 features of training ('0', '1'), one example"),
        (lambda p: p.X([[1, NAN]]), "got nan in row 0 (from 0), column 1, feature '1': fill it"),
        (lambda p: p.X([[1e300, 0]]), "feature '0' in row 0 (from 0) is 1e+300, which leaves the"),
        (
            lambda p: p.Y(["no", "perhaps"]),
            "classes of training ('no', 'yes'), got 'perhaps' in row",
        ),
        (lambda p: p.labels(np.ones((2, 3))), "Yhat: expected shape (1, B), got (2, 3)"),
    ],
    ids=["features", "nan", "overflow", "class", "outputs"],
)
def test_what_training_did_not_have(use: Any, message: str) -> None:
    fitted = data.prepare(ROWS, TEXT)
    with pytest.raises(ValueError, match=re.escape(message)):
        use(fitted)


def test_the_line_of_a_row_is_named() -> None:
    fitted = data.prepare([[0.0], [1.0]], [0, 1], standardize=False, names=["a"])
    lines = np.array([2, 3, 7])
    with pytest.raises(
        ValueError, match=r"in row 2 \(from 0\), line 7 of the file is -1e\+300, .*2$"
    ):
        fitted.X([[0.0], [1.0], [-1e300]], lines=lines)
    with pytest.raises(
        ValueError, match=r"got nan in row 1 \(from 0\), line 3 of the file, column"
    ):
        fitted.X([[0.0], [NAN]], lines=lines)
    assert fitted.X([[0.0], [1.0], [-3.0]], lines=lines).tolist() == [[0.0, 1.0, -3.0]]


def test_parts_are_all_examples_once() -> None:
    parts = data.split(jax.random.key(0), 10, (0.6, 0.3, 0.1))
    assert [len(part) for part in parts] == [6, 3, 1]
    assert sorted(np.concatenate(parts).tolist()) == list(range(10))


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.5, 0.4), "expected positive ones that add up to 1, such as (0.8, 0.2), got (0.5, 0.4)"),
        ((1.2, -0.2), "fractions: expected positive ones"),
        ((0.99, 0.01), "at least one of the 10 examples in each part, got [10, 0] by (0.99, 0.01)"),
    ],
)
def test_parts_without_examples_are_refused(fractions: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        data.split(jax.random.key(0), 10, fractions)


def test_class_balance() -> None:
    assert data.class_balance(["b", "a", "b"]) == {"a": 1, "b": 2}
