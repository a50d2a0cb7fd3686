"""Mistakes in D[k] as it is carried down from D[k+1], and in dropout's part of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from verify.selftest.planted import (
    TWICE,
    Planted,
    examples,
    hidden,
    per,
    sloped,
    square,
    times,
    top,
    units,
)
from verify.selftest.student import Change, Work
from verify.selftest.task import Floats


def by(W: Callable[[Work, int], Any]) -> Change:
    """D[k+1] carried down by other weights than W[k+1]ᵀ"""
    return lambda w, k, right: w.D[k + 1] @ W(w, k)


def above(w: Work, k: int) -> Any:
    return w.task.W[k + 1]


def square_above(w: Work, k: int) -> bool:
    return hidden(w, k) and square(w, k + 1)


def same_above(w: Work, k: int) -> bool:
    """W[k] has the shape of W[k+1]."""
    return hidden(w, k) and w.task.W[k].shape == above(w, k).shape


def same_errors(w: Work, k: int) -> bool:
    """D[k+2] has the shape of D[k+1]."""
    return k + 2 <= w.task.L and units(w, k + 1) == units(w, k + 2)


def sloped_above(w: Work, k: int) -> bool:
    return hidden(w, k) and sloped(w, k + 1)


def unsloped(w: Work, k: int, right: Floats) -> Any:
    """∂𝓛/∂A[k+1] carried down, without its g′"""
    return w.dA[k + 1] * (w.mean if top(w, k + 1) else 1) @ above(w, k).T


def dropped(w: Work, k: int) -> bool:
    return k in w.task.masks and bool(np.any(w.task.masks[k]))


def keep(w: Work, k: int) -> float:
    return 1 / float(w.task.masks[k].max())


def unmasked(w: Work, k: int) -> Any:
    return w.D[k + 1] @ above(w, k).T


MASK = "mask missing"
IN_ERRORS = (
    Planted("W not transposed", "carried", by(above), ("W not transposed",), square_above),
    Planted(
        "W[k] for W[k+1]",
        "carried",
        by(lambda w, k: w.task.W[k].T),
        ("W of another layer",),
        same_above,
    ),
    Planted(
        "W[k+1] left out", "carried", lambda w, k, right: w.D[k + 1], ("W left out",), square_above
    ),
    Planted("|W| for W", "carried", by(lambda w, k: np.abs(above(w, k)).T), ("|W|",), hidden),
    Planted(
        "W after its update",
        "carried",
        by(lambda w, k: (above(w, k) - 0.1 * w.dW[k + 1]).T),
        ("updated W",),
        hidden,
    ),
    Planted(
        "D[k+2] for D[k+1]",
        "carried",
        lambda w, k, right: w.D[k + 2] @ above(w, k).T,
        ("Δ of another layer",),
        same_errors,
    ),
    Planted("∂𝓛/∂A for D", "carried", unsloped, ("∂𝓛/∂A for Δ",), sloped_above),
    Planted("mean again in a layer", "D", per(examples), TWICE, hidden),
    Planted("sign lost on the way down", "D", times(-1), ("wrong sign",), hidden),
    Planted("the error stops in a layer", "D", times(0), ("zero",), hidden),
    Planted("no mask, no scale", "dA", lambda w, k, right: unmasked(w, k), (MASK,), dropped),
    Planted("no mask", "dA", lambda w, k, right: unmasked(w, k) / keep(w, k), (MASK,), dropped),
    Planted(
        "no scale of dropout", "dA", per(lambda w, k: 1 / keep(w, k)), ("scale missing",), dropped
    ),
    Planted("scale of dropout twice", "dA", per(keep), ("scale twice",), dropped),
)
