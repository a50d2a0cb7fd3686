"""The function that is differentiated: how it can be run, and what it is made of."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, subjaxprs

from verify.derivatives.arguments import Arguments, Call
from verify.derivatives.kept import cached
from verify.derivatives.programs import Leaves, float64, outputs, pull, valued
from verify.derivatives.refusals import is_floating
from verify.derivatives.traced import Program

Way = Literal["differentiable", "compiled", "eager", "numpy"]
NO_DERIVATIVE = {
    "compiled": "JAX traces it but cannot differentiate it",
    "numpy": "it is not written in JAX",
}


@dataclasses.dataclass(frozen=True)
class Primal:
    """f, cast to float64.

    differentiable   under jit, by jax.vjp
    compiled         under jit, but JAX has no derivative: a kernel, a callback
    eager            by jax.vjp, but not under jit: Python's `if` on values
    numpy            as a Python function of NumPy arrays
    """

    call: Call
    wanted: tuple[int, ...]
    arrays: Leaves
    way: Way
    why: str
    program: Program | None = None

    @property
    def lowest(self) -> np.dtype[Any]:
        """The coarsest float that the function itself computes in."""
        found = _floats_of(self.program.closed.jaxpr) if self.program else set()
        return max(found, key=lambda d: float(jnp.finfo(d).eps), default=np.dtype(np.float64))


def widened(arrays: Leaves) -> list[Any]:
    """The very numbers, in float64; integers, booleans and keys as they are."""
    return [np.asarray(x).astype(np.float64) if is_floating(x) else x for x in arrays]


def values(call: Call, arrays: Leaves) -> list[Any]:
    """The floating leaves that it returns, as float64, called once and eagerly."""
    return [np.asarray(x).astype(np.float64) for x in outputs(call(arrays))]


def value(function: Primal, arrays: Leaves) -> list[Any]:
    """The same, by a compiled program where it can be traced"""
    if function.way in ("differentiable", "compiled"):
        return [np.asarray(x, np.float64) for x in valued(function.call, arrays)]
    return values(function.call, [x.copy() if isinstance(x, np.ndarray) else x for x in arrays])


def primal(call: Call, given: Arguments, cotangent: Leaves) -> Primal:
    """Finds out by tracing, once for the same function and shapes."""
    arrays = widened(given.arrays)
    with float64():
        shapes = tuple(map(_shape, arrays)), tuple(map(_shape, cotangent))
        way, why, program = _traced(call, given.wanted, *shapes)
        if way == "numpy" and _is_differentiable_eagerly(call, given.wanted, arrays, cotangent):
            way = "eager"
    return Primal(call, given.wanted, arrays, way, why, program)


def _shape(x: Any) -> jax.ShapeDtypeStruct:
    dtype = x.dtype if hasattr(x, "dtype") else jnp.result_type(x)
    if not jnp.issubdtype(dtype, jax.dtypes.extended):
        dtype = jax.dtypes.canonicalize_dtype(dtype)
    return jax.ShapeDtypeStruct(np.shape(x), dtype)


@cached(256)
def _traced(
    call: Call, wanted: tuple[int, ...], arrays: Any, cotangent: Any
) -> tuple[Way, str, Program | None]:
    try:
        found = jax.make_jaxpr(functools.partial(pull, call, wanted))(arrays, cotangent)
    except Exception as error:
        why = f"{type(error).__name__}: {first_line(error)}"
    else:
        count = len(found.jaxpr.outvars) - len(wanted)
        return "differentiable", "", Program(found, count)
    try:
        jax.make_jaxpr(call)(arrays)
    except Exception as error:
        return "numpy", type(error).__name__, None
    return "compiled", why, None


def _is_differentiable_eagerly(
    call: Call, wanted: tuple[int, ...], arrays: Leaves, cotangent: Leaves
) -> bool:
    try:
        pull(call, wanted, arrays, cotangent)
    except Exception:
        return False
    return True


def first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:120]


def primitives(jaxpr: Jaxpr) -> Iterator[str]:
    """The names of all, of programs within it too"""
    yield from (equation.primitive.name for equation in jaxpr.eqns)
    for inner in subjaxprs(jaxpr):
        yield from primitives(inner)


def _floats_of(jaxpr: Jaxpr) -> set[np.dtype[Any]]:
    """The dtypes of the floats that its equations return"""
    avals: list[Any] = [v.aval for equation in jaxpr.eqns for v in equation.outvars]
    mine = {np.dtype(x.dtype) for x in avals if jnp.issubdtype(x.dtype, jnp.floating)}
    return mine.union(*map(_floats_of, subjaxprs(jaxpr)))
