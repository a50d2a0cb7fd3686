"""Whether each entry of a gradient is a function of one number, and so to be judged by itself."""

from typing import Any

import numpy as np

from verify.checking.problem import Problem
from verify.report import Unit

APART = 0.1  # relative


def units_of(problem: Problem, rng: Any) -> list[Unit]:
    """“entry” for the leaves in which the hand is elementwise, “leaf” for the others"""
    if problem.hand.is_linear:
        return _by_cotangent(problem, rng)
    here = problem.eager(problem.given.arrays, problem.cotangents[0])[0][1]
    return [
        "entry" if _is_elementwise(problem, i, np.asarray(y), rng) else "leaf"
        for i, y in enumerate(here)
    ]


def _by_cotangent(problem: Problem, rng: Any) -> list[Unit]:
    """pull(m ∘ v) = m ∘ pull(v)"""
    arrays, v = problem.given.arrays, problem.cotangents[0]
    units: list[Unit] = ["leaf"] * len(problem.given.wanted)
    if len(v) > 1:
        return units
    mask = rng.integers(0, 2, v[0].shape).astype(v[0].dtype)
    whole, part = (problem.eager(arrays, [x])[0][1] for x in (v[0], mask * v[0]))
    for i, (x, y) in enumerate(zip(whole, part, strict=True)):
        if np.shape(x) == np.shape(y) == mask.shape and np.array_equal(mask * np.asarray(x), y):
            units[i] = "entry"
    return units


def _is_elementwise(problem: Problem, i: int, here: Any, rng: Any) -> bool:
    """Where some numbers of a leaf move, those of its gradient `here` do, and no others."""
    x, moves = np.asarray(problem.given.arrays[problem.given.wanted[i]]), False
    half = rng.permutation(x.size).reshape(x.shape) < x.size // 2
    factor = 1 + APART * rng.uniform(-1, 1, x.shape)
    for part in (half, ~half) if x.size > 1 and here.shape == x.shape else ():
        try:
            there = _gradient(problem, i, np.where(part, factor, 1))
        except Exception:  # it does not take other numbers: nothing is known
            return False
        if there.shape != x.shape:
            return False
        same = (here == there) | ((here != here) & (there != there))
        if not np.all(same | part):
            return False
        moves = moves or not bool(np.all(same))
    return moves


def _gradient(problem: Problem, i: int, factor: Any) -> Any:
    arrays, k = list(problem.given.arrays), problem.given.wanted[i]
    x = np.asarray(arrays[k])
    arrays[k] = (x.astype(np.float64) * factor).astype(x.dtype)
    return np.asarray(problem.eager(arrays, problem.cotangents[0])[0][1][i])
