"""Whether each entry of a gradient is a function of one number, and so to be judged by itself."""

from typing import Any

import numpy as np

from verify.checking.problem import Problem
from verify.report import Unit

APART = 0.1  # relative


def units_of(problem: Problem, rng: Any) -> list[Unit]:
    """“entry” for the leaves in which the hand is elementwise, “leaf” for the others"""
    wanted = range(len(problem.given.wanted))
    if problem.hand.is_linear:
        return _by_cotangent(problem, rng)
    return ["entry" if _is_elementwise(problem, i, rng) else "leaf" for i in wanted]


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


def _is_elementwise(problem: Problem, i: int, rng: Any) -> bool:
    """Where some numbers of a leaf move, those of its gradient do, and no others."""
    x = np.asarray(problem.given.arrays[problem.given.wanted[i]])
    half = rng.permutation(x.size).reshape(x.shape) < x.size // 2
    factor = 1 + APART * rng.uniform(-1, 1, x.shape)
    parts = half, ~half
    try:
        here, *there = (
            _gradient(problem, i, np.where(part, factor, 1)) for part in (0 * half, *parts)
        )
    except Exception:  # it does not take other numbers: nothing is known
        return False
    if x.size < 2 or any(y.shape != x.shape for y in (here, *there)):
        return False
    same = [(here == y) | ((here != here) & (y != y)) for y in there]
    alone = all(np.all(s | part) for s, part in zip(same, parts, strict=True))
    return alone and not all(map(np.all, same))


def _gradient(problem: Problem, i: int, factor: Any) -> Any:
    arrays, k = list(problem.given.arrays), problem.given.wanted[i]
    x = np.asarray(arrays[k])
    arrays[k] = (x.astype(np.float64) * factor).astype(x.dtype)
    return np.asarray(problem.eager(arrays, problem.cotangents[0])[0][1][i])
