"""Mistakes in dW[k] and db[k], made of errors that are right."""

from typing import Any

import numpy as np

from verify.selftest.planted import (
    MISSING,
    TWICE,
    Planted,
    batch,
    both,
    examples,
    per,
    several,
    sloped,
    square,
    times,
    top,
    units,
)
from verify.selftest.student import Change, Work
from verify.selftest.task import Floats


def of_inputs(inputs: Any) -> Change:
    """A[k-1]ᵀD[k] with something else for A[k-1]"""
    return lambda w, k, right: inputs(w, k).T @ w.D[k] * w.late


def weighing(weights: Any) -> Change:
    """Each example counted so many times in dW"""
    return lambda w, k, right: (w.A[k - 1] * weights(w)[:, None]).T @ w.D[k] * w.late


def without_last(w: Work) -> Any:
    return np.arange(w.task.B) < w.task.B - 1


def first_twice(w: Work) -> Any:
    return 1 + (np.arange(w.task.B) == 0)


def unsloped(w: Work, k: int, right: Floats) -> Any:
    error = w.dA[k] * (w.mean if top(w, k) else 1)
    return w.A[k - 1].T @ error * w.late


def sums_first(w: Work, k: int, right: Floats) -> Any:
    return w.A[k - 1].sum(axis=0)[:, None] * w.D[k].sum(axis=0) * w.late


def changed(index: Any, value: Any) -> Change:
    """Some entries are another number."""

    def change(w: Work, k: int, right: Floats) -> Any:
        wrong = right.copy()
        wrong[index] = value(right)[index]
        return wrong

    return change


def clipped(w: Work, k: int, right: Floats) -> Any:
    limit = np.sort(np.abs(right), axis=None)[right.size // 2]
    return np.clip(right, -limit, limit)


def regularised(w: Work, k: int) -> bool:
    return w.task.l2 > 0


def biased(w: Work, k: int) -> bool:
    return regularised(w, k) and bool(np.any(w.task.b[k]))


def narrow_above(w: Work, k: int) -> bool:
    """A[k] has the shape of A[k-1]."""
    return square(w, k)


def dropped_below(w: Work, k: int) -> bool:
    return k - 1 in w.task.masks


def beneath(w: Work, k: int) -> bool:
    return k > 1


def penalty(λ: Any) -> Change:
    """λW off by another multiple of W"""
    return lambda w, k, right: right + λ(w) * w.task.W[k]


def large(w: Work, k: int) -> bool:
    return w.task.W[k].size > 8


IN_WEIGHTS = (
    Planted("no mean in dW", "product", per(lambda w, k: 1 / w.task.B), MISSING),
    Planted("mean twice in dW", "product", per(examples), TWICE),
    Planted("dW negative", "dW", times(-1), ("wrong sign",)),
    Planted("dW doubled", "dW", times(2), (" 2 times too large",)),
    Planted("dW halved", "dW", times(0.5), ("½ of",)),
    Planted("dW times n", "dW", per(lambda w, k: 1 / units(w, k)), (" {n} times too large",)),
    Planted("dW times 1.1", "dW", times(1.1), (" 1.1 times", "11/10 times")),
    Planted("dW transposed", "dW", lambda w, k, right: right.T, ("transposed",)),
    Planted("dW zero", "dW", times(0), ("zero",)),
    Planted("dW not finite", "dW", changed((0, 0), lambda right: right * np.nan), ("not finite",)),
    Planted(
        "A[k] for A[k-1]",
        "product",
        of_inputs(lambda w, k: w.A[k]),
        ("A of another place",),
        square,
    ),
    Planted(
        "Z[k-1] for A[k-1]",
        "product",
        of_inputs(lambda w, k: w.Z[k - 1]),
        ("A of another place",),
        beneath,
    ),
    Planted(
        "A before dropout",
        "product",
        of_inputs(lambda w, k: w.G[k - 1]),
        ("A of another place",),
        dropped_below,
    ),
    Planted("sums before the product", "product", sums_first, ("sum before the product",), batch),
    Planted("g′ left out in dW alone", "product", unsloped, ("another Δ",), sloped),
    Planted("last example dropped", "product", weighing(without_last), ("examples",), batch),
    Planted("first example twice", "product", weighing(first_twice), ("examples",), batch),
    Planted("L2 missing", "dW", penalty(lambda w: -w.task.l2), ("L2 missing",), regularised),
    Planted("L2 doubled", "dW", penalty(lambda w: w.task.l2), ("L2 doubled",), regularised),
    Planted(
        "L2 over B",
        "dW",
        penalty(lambda w: w.task.l2 / w.task.B - w.task.l2),
        ("L2 factor",),
        both(regularised, batch),
    ),
    Planted("one entry doubled", "dW", changed((0, 0), lambda g: 2 * g), ("one entry",), large),
    Planted(
        "one unit's weights zero", "dW", changed(np.s_[:, 0], lambda g: 0 * g), ("one line",), large
    ),
    Planted("dW clipped", "dW", clipped, ("clipped",), large),
)


def level(total: Any) -> Change:
    return lambda w, k, right: total(w, w.D[k] * w.late)


IN_BIASES = (
    Planted("no mean in db", "db", per(lambda w, k: 1 / w.task.B), MISSING),
    Planted("mean twice in db", "db", per(examples), TWICE),
    Planted("db negative", "db", times(-1), ("wrong sign",)),
    Planted("db 4 times too large", "db", times(4), (" 4 times", "= 8/2 times")),
    Planted("db zero", "db", times(0), ("zero",)),
    Planted("db of one dimension", "db", lambda w, k, right: right[0], ("keepdims lost",)),
    Planted("db one number", "db", level(lambda w, D: D.sum()), ("one scalar",), several),
    Planted(
        "db one number in each entry",
        "db",
        level(lambda w, D: np.full((1, D.shape[1]), D.sum())),
        ("one scalar",),
        several,
    ),
    Planted(
        "db over the wrong axis",
        "db",
        level(lambda w, D: D.sum(axis=1, keepdims=True)),
        ("wrong axis",),
        both(batch, several),
    ),
    Planted("db not summed", "db", level(lambda w, D: D), ("sum missing",), batch),
    Planted(
        "L2 on b", "db", lambda w, k, right: right + w.task.l2 * w.task.b[k], ("L2 on b",), biased
    ),
    Planted(
        "db of the rows of dW",
        "db",
        lambda w, k, right: w.dW[k].sum(axis=0, keepdims=True),
        ("sum of dW",),
    ),
)
