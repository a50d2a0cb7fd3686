"""A function whose slopes are off, though its values are what they are.

Along with every array A that is a function, entry by entry, of one other array Z, goes what it is
at tZ, −1 ≤ t ≤ 1, and its slope there. Where A is used otherwise, it becomes

    A + δ ∘ (Z − Z₀),  |δ| = u max |g′(tZ)|, t ≥ 0,  Z₀ = Z, but constant

which is A, with a slope that is off by δ. Of a function that ends between Z and −Z, as log, only
the slope at Z counts, and of exp, which is its own slope and known as well as that.

Where exp(Z − max Z) is taken, as in softmax, max Z is a shift that changes nothing in the end. It
is a constant there: through it, automatic differentiation would make the columns of Δ sum to 0
again, which nobody does on paper.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from verify.derivatives.rounding import ROUNDED, bind, inner

COMPARED = {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "is_finite"}
ENTRYWISE = {"add", "neg", "abs", "sign", "max", "min", "select_n", "clamp", "custom_jvp_call"}
ENTRYWISE |= {"convert_element_type", "copy", "stop_gradient"} | ROUNDED | COMPARED
ENTRYWISE -= {"reduce_prod", "cumprod"}
WAY = (*(16.0**-k for k in range(6)), 0.0, -1 / 16, -1.0)  # t
AHEAD = 7  # of them from Z to 0


class Along(NamedTuple):
    """A at Z and, one after the other, at all tZ; with its slope there, if it is floating."""

    value: Any
    Z: Any
    way: Any
    slope: Any
    is_floating: bool


Use = Callable[[Along], Any]


def steepest(closed: ClosedJaxpr, arguments: Sequence[Any], wanted: Sequence[int]) -> list[Any]:
    """max |g′(tZ)| of every A in turn, with respect to the wanted arguments"""
    found: list[Any] = []

    def used(A: Along) -> Any:
        slopes = jnp.nan_to_num(jnp.abs(A.slope[:AHEAD]), nan=0.0, posinf=0.0)
        ends = ~(jnp.isfinite(A.way).all(axis=0) & jnp.isfinite(A.slope[AHEAD - 1]))
        is_exp = (jnp.abs(A.slope) == jnp.abs(A.way)).all(axis=0)
        found.append(jnp.where(ends | is_exp, slopes[0], jnp.max(slopes, axis=0)))
        return A.value

    _whole(closed, arguments, wanted, used, True)
    return found


def off(
    closed: ClosedJaxpr, arguments: Sequence[Any], wanted: Sequence[int], δ: Sequence[Any]
) -> list[Any]:
    """What the program returns, the slope of every A in turn off by its δ"""
    left = iter(δ)

    def used(A: Along) -> Any:
        return A.value + next(left) * (A.Z - jax.lax.stop_gradient(A.Z))

    return _whole(closed, arguments, wanted, used, False)


def _whole(
    closed: ClosedJaxpr, arguments: Sequence[Any], wanted: Sequence[int], use: Use, far: bool
) -> list[Any]:
    given = [_start(x, far) if i in wanted else x for i, x in enumerate(arguments)]
    return [_used(x, use) for x in _run(closed, given, use, far)]


def _start(Z: Any, far: bool) -> Any:
    if not jnp.issubdtype(Z.dtype, jnp.floating):
        return Z
    if not far:
        return Along(Z, Z, None, None, True)
    way = jnp.stack([t * Z for t in WAY])
    return Along(Z, Z, way, jnp.ones_like(way), True)


def _used(A: Any, use: Use) -> Any:
    """A for whatever is no function of its entries one by one"""
    if not isinstance(A, Along):
        return A
    return use(A) if A.is_floating and A.value is not A.Z else A.value


def _run(closed: ClosedJaxpr, given: Sequence[Any], use: Use, far: bool) -> list[Any]:
    jaxpr = closed.jaxpr
    names = (*jaxpr.constvars, *jaxpr.invars)
    values = dict(zip(names, (*closed.consts, *given), strict=True))

    def read(v: Any) -> Any:
        return v.val if isinstance(v, Literal) else values[v]

    fixed = _shifts(jaxpr)
    for equation in jaxpr.eqns:
        found = _apply(equation, [read(v) for v in equation.invars], use, far)
        if equation.outvars[0] in fixed:
            found = [_start(jax.lax.stop_gradient(_used(x, use)), far) for x in found]
        values.update(zip(equation.outvars, found, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _shifts(jaxpr: Jaxpr) -> set[Any]:
    """max Z as it stands in exp(Z − max Z): in the shape of Z, maybe with a number taken off"""
    made = {v: equation for equation in jaxpr.eqns for v in equation.outvars}
    found = set()
    for equation in jaxpr.eqns:
        taken_off = made.get(_operand(equation, 0)) if equation.primitive.name == "exp" else None
        if taken_off and taken_off.primitive.name == "sub":
            shift = _back_to_max(made, _operand(taken_off, 1))
            if shift and _operand(shift, 0) is _operand(taken_off, 0):
                found.add(_operand(taken_off, 1))
    return found


def _operand(equation: Any, i: int) -> Any:
    """None for a literal, which cannot be looked up"""
    return None if isinstance(equation.invars[i], Literal) else equation.invars[i]


def _back_to_max(made: Any, v: Any) -> Any:
    """The equation that took the maximum v, which has been given another shape since"""
    equation = made.get(v)
    while equation and equation.primitive.name in ("broadcast_in_dim", "reshape", "sub", "add"):
        equation = made.get(_operand(equation, 0))
    return equation if equation and equation.primitive.name == "reduce_max" else None


def _apply(equation: Any, operands: list[Any], use: Use, far: bool) -> Sequence[Any]:
    if not any(isinstance(x, Along) for x in operands):
        return bind(equation, operands)
    program = inner(equation)
    if program is not None and not equation.primitive.name.startswith("custom_"):
        return _run(program, operands, use, far)
    if _is_entrywise(equation, operands):
        return [_along(equation, operands, far)]
    found = bind(equation, [_used(x, use) for x in operands])
    return [_start(x, far) for x in found]


def _is_entrywise(equation: Any, operands: Sequence[Any]) -> bool:
    Zs = [x.Z for x in operands if isinstance(x, Along)]
    shapes = {v.aval.shape for v in equation.outvars}
    return all(Z is Zs[0] for Z in Zs) and shapes == {Zs[0].shape} and _maps_entries(equation)


def _maps_entries(equation: Any) -> bool:
    """Calls are of entries alone if all that they do is, to arrays of one shape"""
    program = inner(equation)
    if program is None:
        return equation.primitive.name in ENTRYWISE and len(equation.outvars) == 1
    shapes = {v.aval.shape for inner in program.jaxpr.eqns for v in inner.outvars}
    return len(shapes) == 1 and all(map(_maps_entries, program.jaxpr.eqns))


def _along(equation: Any, operands: Sequence[Any], far: bool) -> Along:
    """The result at Z and on the way to it"""
    value = bind(equation, [x.value if isinstance(x, Along) else x for x in operands])[0]
    Z = next(x.Z for x in operands if isinstance(x, Along))
    is_floating = jnp.issubdtype(value.dtype, jnp.floating)
    if not far:
        return Along(value, Z, None, None, is_floating)
    way, slope = _on_the_way(equation, operands)
    slope = jnp.zeros_like(way) if slope is None and is_floating else slope
    return Along(value, Z, way, slope, is_floating)


def _on_the_way(equation: Any, operands: Sequence[Any]) -> tuple[Any, Any]:
    moving = [isinstance(x, Along) for x in operands]
    smooth = [i for i, x in enumerate(operands) if moving[i] and x.is_floating]
    whole = [x.way if isinstance(x, Along) else x for x in operands]
    axes = [0 if m else None for m in moving]
    each: Any = jax.vmap(lambda *x: bind(equation, x)[0], axes)

    def f(*some: Any) -> Any:
        given = dict(zip(smooth, some, strict=True))
        return each(*(given.get(i, x) for i, x in enumerate(whole)))

    if not smooth:
        return f(), None
    return jax.jvp(f, [whole[i] for i in smooth], [operands[i].slope for i in smooth])
