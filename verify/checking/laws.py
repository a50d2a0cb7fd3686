"""Laws of every backward pass, for which no reference is needed.

pull(0) = 0
pull(8v + w) = 8 pull(v) + pull(w)
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.checking.findings import Judge
from verify.checking.judge import Expected
from verify.checking.problem import Case, Problem
from verify.derivatives.programs import Leaves
from verify.errors import Comparison
from verify.report import Finding

ZERO, LINEAR = "law: zero", "law: linear"
SCALE = 8.0


def findings(problem: Problem, cases: Sequence[Case], judge: Judge) -> list[Finding]:
    """Of a function of a cotangent, at its arguments"""
    arrays, v, w = problem.given.arrays, *problem.cotangents[:2]
    (_, nothing), _ = problem.eager(arrays, [np.zeros_like(x) for x in v])
    (_, both), _ = problem.eager(arrays, _combined(v, w))
    found = [_zero(name, x) for name, x in zip(problem.names, nothing, strict=True)]
    return found + [
        _linear(i, x, cases, judge)
        for i, x in enumerate(both)
        if np.shape(x) == cases[0].reference.gradient[i].value.shape
    ]


def _zero(name: str, x: Any) -> Finding:
    """Exactly: rounding makes nothing of nothing, but 0 · ∞ is NaN."""
    wide = np.asarray(x).astype(np.float64)
    bad = np.flatnonzero(~(wide.ravel() == 0))
    at = np.unravel_index(bad[0] if bad.size else 0, wide.shape) if wide.size else ()
    got = float(wide[at]) if wide.size else 0.0
    error = np.inf if bad.size else 0.0
    compared = Comparison(name, tuple(map(int, at)), got, 0.0, error, error, wide.size)
    return Finding(ZERO, compared, "wrong" if bad.size else "ok")


def _combined(v: Leaves, w: Leaves) -> Leaves:
    """In the dtype of v"""
    pairs = zip(v, w, strict=True)
    wide = [(x.dtype, SCALE * x.astype(np.float64) + y.astype(np.float64)) for x, y in pairs]
    return [np.asarray(x).astype(dtype) for dtype, x in wide]


def _linear(i: int, x: Any, cases: Sequence[Case], judge: Judge) -> Finding:
    """To within what rounding may do to each of the three"""
    first, second = cases[0], cases[1]
    expected = _sum(first.reference.gradient[i], first.read[1][i], second.read[1][i])
    once, twice = (judge.allowed(i, case.reference.gradient[i]) for case in (first, second))
    return judge.within(LINEAR, i, x, expected, 2 * (SCALE * once + twice))


def _sum(like: Expected, x: Any, y: Any) -> Expected:
    value = SCALE * np.asarray(x).astype(np.float64) + np.asarray(y).astype(np.float64)
    return dataclasses.replace(like, value=value, low=np.zeros(value.shape), known=like.known)
