"""From rows on disk to checked columns: X and Y with one example per column, in NumPy on the host.

    from pure_nn import data

Values are checked here, where they enter, and nowhere later.
"""

import numbers
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike, Float, Int, PRNGKeyArray

from pure_nn.checks import float_dtype


def columns(rows: npt.ArrayLike, dtype: DTypeLike = "float32") -> Float[np.ndarray, "n B"]:
    """X from a table with one example per row, as files have it: X = rowsᵀ, a copy.

    TypeError: entries that are no real numbers, a dtype that is no float. ValueError: not two
    axes, no entries, an entry that is NaN or infinite, or is so in `dtype`.
    """
    table = np.asarray(rows)
    _require_table(table)
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
    labels = _one_per_example(labels)
    if not isinstance(n_classes, numbers.Integral) or n_classes < 1:
        raise ValueError(f"n_classes: expected an integer from 1 on, got {n_classes!r}")
    classes = np.arange(n_classes)
    _require_classes(labels, classes)
    return (classes[:, None] == labels).astype(float_dtype(dtype))


def stratified_split(
    key: PRNGKeyArray, labels: npt.ArrayLike, test_fraction: float
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
    """The indices of the training and of the test examples, both in the random order of `key`.

    Of the n examples of every class, test_fraction · n are in the test, rounded, but at least one
    on either side.

    ValueError: not one axis, no labels, a fraction outside (0, 1), a class with one example.
    """
    labels = _one_per_example(labels)
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction: expected a fraction in (0, 1), got {test_fraction}")
    classes, class_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    _require_two_of_each(classes, sizes)
    order = np.asarray(jax.random.permutation(key, len(labels)), np.int64)
    in_test = np.zeros(len(labels), bool)
    for c, n in enumerate(sizes):
        shuffled = np.flatnonzero(class_of[order] == c)
        in_test[shuffled[: np.clip(round(test_fraction * n), 1, n - 1)]] = True
    return order[~in_test], order[in_test]


def _require_table(table: npt.NDArray[Any]) -> None:
    if table.ndim != 2:
        raise ValueError(
            f"rows: expected two axes, (examples, features), got shape {table.shape}; flatten each "
            "example, as in rows.reshape(len(rows), -1)"
        )
    if table.size == 0:
        raise ValueError(f"rows: expected at least one entry, got shape {table.shape}")
    _require_numbers("rows", table)


def _require_numbers(name: str, x: npt.NDArray[Any]) -> None:
    if x.dtype != bool and not np.isdtype(x.dtype, ("integral", "real floating")):
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


def _one_per_example(labels: npt.ArrayLike) -> npt.NDArray[Any]:
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(
            f"labels: expected shape (B,), one label per example, got {labels.shape}"
            + ("; write labels.ravel()" if labels.size and labels.size in labels.shape else "")
        )
    return labels


def _require_classes(labels: npt.NDArray[Any], classes: npt.NDArray[Any]) -> None:
    _require_numbers("labels", labels)
    bad = np.flatnonzero(~np.isin(labels, classes))
    if len(bad):
        i = int(bad[0])
        raise ValueError(
            f"labels: expected integers from 0 to {len(classes) - 1}, got {labels[i]} at position "
            f"{i}; {len(bad)} such in all"
        )


def _require_two_of_each(classes: npt.NDArray[Any], sizes: npt.NDArray[Any]) -> None:
    if sizes.min() < 2:
        c = int(np.argmin(sizes))
        raise ValueError(
            f"labels: expected at least two examples of every class, one for either side, "
            f"got one of class {classes[c]}"
        )
