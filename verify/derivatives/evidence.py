"""What values alone say of the derivatives: central differences, complex step, many digits.

φ = ⟨cotangent, f⟩, which is the cost itself where f is one
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from verify.derivatives import manydigits, numeric
from verify.derivatives.manydigits import NotApplicable
from verify.derivatives.numeric import SIGNED, Derivatives
from verify.derivatives.primal import Primal, value
from verify.derivatives.probes import Probes, whole
from verify.derivatives.programs import Leaves, along, float64, merged
from verify.errors import unit_roundoff

INSIDE = {"complex step": "is not analytic", manydigits.MANY: "rounds to float64 inside"}
DIFFERENCES, IMAGINARY = "central differences", "complex step"


class Evidence(NamedTuple):
    name: str
    probes: Probes
    found: Derivatives


def central(
    function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes, size: float
) -> Evidence:
    """By central differences in float64, where the value is exact to the last place of `size`."""
    found = differences(function, arrays, cotangent, probes, SIGNED)
    u = max(unit_roundoff(function.lowest), unit_roundoff("float64"))
    return Evidence(DIFFERENCES, probes, numeric.extrapolated(found, size * u / numeric.ROUNDOFF))


def differences(
    function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes, steps: Any
) -> Any:
    """φ(x + hd) − φ(x) for each probe and step"""
    with float64():
        if function.way in ("differentiable", "compiled"):
            return _compiled(function, arrays, cotangent, probes, steps)
        phi, vector = phi_of(function, arrays, cotangent), vector_of(function, arrays)
        rays = probes.rays(vector.size)
        with np.errstate(all="ignore"):
            return np.array([[phi(vector + h * ray) for h in steps] for ray in rays])


def _compiled(
    function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes, steps: Any
) -> Any:
    """All steps at once, or where the function cannot be vmapped one after another"""
    arguments = arrays, cotangent, probes, steps
    try:
        return np.asarray(along(function.call, function.wanted, True, *arguments))
    except Exception:
        return np.asarray(along(function.call, function.wanted, False, *arguments))


def vector_of(function: Primal, arrays: Leaves) -> Any:
    return np.concatenate([np.asarray(arrays[i], np.float64).ravel() for i in function.wanted])


def phi_of(function: Primal, arrays: Leaves, cotangent: Leaves) -> Callable[[Any], Any]:
    """φ(x) − φ of the arrays as they are, of the wanted ones as one vector"""
    parts = [arrays[i] for i in function.wanted]

    def out(some: Leaves) -> Leaves:
        given = [copied(x) for x in merged(arrays, function.wanted, some)]
        return [np.asarray(y) for y in outputs_of_any_kind(function.call(given))]

    here = out(parts)

    def phi(vector: Any) -> Any:
        there = out(whole(vector, parts))
        return sum(np.sum(v * (y - x)) for v, x, y in zip(cotangent, here, there, strict=True))

    return phi


def copied(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def outputs_of_any_kind(tree: Any) -> list[Any]:
    """Floats, complex numbers, or those of many digits"""
    leaves = [x if hasattr(x, "dtype") else np.asarray(x) for x in jax.tree.leaves(tree)]
    return [x for x in leaves if x.dtype == object or jnp.issubdtype(x.dtype, jnp.inexact)]


def seconds(function: Primal, arrays: Leaves) -> float:
    """That one call takes, once what it compiles is compiled"""
    with float64():
        value(function, arrays)
        start = time.perf_counter()
        value(function, arrays)
    return time.perf_counter() - start


def believed(seen: Evidence, central: Evidence | None = None) -> Evidence:
    """With what central differences say of kinks. NotApplicable: they contradict it."""
    if central is None:
        return seen
    ours, theirs = seen.found, central.found
    with np.errstate(invalid="ignore"):
        off = np.abs(ours.value - theirs.value)
        wrong = off > theirs.uncertainty + 1e-9 * np.abs(theirs.value)
    if np.any(wrong & ~theirs.kink):
        raise NotApplicable(f"central differences contradict it: the function {INSIDE[seen.name]}")
    sure = dataclasses.replace(theirs, value=ours.value, uncertainty=ours.uncertainty)
    return seen if seen.name == manydigits.MANY else seen._replace(found=sure)
