"""A jaxpr evaluated in NumPy, with numbers of any kind in place of floats."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from verify.derivatives.primitives import TABLE, NotInTheTable
from verify.derivatives.shapes import MOVES, move, scatter_add

INLINED = {"jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint", "remat", "custom_lin"}
INLINED |= {"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"}


class TooLong(Exception):
    """More operations than the limit."""


class Numbers:
    """One kind of number: the dtype of its arrays, and how floats become such numbers."""

    def __init__(self, dtype: Any, lift: Callable[[Any], Any], limit: float) -> None:
        self.dtype, self.lift, self.left = np.dtype(dtype), lift, limit
        self.before: Callable[[Any], None] = lambda equation: None  # of every operation

    def given(self, x: Any) -> Any:
        """A constant: floats become numbers, integers and booleans stay."""
        if jnp.issubdtype(getattr(x, "dtype", np.float64), jax.dtypes.extended):
            raise NotInTheTable("random keys")
        x = np.asarray(x)
        return self.of(x) if _floats(x.dtype) else x

    def of(self, x: Any) -> Any:
        """Of numbers that float64 holds exactly, an array of these numbers."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.lift(np.asarray(x, np.float64)), self.dtype)

    def spend(self, operations: float) -> None:
        self.left -= operations
        if self.left < 0:
            raise TooLong


def evaluate(closed: ClosedJaxpr, numbers: Numbers, arguments: Sequence[Any]) -> list[Any]:
    """NotInTheTable: a primitive that has no form here. TooLong: too many operations."""
    if operations(closed.jaxpr) > numbers.left:
        raise TooLong
    return _run(closed.jaxpr, [numbers.given(x) for x in closed.consts], numbers, arguments)


def operations(jaxpr: Jaxpr) -> float:
    """How many, about, each loop taken as often as is known: one for every entry of a result, for
    every term of a sum."""
    return float(sum(_operations(equation) for equation in jaxpr.eqns))


def _operations(equation: Any) -> float:
    name, params = equation.primitive.name, equation.params
    inner = sum(operations(_closed(x).jaxpr) for x in _inner(params))
    if inner:
        return float(inner * params.get("length", 1))
    size = max(math.prod(v.aval.shape) for v in (*equation.invars, *equation.outvars))
    if name == "dot_general":
        (terms, _), _ = params["dimension_numbers"]
        size = math.prod(equation.invars[0].aval.shape[i] for i in terms)
        size *= math.prod(equation.outvars[0].aval.shape)
    return float(size)


def _inner(params: Any) -> list[Any]:
    found = [x for x in params.values() if isinstance(x, Jaxpr | ClosedJaxpr)]
    return [*found, *params.get("branches", ())]


def _closed(jaxpr: Any) -> ClosedJaxpr:
    return jaxpr if isinstance(jaxpr, ClosedJaxpr) else ClosedJaxpr(jaxpr, ())


def _run(jaxpr: Jaxpr, consts: Any, numbers: Numbers, arguments: Sequence[Any]) -> list[Any]:
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *arguments), strict=True))

    def read(v: Any) -> Any:
        return numbers.given(v.val) if isinstance(v, Literal) else values[v]

    for equation in jaxpr.eqns:
        results = _apply(equation, numbers, [read(v) for v in equation.invars])
        values |= zip(equation.outvars, results, strict=True)
    return [read(v) for v in jaxpr.outvars]


def _apply(equation: Any, numbers: Numbers, operands: list[Any]) -> list[Any]:
    name, params = equation.primitive.name, equation.params
    if name in INLINED:
        return _inlined(_inner(params)[0], numbers, operands)
    if name in LOOPS:
        return LOOPS[name](params, numbers, operands)
    numbers.spend(_operations(equation))
    numbers.before(equation)
    with np.errstate(all="ignore"):
        results = _simple(equation, numbers, operands)
    return [_as(v.aval, numbers, x) for v, x in zip(equation.outvars, results, strict=True)]


def _simple(equation: Any, numbers: Numbers, operands: list[Any]) -> Sequence[Any]:
    name, params = equation.primitive.name, equation.params
    floating = [_floats(v.aval.dtype) for v in equation.invars]
    whole = not any(floating) and not any(_floats(v.aval.dtype) for v in equation.outvars)
    if not operands or (whole and name not in ("eq", "lt", "gt", "select_n")):
        found = equation.primitive.bind(*map(jnp.asarray, operands), **params)
        return found if equation.primitive.multiple_results else (numbers.given(found),)
    if name == "scatter-add":
        return (scatter_add(equation.primitive, params, *operands),)
    if name in MOVES:
        return (_moved(equation, numbers, operands, floating),)
    if name not in TABLE:
        raise NotInTheTable(f"the primitive {name}")
    found = TABLE[name](params, *_converted(equation, numbers, operands))
    return found if equation.primitive.multiple_results else (found,)


def _moved(equation: Any, numbers: Numbers, operands: list[Any], floating: list[bool]) -> Any:
    params = equation.params
    fill = params.get("fill_value")
    nothing = numbers.of(math.nan if fill is None else float(fill))
    nowhere = {"fill_value": -1} if fill is not None else {}
    return move(equation.primitive, params | nowhere, operands, floating, nothing)


def _converted(equation: Any, numbers: Numbers, operands: list[Any]) -> list[Any]:
    """Integers that become floats become numbers."""
    wanted = equation.params.get("new_dtype")
    if wanted is not None and _floats(wanted) and not _floats(equation.invars[0].aval.dtype):
        return [numbers.of(operands[0])]
    return operands


def _as(aval: Any, numbers: Numbers, x: Any) -> Any:
    return np.asarray(x, numbers.dtype if _floats(aval.dtype) else aval.dtype).reshape(aval.shape)


def _floats(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.floating))


# programs within programs


def _inlined(jaxpr: Any, numbers: Numbers, operands: Sequence[Any]) -> list[Any]:
    closed = _closed(jaxpr)
    return _run(closed.jaxpr, [numbers.given(x) for x in closed.consts], numbers, operands)


def _scan(params: Any, numbers: Numbers, operands: list[Any]) -> list[Any]:
    fixed, carried = params["num_consts"], params["num_carry"]
    consts, carry = operands[:fixed], operands[fixed : fixed + carried]
    rows, order = [], range(params["length"])
    for i in reversed(order) if params["reverse"] else order:
        sliced = [x[i] for x in operands[fixed + carried :]]
        found = _inlined(params["jaxpr"], numbers, [*consts, *carry, *map(_array, sliced)])
        carry = found[:carried]
        rows.append(found[carried:])
    stacks = zip(*(reversed(rows) if params["reverse"] else rows), strict=True)
    return [*carry, *(np.stack(stack) for stack in stacks)]


def _while(params: Any, numbers: Numbers, operands: list[Any]) -> list[Any]:
    at, body = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    state = operands[body:]
    while _inlined(params["cond_jaxpr"], numbers, [*operands[:at], *state])[0]:
        state = _inlined(params["body_jaxpr"], numbers, [*operands[at:body], *state])
        numbers.spend(1.0)
    return state


def _cond(params: Any, numbers: Numbers, operands: list[Any]) -> list[Any]:
    branches = params["branches"]
    i = min(max(int(operands[0]), 0), len(branches) - 1)
    return _inlined(branches[i], numbers, operands[1:])


def _array(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else np.asarray(x)


LOOPS = {"scan": _scan, "while": _while, "cond": _cond}
