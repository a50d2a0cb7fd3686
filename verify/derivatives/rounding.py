"""A program whose sums are off, as rounding may leave them: by u times the sum of absolute terms,
and by what underflow may lose.

Whatever the order in which a sum of k terms is taken, it is off by up to γ₍ₖ₋₁₎ Σ|termᵢ| (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2), where it cancels by much more
than any change of the inputs tells. So each sum, product of matrices and addition gets u Σ|termᵢ|
of a sign that looks random. Subtractions get none: 1 − A² is a choice, and a bad one. A sum of
zeros stays 0.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, subjaxprs

INLINED = ("jit", "closed_call", "custom_jvp_call", "custom_vjp_call", "remat2")
STARTS = 4096  # places where the signs of a result may start
SUMS = {"dot_general", "reduce_sum", "add", "add_any", "cumsum"}
ROUNDED = {"mul", "div", "sub", "exp", "exp2", "expm1", "log", "log1p", "logistic", "integer_pow"}
ROUNDED |= {"pow", "square", "sqrt", "rsqrt", "cbrt", "erf", "erfc", "reduce_prod", "cumprod"}
ROUNDED |= {f"{a}{name}" for a in ("", "a") for name in ("sin", "cos", "tan")}
ROUNDED |= {f"{a}{name}" for a in ("", "a") for name in ("sinh", "cosh", "tanh")}


class Off(NamedTuple):
    """How far sums are off: relative to their absolute terms, absolutely, and by which signs; and
    whether all other results that are rounded are off as well"""

    u: Any
    tiny: Any
    seed: Any
    every: bool = False


class Signs:
    """Of one result after the other, from one table: a hash for each would take longer to compile
    than all else."""

    def __init__(self, seed: Any, largest: int) -> None:
        self.table, self.count = _hashed(largest + STARTS, seed), itertools.count(1)

    def of(self, shape: Sequence[int]) -> Any:
        start = 61 * next(self.count) % STARTS
        return self.table[start : start + math.prod(shape)].reshape(tuple(shape))


def perturbed(closed: ClosedJaxpr, arguments: Sequence[Any], by: Off) -> list[Any]:
    """What the program returns when each of its sums is off, or every result that is rounded"""
    return _run(closed, arguments, by, Signs(by.seed, _largest(closed.jaxpr)))


def _run(closed: ClosedJaxpr, given: Sequence[Any], by: Off, signs: Signs) -> list[Any]:
    jaxpr = closed.jaxpr
    names = (*jaxpr.constvars, *jaxpr.invars)
    values = dict(zip(names, (*closed.consts, *given), strict=True))

    def read(v: Any) -> Any:
        return v.val if isinstance(v, Literal) else values[v]

    for equation in jaxpr.eqns:
        found = _apply(equation, [read(v) for v in equation.invars], by, signs)
        values.update(zip(equation.outvars, found, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _apply(equation: Any, operands: list[Any], by: Off, signs: Signs) -> Sequence[Any]:
    program = inner(equation)
    if program is not None:
        return _run(program, operands, by, signs)
    if equation.primitive.name == "scan":
        return _scan(equation.params, operands, by, signs)
    found = bind(equation, operands)
    if not jnp.issubdtype(found[0].dtype, jnp.floating):
        return found
    if equation.primitive.name in SUMS:
        terms = _of_terms(equation, operands)
        return [_moved(found[0], by.u * terms + jnp.where(terms > 0, by.tiny, 0), signs)]
    if by.every and equation.primitive.name in ROUNDED:
        moved = _moved(found[0], by.u * jnp.abs(found[0]), signs)
        return [jnp.where(jnp.isfinite(moved), moved, found[0])]  # it was held below overflow
    return found


def _moved(x: Any, size: Any, signs: Signs) -> Any:
    return x + (signs.of(x.shape) * size).astype(x.dtype)


def _scan(params: Any, operands: list[Any], by: Off, signs: Signs) -> Sequence[Any]:
    """The loop with the sums of its body off, by the same signs in every round"""
    fixed, carried = params["num_consts"], params["num_consts"] + params["num_carry"]

    def body(carry: Any, row: Any) -> tuple[Any, Any]:
        given = [*operands[:fixed], *carry, *row]
        found = _run(params["jaxpr"], given, by, signs)
        return found[: len(carry)], found[len(carry) :]

    carry, rows = jax.lax.scan(
        body,
        operands[fixed:carried],
        operands[carried:],
        length=params["length"],
        reverse=params["reverse"],
    )
    return [*carry, *rows]


def _of_terms(equation: Any, operands: Sequence[Any]) -> Any:
    """The same sum of the absolute values of its terms"""
    return equation.primitive.bind(*map(jnp.abs, operands), **equation.params)


def inner(equation: Any) -> ClosedJaxpr | None:
    """The program that a call makes, if it is one that is no loop"""
    if equation.primitive.name not in INLINED:
        return None
    found = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    return found if isinstance(found, ClosedJaxpr) else ClosedJaxpr(found, ())


def bind(equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    params = equation.primitive.get_bind_params(equation.params)
    found = equation.primitive.bind(*operands, **params)
    return found if equation.primitive.multiple_results else [found]


def _hashed(n: int, seed: Any) -> Any:
    """1 and −1, by bits of a hash of the position and the seed"""
    x = jnp.arange(n, dtype=jnp.uint32) * jnp.uint32(2654435761) + seed * jnp.uint32(40503)
    for _ in range(2):
        x = (x ^ (x >> 15)) * jnp.uint32(2246822507)
    return jnp.where((x >> 16) & 1, 1.0, -1.0)


def _largest(jaxpr: Jaxpr) -> int:
    """The entries of the largest result"""
    avals: list[Any] = [v.aval for equation in jaxpr.eqns for v in equation.outvars]
    sizes: list[int] = [math.prod(x.shape) for x in avals]
    return max([1, *sizes, *map(_largest, subjaxprs(jaxpr))])
