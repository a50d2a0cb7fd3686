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
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Literal

INLINED = ("jit", "closed_call", "custom_jvp_call", "custom_vjp_call", "remat2")


SUMS = ("dot_general", "reduce_sum", "add", "add_any", "cumsum")


class Off(NamedTuple):
    """How far sums are off: relative to their absolute terms, absolutely, and by which signs"""

    u: Any
    tiny: Any
    seed: Any


def perturbed(closed: ClosedJaxpr, arguments: Sequence[Any], by: Off) -> list[Any]:
    """What the program returns when each of its sums is off"""
    return _run(closed, arguments, by, itertools.count(1))


def _run(closed: ClosedJaxpr, given: Sequence[Any], by: Off, count: Iterator[int]) -> list[Any]:
    jaxpr = closed.jaxpr
    names = (*jaxpr.constvars, *jaxpr.invars)
    values = dict(zip(names, (*closed.consts, *given), strict=True))

    def read(v: Any) -> Any:
        return v.val if isinstance(v, Literal) else values[v]

    for equation in jaxpr.eqns:
        found = _apply(equation, [read(v) for v in equation.invars], by, count)
        values.update(zip(equation.outvars, found, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _apply(equation: Any, operands: list[Any], by: Off, count: Iterator[int]) -> Sequence[Any]:
    inner = _inner(equation)
    if inner is not None:
        return _run(inner, operands, by, count)
    if equation.primitive.name == "scan":
        return _scan(equation.params, operands, by, count)
    found = _bind(equation, operands)
    is_sum = equation.primitive.name in SUMS and jnp.issubdtype(found[0].dtype, jnp.floating)
    if not is_sum:
        return found
    terms = _of_terms(equation, operands)
    size = by.u * terms + jnp.where(terms > 0, by.tiny, 0)
    off = _signs(found[0].shape, by.seed, next(count)) * size
    return [found[0] + off.astype(found[0].dtype)]


def _scan(params: Any, operands: list[Any], by: Off, count: Iterator[int]) -> Sequence[Any]:
    """The loop with the sums of its body off, by the same signs in every round"""
    fixed, carried = params["num_consts"], params["num_consts"] + params["num_carry"]

    def body(carry: Any, row: Any) -> tuple[Any, Any]:
        given = [*operands[:fixed], *carry, *row]
        found = _run(params["jaxpr"], given, by, count)
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


def _inner(equation: Any) -> ClosedJaxpr | None:
    """The program that a call makes, if it is one that is no loop"""
    if equation.primitive.name not in INLINED:
        return None
    found = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    return found if isinstance(found, ClosedJaxpr) else ClosedJaxpr(found, ())


def _bind(equation: Any, operands: Sequence[Any]) -> Sequence[Any]:
    params = equation.primitive.get_bind_params(equation.params)
    found = equation.primitive.bind(*operands, **params)
    return found if equation.primitive.multiple_results else [found]


def _signs(shape: Sequence[int], seed: Any, number: int) -> Any:
    """1 and −1, by bits of a hash of the position, the seed and the number of the sum"""
    x = jnp.arange(math.prod(shape), dtype=jnp.uint32) * jnp.uint32(2654435761)
    x = x + seed * jnp.uint32(40503) + jnp.uint32(number) * jnp.uint32(2246822519)
    for _ in range(2):
        x = (x ^ (x >> 15)) * jnp.uint32(2246822507)
    return jnp.where((x >> 16) & 1, 1.0, -1.0).reshape(tuple(shape))
