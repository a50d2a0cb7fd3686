"""The mistake, named where `verify.mistakes` knows it."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.checking.findings import Judge
from verify.checking.problem import Case, Problem


def mistakes(problem: Problem, cases: Sequence[Case], judge: Judge) -> list[str]:
    """What `verify.mistakes` says of the first case that is wrong, or nothing"""
    wrong = [
        case
        for case in cases
        if case.is_numeric() and (np.max(case.errors(judge)) > 1 or case.vector() is None)
    ]
    if not wrong:
        return []
    try:
        catalogue: Any = importlib.import_module("verify.mistakes")
    except ImportError:
        return []
    return _of_network(catalogue, problem, wrong[0]) or _of_leaves(
        catalogue, problem, wrong[0], judge
    )


def _of_network(catalogue: Any, problem: Problem, case: Case) -> list[str]:
    """params, X and Y of a Network, of which all mistakes are known"""
    args = problem.given.args
    if problem.net is None or len(args) != 3 or problem.given.argnums != 0:
        return []
    params, X, Y = (_wide(x) for x in args)
    grads = _like(params, case.read[1])
    found = catalogue.diagnose(problem.net, params, X, Y, grads, dtype=str(problem.given.dtype))
    return [str(found)] if found.names else []


def _wide(tree: Any) -> Any:
    import jax

    return jax.tree.map(lambda x: np.asarray(x).astype(np.float64), tree)


def _like(params: Any, leaves: Sequence[Any]) -> Any:
    import jax

    return jax.tree.unflatten(jax.tree.structure(params), [_wide(x) for x in leaves])


def _of_leaves(catalogue: Any, problem: Problem, case: Case, judge: Judge) -> list[str]:
    names = problem.names
    expected = case.reference.gradient
    bounds = [judge.allowed(i, x) for i, x in enumerate(expected)]
    columns = (
        [np.asarray(x).astype(np.float64) for x in case.read[1]],
        [x.value for x in expected],
        [np.asarray(x).astype(np.float64) for x in problem.wanted],
        bounds,
    )
    tables = [dict(zip(names, column, strict=True)) for column in columns]
    return [_sentence(text) for text in catalogue.name_leaves(*tables, lengths(problem))]


def _sentence(text: str) -> str:
    """«W is …», but «W, b: …»"""
    names, _, rest = text.partition(": ")
    return text if ", " in names else f"{names} {rest}"


def lengths(problem: Problem) -> dict[int, str]:
    """What has so many entries: B, where the data agree on it, and the axes of all arguments"""
    given = problem.given
    named = [(given.names[i], np.shape(x)) for i, x in enumerate(given.arrays)]
    data = [named[i] for i in range(len(named)) if i not in given.wanted]
    axes = [(f"{name}.shape[{k}]", n) for name, shape in data for k, n in enumerate(shape)]
    axes += [(f"{name}.shape[{k}]", n) for name, shape in named for k, n in enumerate(shape)]
    found = dict.fromkeys(_batch([shape for _, shape in data if shape]), "B")
    for name, n in axes:
        found.setdefault(n, name)
    return found


def _batch(shapes: Sequence[tuple[int, ...]]) -> set[int]:
    """The length of the last axis of all data, or else of the first, where it is one"""
    for axis in (-1, 0):
        found = {shape[axis] for shape in shapes}
        if len(found) == 1:
            return found
    return set()
