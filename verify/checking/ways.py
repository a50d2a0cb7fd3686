"""The hand-written side compiled, and vmapped over a batch of other numbers."""

import dataclasses
import itertools
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
from verify.derivatives.arguments import Call
from verify.derivatives.primal import first_line
from verify.derivatives.programs import Leaves, as_given
from verify.derivatives.refusals import dtype_of

COPIES = 2
APART = 0.1  # relative
Way = Callable[[Problem, Witnesses, Case, Judge], list[Case]]


def compiled(problem: Problem, witnesses: Witnesses, case: Case, judge: Judge) -> list[Case]:
    """Under jit"""

    def run(call: Call) -> list[Case]:
        with as_given(problem.given.wide):
            read = calls.compiled(call, case.at.arrays, case.at.cotangent)
        return [dataclasses.replace(case, read=read, how="jit", call=call)]

    return _newly_traced(problem, run, case, judge)


def vmapped(problem: Problem, witnesses: Witnesses, case: Case, judge: Judge) -> list[Case]:
    """Under jit and vmap: the arguments, and some others near them with another cotangent"""
    given, points = problem.given, [case.at]
    for i in range(COPIES):
        v = problem.cotangents[(i + 1) % len(problem.cotangents)]
        points.append(problem.at(_apart(problem, witnesses.rng), v))
    references = [case.reference, *(_reference(problem, witnesses, at, case) for at in points[1:])]
    batch = _stacked(problem, points)

    def run(call: Call) -> list[Case]:
        with as_given(given.wide):
            read = calls.batched(call, given.wanted, *batch)
        reads = [jax.tree.map(lambda x, k=k: x[k], read) for k in range(len(points))]
        parts = zip(points, references, reads, itertools.count(), strict=False)
        return [Case(at, right, got, "vmap", call, batch, k) for at, right, got, k in parts]

    return _newly_traced(problem, run, case, judge)


def _newly_traced(
    problem: Problem, run: Callable[[Call], list[Case]], case: Case, judge: Judge
) -> list[Case]:
    """Traced anew where it differs from the eager call: a global that it reads may have changed"""
    found = run(problem.call)
    if np.max(found[0].errors(judge)) > 1 >= np.max(case.errors(judge)):
        found = run(fresh(problem.call))
    return found


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
