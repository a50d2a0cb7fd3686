"""Laws are applied: what a function gives for changed arguments is compared with what it gave."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import keystr

from verify.errors import Comparison, entries, leaf_name
from verify.laws import rounding
from verify.laws.batch import Law, Result
from verify.laws.program import Args, Program
from verify.report import Finding

Rng = np.random.Generator
Named = dict[str, Any]
ZEROS = "all zeros, and zeros obey every law: try other arguments"


@dataclass(frozen=True)
class Subject:
    """f(args) by name, and how far from it a result may lie that is equal on paper."""

    f: Program
    args: Args
    result: Named
    bounds: Named
    dtype: np.dtype[Any]


def subject(f: Program, args: Args, dtype: np.dtype[Any], rng: Rng) -> Subject:
    result = wide(f(args))
    bounds = rounding.bounds(lambda near: wide(f(near)), args, result, dtype, rng)
    return Subject(f, args, named(result), named(bounds), dtype)


def follows(s: Subject, law: Law) -> list[Finding]:
    """Whether f(args) follows from what f gives for the changed arguments"""
    try:
        results = law.back(*(wide(s.f(args)) for args in law.changed))
    except Exception as error:  # whatever f does when it is given fewer examples, or more
        fault = f"{type(error).__name__} where the law was tried: {error}"
        return [undecided(law.name, fault)]
    return _worst(compared(s, law.name, result) for result in results)


def compared(s: Subject, law: str, result: Result, *, exactly: bool = False) -> list[Finding]:
    return [
        finding(law, leaf(name, x, s.result[name], 0.0 if exactly else s.bounds[name], s.dtype))
        for name, x in named(result).items()
    ]


def leaf(name: str, x: Any, y: Any, bound: float, dtype: np.dtype[Any]) -> Comparison:
    if np.shape(x) != np.shape(y):
        return Comparison(name, fault=f"expected shape {np.shape(y)}, got {np.shape(x)}")
    return entries(name, x, y, bound, dtype)


def undecided(law: str, fault: str) -> Finding:
    return Finding(f"law: {law}", Comparison("the function", fault=fault), "undecided")


def _worst(several: Iterable[list[Finding]]) -> list[Finding]:
    """Of each leaf"""
    return [max(of_one_leaf, key=_badness) for of_one_leaf in zip(*several, strict=True)]


def _badness(found: Finding) -> tuple[bool, float]:
    error = found.comparison.error
    return found.verdict == "wrong", math.inf if math.isnan(error) else error


def finding(law: str, comparison: Comparison) -> Finding:
    return Finding(f"law: {law}", comparison, "ok" if comparison.ok else "wrong")


def too_large(s: Subject, times: int) -> str:
    """Why a law cannot be tried that makes numbers so many times as large"""
    largest = max(float(np.max(np.abs(x), initial=0)) for x in s.result.values())
    overflows = times * largest > float(jnp.finfo(s.dtype).max)
    return f"numbers {times} times as large could overflow in {s.dtype}" if overflows else ""


# several ways to run one function


def arguments_left_alone(s: Subject) -> list[Finding]:
    """By a function of NumPy arrays, which are given copies of the caller's"""
    law, left_alone = "arguments left alone", s.f.left_alone(s.args)
    fault = "the function writes into it; let it make a new array, as in W = W - step"
    written = [Comparison(name, fault=fault) for name, same in left_alone.items() if not same]
    same = Comparison("the arguments", (), 0.0, 0.0, 0.0, 0.0, len(left_alone))
    return [finding(law, comparison) for comparison in written or [same]]


def two_calls(s: Subject) -> list[Finding]:
    """Bit for bit, of one program"""
    return compared(s, "two calls", wide(s.f(s.args)), exactly=True)


def jit_is_eager(s: Subject) -> list[Finding]:
    """Within rounding; and two eager calls bit for bit"""
    one, other = (wide(s.f.eagerly(s.args)) for _ in range(2))
    eager = replace(s, result=named(one))
    again = compared(eager, "two calls, eagerly", other, exactly=True)
    return again + compared(s, "jit = eager", one)


def vmap_is_loop(s: Subject, rng: Rng) -> list[Finding]:
    """Of the arguments and two others, each number of which is smaller by a factor of its own"""
    several = [s.args, *(rounding.smaller(s.args, rng) for _ in range(2))]
    one_by_one = [s, *(subject(s.f, args, s.dtype, rng) for args in several[1:])]
    try:
        together = s.f.mapped(several)
    except Exception as error:  # whatever JAX cannot map
        fault = f"{type(error).__name__} under vmap: {str(error).partition(chr(10))[0]}"
        return [undecided("vmap = loop", fault)]
    pairs = zip(one_by_one, together, strict=True)
    return _worst(compared(one, "vmap = loop", wide(got)) for one, got in pairs)


# names


def wide(tree: Any) -> Any:
    """In float64, in which errors are computed"""
    return jax.tree.map(lambda x: np.asarray(x, np.float64), tree)


def named(result: Result) -> Named:
    """Every leaf by its name: J, W[ℓ], Δ[ℓ], …"""
    return {
        _name(what, path): x
        for what, tree in result.items()
        for path, x in jax.tree.leaves_with_path(tree)
    }


def _name(what: str, path: Sequence[Any]) -> str:
    """W[ℓ] as on the page, params['w'] and ∂𝓛/∂X by the name of the argument"""
    if what not in ("grads", "∂𝓛/∂"):
        return what + keystr(tuple(path))
    argument, *inside = path
    name = leaf_name(tuple(inside)) if inside else ""
    on_page = name if name[:2] in ("W[", "b[") else argument.key + keystr(tuple(inside))
    return on_page if what == "grads" else what + on_page


# what no law can be asked of


def faults(result: Result, params: Named) -> list[Finding]:
    """Another structure or shape than what it is the gradient of; numbers that are not finite."""
    found = [
        Comparison(name, fault="is not finite")
        for name, x in named(result).items()
        if not np.isfinite(x).all()
    ]
    if np.size(result.get("J", 0)) != 1:
        found.append(Comparison("J", fault=f"expected one number, got shape {result['J'].shape}"))
    found += _misshapen(result.get("grads", params), params)
    return [finding("a gradient", fault) for fault in found]


def _misshapen(grads: Named, params: Named) -> list[Comparison]:
    for name, theirs in params.items():
        structures = [str(jax.tree.structure(tree))[10:-1] for tree in (theirs, grads[name])]
        if len(set(structures)) == 2:
            fault = "expected a gradient of the structure {}, got {}".format(*structures)
            return [Comparison(name, fault=fault)]
    pairs = zip(jax.tree.leaves_with_path(grads), jax.tree.leaves(params), strict=True)
    return [
        Comparison(_name("grads", path), fault=f"expected shape {np.shape(y)}, got {np.shape(x)}")
        for (path, x), y in pairs
        if np.shape(x) != np.shape(y)
    ]


def nothing(s: Subject) -> list[Finding]:
    """Zeros obey every law"""
    if any(np.any(x) for name, x in s.result.items() if name not in ("J", "out")):
        return []
    fault = Comparison("the gradient", fault=ZEROS)
    return [Finding("law: a gradient", fault, "undecided")]


def zeros(s: Subject) -> list[str]:
    still = [name for name, x in s.result.items() if not np.any(x)]
    return [f"all zeros, of which laws say nothing: {', '.join(still)}"] if still else []
