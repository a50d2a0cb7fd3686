"""The mistake, named where `verify.mistakes` knows it."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from verify.checking.findings import Judge
from verify.checking.problem import Case, Problem
from verify.mistakes import diagnose, l2_of, name_leaves

PLACES = (" alone is wrong", " at (")  # said of an entry by its place
OF_REFERENCE = 1e-9  # by which its gradient may be off that of the network, relative to its size


def mistakes(problem: Problem, cases: Sequence[Case], judge: Judge) -> list[str]:
    """What is known of the first case that is wrong, or nothing"""
    wrong = [
        case
        for case in cases
        if case.is_numeric() and (np.max(case.errors(judge)) > 1 or case.vector() is None)
    ]
    if not wrong:
        return []
    return _of_network(problem, wrong[0]) or _of_leaves(problem, wrong[0], judge)


def _of_network(problem: Problem, case: Case) -> list[str]:
    """params, X and Y of a Network, of which all mistakes are known; nothing where the cost is
    another, but for an L2 term"""
    args = problem.given.args
    if problem.net is None or len(args) != 3 or problem.given.argnums != 0:
        return []
    params, X, Y = (_wide(x) for x in args)
    if not _are_layers(params):
        return []
    expected = _like(params, [x.value for x in case.reference.gradient])
    λ = l2_of(problem.net, params, X, Y, expected, OF_REFERENCE)
    if λ is None:
        return []
    grads, dtype = _like(params, case.read[1]), str(problem.given.dtype)
    found = diagnose(problem.net, params, X, Y, grads, l2=λ, dtype=dtype)
    return [str(found)] if found.names else []


def _are_layers(params: Any) -> bool:
    return isinstance(params, tuple | list) and all(
        isinstance(layer, dict) and layer.keys() == {"W", "b"} for layer in params
    )


def _wide(tree: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x).astype(np.float64), tree)


def _like(params: Any, leaves: Sequence[Any]) -> Any:
    return jax.tree.unflatten(jax.tree.structure(params), [_wide(x) for x in leaves])


def _of_leaves(problem: Problem, case: Case, judge: Judge) -> list[str]:
    """Where not every entry was probed, of those alone that were; or, the others being taken for
    right, of all"""
    expected = case.reference.gradient
    got, values = _wide(list(case.read[1])), _wide(problem.wanted)
    right = [x.value for x in expected]
    bounds = [judge.allowed(i, x) for i, x in enumerate(expected)]
    asked = [x.known | ~np.isfinite(x.value) for x in expected]
    if all(map(np.all, asked)):
        return _named(problem, got, right, values, bounds)
    columns = (got, right, values, bounds)
    alone = [[x[k] for x, k in zip(column, asked, strict=True)] for column in columns]
    told = [text for text in _named(problem, *alone) if not any(x in text for x in PLACES)]
    rest = zip(asked, right, got, strict=True)
    return told or _named(problem, got, [np.where(*each) for each in rest], values, bounds)


def _named(problem: Problem, *columns: Sequence[Any]) -> list[str]:
    """Of gradients by hand and right ones, arguments and bounds, leaf by leaf"""
    dicts = [dict(zip(problem.names, column, strict=True)) for column in columns]
    got, right, values, bounds = dicts
    told = name_leaves(got, right, values, bounds, lengths(problem))
    return [_sentence(text) for text in told]


def _sentence(text: str) -> str:
    """«W is …» and «W[2, 1] alone …», but «W, b: …»"""
    names, _, rest = text.partition(": ")
    if ", " in names:
        return text
    return rest if rest.startswith(f"{names}[") else f"{names} {rest}"


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
