"""A value and gradient as one program, and how it responds to small changes."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from verify.derivatives.arguments import Call
from verify.derivatives.programs import Leaves, Pulled, compiled, merged, pull
from verify.derivatives.rounding import Off, perturbed


class Nudges(NamedTuple):
    """Small changes of every floating number, so many together: `sizes` times `signs` of `units`"""

    units: Leaves
    signs: Leaves
    sizes: Any
    seeds: Any
    rounding: float
    tiny: float
    over: float


class Program:
    """A traced value and gradient, of (arrays, cotangent); as a static argument equal to itself
    alone."""

    def __init__(self, closed: ClosedJaxpr, outputs: int) -> None:
        self.closed, self.outputs = closed, outputs

    def __call__(self, arrays: Leaves, cotangent: Leaves) -> Pulled:
        found = jaxpr_as_fun(self.closed)(*jax.tree.leaves(arrays), *cotangent)
        return Pulled(found[: self.outputs], found[self.outputs :])

    def off(self, arrays: Leaves, cotangent: Leaves, by: Off) -> Pulled:
        """With every sum off a little"""
        found = perturbed(self.closed, [*jax.tree.leaves(arrays), *cotangent], by)
        return Pulled(found[: self.outputs], found[self.outputs :])


class Eager(NamedTuple):
    """The same, called with values, so that the sums inside are not seen"""

    call: Call
    wanted: tuple[int, ...]

    def __call__(self, arrays: Leaves, cotangent: Leaves) -> Pulled:
        return pull(self.call, self.wanted, arrays, cotangent)

    def off(self, arrays: Leaves, cotangent: Leaves, by: Off) -> Pulled:
        return self(arrays, cotangent)


Runs = Any  # Program, Eager, or what has the same two methods


@compiled(static_argnums=(0, 1))
def responses(
    program: Runs,
    floating: tuple[int, ...],
    arrays: Leaves,
    cotangent: Leaves,
    nudges: Nudges,
) -> tuple[Pulled, Pulled]:
    """The function and its gradient; and the largest change of each entry, divided by `over`,
    when every floating number x (of cotangents too) becomes x + size · sign · unit and every sum
    is off by `rounding` times the sum of its absolute terms.

    A change to what is not finite does not count: the function ends there.
    """
    at = program(arrays, cotangent)
    floats = [*(arrays[i] for i in floating), *cotangent]

    def step(largest: Any, nudge: Any) -> Any:
        signs, size, seed = nudge
        changes = zip(floats, signs, nudges.units, strict=True)
        moved = [
            jnp.asarray(x) + size * sign.astype(unit.dtype) * unit for x, sign, unit in changes
        ]
        given = merged(arrays, floating, moved[: len(floating)]), moved[len(floating) :]
        there = program.off(*given, Off(nudges.rounding, nudges.tiny, seed))
        return jax.tree.map(_further, largest, at, there), None

    zero = jax.tree.map(jnp.zeros_like, at)
    largest, _ = jax.lax.scan(step, zero, (nudges.signs, nudges.sizes, nudges.seeds))
    return at, jax.tree.map(lambda x: x / nudges.over, largest)


def _further(largest: Any, here: Any, there: Any) -> Any:
    return jnp.fmax(largest, jnp.where(jnp.isfinite(there), jnp.abs(there - here), 0))
