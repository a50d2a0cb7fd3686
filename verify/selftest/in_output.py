"""Mistakes in D[L], which the loss gives."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.selftest.planted import (
    MISSING,
    TWICE,
    Planted,
    batch,
    both,
    chained,
    examples,
    per,
    several,
    simplified,
    times,
    top,
    units,
)
from verify.selftest.student import Change, Work, loss_slope, output
from verify.selftest.task import Floats


def with_targets(targets: Callable[[Floats], Any]) -> Change:
    """D[L] of other targets"""

    def change(w: Work, k: int, right: Floats) -> Any:
        Y = targets(w.task.Y)
        dA = {**w.dA, k: loss_slope(w.task.loss, w.G[k], Y)}
        task = dataclasses.replace(w.task, Y=Y)
        return output(dataclasses.replace(w, task=task, dA=dA)) * w.mean

    return change


def written(error: Callable[[Floats, Floats, Work], Any]) -> Change:
    """D[L] as a formula of A and Y, without the mean"""
    return lambda w, k, right: error(w.G[k], w.task.Y, w) * w.mean


def decided(A: Floats, Y: Floats, w: Work) -> Any:
    choice = A == A.max(axis=1, keepdims=True)
    return (choice if w.task.activations[-1] == "softmax" else A > 0.5) - Y


def as_if_elementwise(w: Work, k: int, right: Floats) -> Any:
    return w.dA[k] * w.slope[k] * (w.mean if top(w, k) else 1)


def jacobian(w: Work, k: int) -> bool:
    """Softmax by its Jacobian"""
    return w.kind(k) == "softmax" and not simplified(w, k)


def curved(w: Work, k: int) -> bool:
    return w.kind(k) != "identity"


def probable(w: Work, k: int) -> bool:
    """Squared error of probabilities"""
    return w.kind(k) in ("sigmoid", "softmax") and w.task.loss == "squared_error"


def binary(w: Work, k: int) -> bool:
    return w.task.loss == "binary_cross_entropy"


def more(w: Work, k: int) -> bool:
    """Numbers than might be of fewer bits by chance"""
    return sum(W.size for W in w.task.W.values()) > 16


def lower(w: Work, k: int, right: Floats) -> Any:
    """All computed in the next lower precision"""
    return w.task.astype(np.float32 if w.task.dtype == np.float64 else np.float16)


IN_OUTPUT = (
    Planted("no mean in any gradient", "D", per(lambda w, k: 1 / w.task.B), MISSING, top),
    Planted("mean twice in every gradient", "D", per(examples), TWICE, top),
    Planted("mean over all entries of Y", "D", per(units), (" {n} times too small", "½ of"), top),
    Planted(
        "divided by B − 1",
        "D",
        per(lambda w, k: 1 - 1 / w.task.B),
        ("divided by B − 1",),
        both(top, batch),
    ),
    Planted("computed in lower precision", "task", lower, ("precision",), both(top, more)),
    Planted("Y − A for A − Y", "D", times(-1), ("wrong sign",), top),
    Planted("a loss without its ½", "D", times(2), (" 2 times too large",), top),
    Planted("D[L] halved", "D", times(0.5), ("½ of",), top),
    Planted("learning rate in D[L]", "D", times(0.01), (" 0.01 times",), top),
    Planted(
        "A − Y with another loss",
        "D",
        written(lambda A, Y, w: A - Y),
        ("other loss's Δ", "g′ left out"),
        both(chained, curved),
    ),
    Planted(
        "g′ though it has cancelled",
        "D",
        written(lambda A, Y, w: (A - Y) * w.slope[w.task.L]),
        ("g′ twice", "other loss's Δ"),
        simplified,
    ),
    Planted("softmax elementwise", "D", as_if_elementwise, ("softmax elementwise",), jacobian),
    Planted(
        "cross-entropy's ∂𝓛/∂A",
        "dA",
        lambda w, k, right: loss_slope("cross_entropy", w.G[k], w.task.Y),
        ("other loss's Δ",),
        both(chained, probable),
    ),
    Planted("Y rolled", "D", with_targets(lambda Y: np.roll(Y, 1, axis=0)), ("Y swapped",), top),
    Planted("Y in reverse", "D", with_targets(lambda Y: Y[::-1]), ("Y swapped",), top),
    Planted(
        "classes counted from 1",
        "D",
        with_targets(lambda Y: np.roll(Y, 1, axis=1)),
        ("Y swapped",),
        both(top, several),
    ),
    Planted("Y left out", "D", written(lambda A, Y, w: A), ("Y unused",), simplified),
    Planted("A + Y", "D", written(lambda A, Y, w: A + Y), ("Y added",), simplified),
    Planted(
        "output not activated",
        "D",
        written(lambda A, Y, w: w.Z[w.task.L] - Y),
        ("Z for A",),
        simplified,
    ),
    Planted("decisions, not A", "D", written(decided), ("decisions for A",), simplified),
    Planted(
        "no term of 1 − Y",
        "D",
        written(lambda A, Y, w: -Y * (1 - A)),
        ("half of the loss", "other loss's Δ"),
        both(simplified, binary),
    ),
)
