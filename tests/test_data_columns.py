"""Rows become columns: a checked copy in the dtype asked for."""

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from pure_nn import data

pytestmark = pytest.mark.usefixtures("as_installed")
NAN, INF = float("nan"), float("inf")


def refuse(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


@pytest.mark.parametrize("kind", [list, np.array, np.asfortranarray])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_example_i_is_column_i(kind: Any, dtype: str) -> None:
    X = data.columns(kind([[1, 2, 3], [4, 5, 6]]), dtype)
    assert X.dtype == dtype
    assert X.flags.c_contiguous
    assert X.astype(float).tolist() == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.usefixtures("x64")
def test_float64_where_it_is_enabled() -> None:
    assert data.columns(np.array([[0.1]]), "float64").tolist() == [[0.1]]


def test_float32_unless_asked() -> None:
    assert data.columns(np.array([[True, False]])).dtype == np.float32


def test_a_copy() -> None:
    rows = np.ones((1, 3), np.float32)
    data.columns(rows)[:] = 7
    assert rows.tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("bad", [NAN, INF, -INF], ids=str)
@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 2), (3, 1)])
def test_the_first_entry_that_is_not_finite_is_named(bad: float, row: int, column: int) -> None:
    rows = np.zeros((4, 3))
    rows[row, column] = rows[3, 2] = bad
    message = f"rows: expected finite numbers in float32, got {bad} in row {row}, column {column} "
    with refuse(ValueError, f"{message}(from 0); 2 such in all: drop or replace them"):
        data.columns(rows)


@pytest.mark.parametrize(("value", "dtype"), [(1e39, "float32"), (7e4, "float16")])
def test_overflow_in_the_dtype_is_named(value: float, dtype: str) -> None:
    with refuse(ValueError, f"rows: expected finite numbers in {dtype}, got {value} in row 0, col"):
        data.columns(np.array([[value]]), dtype)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (np.ones(3), ValueError, "rows: expected two axes, (examples, features), got shape (3,)"),
        (np.ones((2, 8, 8)), ValueError, "flatten each example, as in rows.reshape(len(rows), -1)"),
        (np.ones((0, 3)), ValueError, "rows: expected at least one entry, got shape (0, 3)"),
        (np.ones((3, 0)), ValueError, "rows: expected at least one entry, got shape (3, 0)"),
        ([["a"]], TypeError, "rows: expected real numbers, got dtype <U1; convert them first"),
        ([[1j]], TypeError, "rows: expected real numbers, got dtype complex128; convert them"),
        ([[None]], TypeError, "rows: expected real numbers, got dtype object; convert them first"),
        (
            np.ones((1, 1), jnp.bfloat16),
            TypeError,
            "dtype bfloat16; convert them first, as in rows.ast",
        ),
    ],
    ids=[
        *("one axis", "three axes", "no rows", "no columns", "text", "complex", "objects"),
        "bfloat16",
    ],
)
def test_refused(rows: Any, error: type[Exception], message: str) -> None:
    with refuse(error, message):
        data.columns(rows)


def test_dtypes_are_those_of_pure_nn() -> None:
    with refuse(TypeError, "dtype: expected one of float64, float32, bfloat16, float16, got int32"):
        data.columns([[1]], "int32")
    with refuse(TypeError, "dtype: got float64 while JAX is limited to 32 bits"):
        data.columns([[1]], "float64")
