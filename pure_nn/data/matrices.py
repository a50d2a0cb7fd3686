"""Matrices with one example per column, from rows and from labels."""

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike, Float

from pure_nn.checks import float_dtype
from pure_nn.data.splits import one_per_example


def columns(rows: npt.ArrayLike, dtype: DTypeLike = "float32") -> Float[np.ndarray, "n B"]:
    """X from a table with one example per row, as files have it: X = rowsᵀ, a copy.

    TypeError: entries that are no real numbers, a dtype that is no float. ValueError: not two
    axes, no entries, an entry that is NaN or infinite, or is so in `dtype`.
    """
    table = np.asarray(rows)
    require_table(table)
    with np.errstate(over="ignore"):  # refused below, with its place
        X = np.array(table.T, float_dtype(dtype), order="C")
    _require_finite(table, X)
    return X


def one_hot(
    labels: npt.ArrayLike, n_classes: int, dtype: DTypeLike = "float32"
) -> Float[np.ndarray, "n_classes B"]:
    """Y of the labels 0 … n_classes − 1, one per example: Y[k, i] = 1 where labels[i] = k, else 0.

    TypeError: labels that are no numbers. ValueError: not one axis, no labels, a label that is
    no class, a number of classes that is no integer from 1 on.
    """
    labels = one_per_example(labels)
    if not isinstance(n_classes, numbers.Integral) or n_classes < 1:
        raise ValueError(f"n_classes: expected an integer from 1 on, got {n_classes!r}")
    classes = np.arange(n_classes)
    _require_classes(labels, classes)
    return (classes[:, None] == labels).astype(float_dtype(dtype))


def require_table(table: npt.NDArray[Any]) -> None:
    if table.ndim != 2:
        raise ValueError(
            f"rows: expected two axes, (examples, features), got shape {table.shape}; flatten each "
            "example, as in rows.reshape(len(rows), -1)"
        )
    if table.size == 0:
        raise ValueError(f"rows: expected at least one entry, got shape {table.shape}")
    require_numbers("rows", table)


def require_numbers(name: str, x: npt.NDArray[Any]) -> None:
    if x.dtype.kind not in "biuf":
        raise TypeError(
            f"{name}: expected real numbers, got dtype {x.dtype}; convert them first, as in "
            f"{name}.astype(np.float32)"
        )


def _require_finite(table: npt.NDArray[Any], X: npt.NDArray[Any]) -> None:
    bad = np.argwhere(~np.isfinite(X.T))
    if len(bad):
        row, column = map(int, bad[0])
        raise ValueError(
            f"rows: expected finite numbers in {X.dtype}, got {table[row, column]} in row {row}, "
            f"column {column} (from 0); {len(bad)} such in all: drop or replace them"
        )


def _require_classes(labels: npt.NDArray[Any], classes: npt.NDArray[Any]) -> None:
    require_numbers("labels", labels)
    bad = np.flatnonzero(~np.isin(labels, classes))
    if len(bad):
        i = int(bad[0])
        raise ValueError(
            f"labels: expected integers from 0 to {len(classes) - 1}, got {labels[i]} at position "
            f"{i}; {len(bad)} such in all"
        )
