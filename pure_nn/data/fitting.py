"""A Preparation from training rows."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pure_nn.data.matrices import require_table
from pure_nn.data.preparation import (
    OUTPUTS,
    ROWS_AT_ONCE,
    Preparation,
    Task,
    numbers,
    require_finite,
    short,
    text_of,
)
from pure_nn.data.splits import one_per_example

MOST_CLASSES = 20  # that whole numbers are taken for, unless the task is given
Moments = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def prepare(
    rows: npt.ArrayLike,
    target: npt.ArrayLike,
    task: Task | None = None,
    standardize: bool = True,
    names: Sequence[str] | None = None,
) -> Preparation:
    """What makes X and Y of these, which must be training rows only, and of all later ones.

    Without a task, that of `task_of(target)`. A feature that is constant gets std 1, so that it
    becomes 0, and a warning. Memory-mapped rows are read in blocks.

    ValueError: not two axes, no rows, NaN or infinite entries, another number of targets than
    rows, a single class or constant target. TypeError: entries that are no numbers.
    """
    table, y = np.asanyarray(rows), text_of(one_per_example(target))
    require_table(table)
    if len(y) != len(table):
        raise ValueError(f"target: expected one value for each of {len(table)} rows, got {len(y)}")
    known = tuple(map(str, range(table.shape[1]) if names is None else names))
    if len(known) != table.shape[1]:
        raise ValueError(f"names: expected one for each of {table.shape[1]} columns, got {known}")
    mean, std = _moments(table, known, standardize)
    constant = tuple(name for name, s in zip(known, std, strict=True) if s == 0)
    _warn(constant)
    std[std == 0] = 1
    scales = tuple(mean.tolist()), tuple(std.tolist())
    found = Preparation(known, *scales, task_of(y) if task is None else task, constant=constant)
    return _with_target(found, y)


def task_of(target: npt.ArrayLike) -> Task:
    """Text, booleans and at most 20 different whole numbers, of which some are equal, are
    "classes", and two of them "binary"; other numbers are "regression".
    """
    y = one_per_example(target)
    n = len(np.unique(y))
    whole = y.dtype.kind == "f" and bool(np.all(y == np.floor(y)))
    few = (y.dtype.kind in "iu" or whole) and n <= MOST_CLASSES and (n < len(y) or n == 2)
    if y.dtype.kind in "bSU" or few:
        return "binary" if n <= 2 else "classes"
    return "regression"


@np.errstate(over="ignore", invalid="ignore")  # refused by what comes out
def _moments(table: npt.NDArray[Any], names: tuple[str, ...], standardize: bool) -> Moments:
    """mean and std of every column, by blocks of rows; 0 for the std of a constant one.

    Of two parts of a and b rows, d their means' difference: mean = mean_a + d·b/(a+b),
    M = M_a + M_b + d²·ab/(a+b), with M = (a+b)·std².
    """
    mean, M, n = np.zeros(table.shape[1]), np.zeros(table.shape[1]), 0
    low, high = np.full(table.shape[1], np.inf), np.full(table.shape[1], -np.inf)
    for start in range(0, len(table), ROWS_AT_ONCE):
        part = table[start : start + ROWS_AT_ONCE]
        require_finite(part, names, start)
        part = part.astype(np.float64)
        b, d = len(part), part.mean(axis=0) - mean
        M += ((part - part.mean(axis=0)) ** 2).sum(axis=0) + d * d * (n * b / (n + b))
        mean += d * (b / (n + b))
        low, high = np.minimum(low, part.min(axis=0)), np.maximum(high, part.max(axis=0))
        n += b
    if not standardize:
        return np.zeros_like(mean), np.ones_like(mean)
    return _exact_of_constants(mean, np.sqrt(M / n), low, high, names)


def _exact_of_constants(
    mean: npt.NDArray[np.float64],
    std: npt.NDArray[np.float64],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    names: tuple[str, ...],
) -> Moments:
    """What rounding leaves of the spread of a constant column is 0."""
    bad = np.flatnonzero(~np.isfinite(std) | ((std == 0) & (low < high)))
    if len(bad):
        raise ValueError(
            f"rows: feature {names[bad[0]]!r} runs from {low[bad[0]]} to {high[bad[0]]}, whose "
            "spread no float64 holds: scale it first"
        )
    return np.where(low == high, low, mean), np.where(low == high, 0, std)


def _warn(constant: tuple[str, ...]) -> None:
    if constant:
        warnings.warn(
            f"{len(constant)} constant feature{'s' * (len(constant) > 1)} ({short(constant)}): "
            "they tell nothing, and become 0",
            stacklevel=3,
        )


def _with_target(found: Preparation, y: npt.NDArray[Any]) -> Preparation:
    if found.task not in OUTPUTS:
        raise ValueError(f"task: expected one of {', '.join(OUTPUTS)}, got {found.task!r}")
    if found.task == "regression":
        values = numbers(y)
        mean, std = _moments(values[:, None], ("target",), True)
        _require_several(len(np.unique(values)), "target: expected different values", y)
        return dataclasses.replace(found, target_mean=float(mean[0]), target_std=float(std[0]))
    if y.dtype.kind == "f":
        require_finite(y[:, None], ("target",), 0)
    classes = tuple(np.unique(y).tolist())
    _require_several(len(classes), "target: expected at least two classes", y)
    if found.task == "binary" and len(classes) > 2:
        raise ValueError(
            f"task: expected two classes for 'binary', got {len(classes)} ({short(classes)}); "
            "take 'classes'"
        )
    return dataclasses.replace(found, classes=classes)


def _require_several(n: int, expected: str, y: npt.NDArray[Any]) -> None:
    if n < 2:
        raise ValueError(
            f"{expected}, got only {y.tolist()[0]!r} in all {len(y)} examples; there is nothing to "
            "learn: take examples of others, or another target"
        )
