"""The hand-written side compiled, and vmapped over a batch of other numbers."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from verify.checking import calls
from verify.checking.calls import fresh
from verify.checking.findings import Judge
from verify.checking.problem import Case, Problem
from verify.checking.references import Reference
from verify.checking.witnesses import Witnesses
from verify.derivatives.primal import first_line
from verify.derivatives.programs import Leaves, as_given
from verify.derivatives.refusals import dtype_of

COPIES = 2
APART = 0.1  # relative
Way = Callable[[Problem, Witnesses, Case, Judge], list[Case]]


def compiled(problem: Problem, witnesses: Witnesses, case: Case, judge: Judge) -> list[Case]:
    """Under jit; traced anew where it differs, for a global that it reads may have changed"""
    at = case.at
    with as_given(problem.given.wide):
        read = calls.compiled(problem.call, at.arrays, at.cotangent)
        found = dataclasses.replace(case, read=read)
        if np.max(found.errors(judge)) > 1 >= np.max(case.errors(judge)):
            read = calls.compiled(fresh(problem.call), at.arrays, at.cotangent)
    return [dataclasses.replace(case, read=read)]


def vmapped(problem: Problem, witnesses: Witnesses, case: Case, judge: Judge) -> list[Case]:
    """Under jit and vmap: the arguments, and some others near them with another cotangent"""
    given, rng = problem.given, witnesses.rng
    points = [case.at]
    for i in range(COPIES):
        v = problem.cotangents[(i + 1) % len(problem.cotangents)]
        points.append(problem.at(_apart(problem, rng), v))
    with as_given(given.wide):
        read = calls.batched(problem.call, given.wanted, *_stacked(problem, points))
    reads = [jax.tree.map(lambda x, k=k: x[k], read) for k in range(len(points))]
    references = [case.reference, *(_reference(problem, witnesses, at, case) for at in points[1:])]
    return [Case(*parts) for parts in zip(points, references, reads, strict=True)]


def _apart(problem: Problem, rng: Any) -> list[Any]:
    """The arrays, each differentiated number a little off"""
    arrays = list(problem.given.arrays)
    for i in problem.given.wanted:
        wide = np.asarray(arrays[i]).astype(np.float64)
        moved = wide * (1 + APART * rng.uniform(-1, 1, wide.shape))
        arrays[i] = np.asarray(moved).astype(dtype_of(arrays[i]))
    return arrays


def _stacked(problem: Problem, points: Sequence[Any]) -> tuple[Leaves, Leaves]:
    wanted = set(problem.given.wanted)
    arrays = [
        np.stack([np.asarray(at.arrays[i]) for at in points]) if i in wanted else x
        for i, x in enumerate(problem.given.arrays)
    ]
    columns = zip(*(at.cotangent for at in points), strict=True)
    return arrays, [np.stack(column) for column in columns]


def _reference(problem: Problem, witnesses: Witnesses, at: Any, case: Case) -> Reference:
    """By `jax.grad`; where there is none, a call of its own"""
    if witnesses.is_automatic:
        return witnesses.near(at, rounds=1)
    value, gradient = problem.eager(at.arrays, at.cotangent)[0]
    pairs = zip(case.reference.value, value, strict=False)
    values = [dataclasses.replace(x, value=_wide(y)) for x, y in pairs]
    leaves = zip(case.reference.gradient, gradient, strict=True)
    return Reference("a loop", values, [dataclasses.replace(x, value=_wide(y)) for x, y in leaves])


def _wide(x: Any) -> Any:
    return np.asarray(x).astype(np.float64)


def why_not(how: str, error: Exception) -> str:
    return f"not checked under {how}: it raises {type(error).__name__}: {first_line(error)}"


WAYS: dict[str, Way] = {"jit": compiled, "vmap": vmapped}
