"""The compiled programs that oracles run, shared by every check of the same functions and shapes.

The function is a static argument of programs that stand here, so that a second check with other
numbers compiles nothing.
"""

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from verify.derivatives.arguments import Call
from verify.derivatives.refusals import is_floating
from verify.derivatives.rounding import Off, perturbed

# A reference runs once: it is compiled in haste, and so by other passes than what it judges.
IN_HASTE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
compiled = functools.partial(jax.jit, compiler_options=IN_HASTE)

Leaves = Sequence[Any]
TINY = 1e-30  # a complex step: its square is far below the last place of anything


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """For references: float64, true products, and constants of fewer bits widened silently."""
    with (
        jax.enable_x64(True),
        jax.default_matmul_precision("highest"),
        jax.numpy_dtype_promotion("standard"),
    ):
        yield


@contextlib.contextmanager
def as_given(wide: bool) -> Iterator[None]:
    """For what is judged: float64 only where its arguments have it."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.default_matmul_precision("highest"))
        if wide:
            stack.enter_context(jax.enable_x64(True))
        yield


def outputs(tree: Any) -> list[Any]:
    """The floating leaves of what a function returns."""
    return [x for x in jax.tree.leaves(tree) if is_floating(x)]


def merged(arrays: Leaves, positions: Sequence[int], some: Leaves) -> list[Any]:
    """The arrays, with `some` in these positions."""
    replaced = dict(zip(positions, some, strict=True))
    return [replaced.get(i, x) for i, x in enumerate(arrays)]


class Pulled(NamedTuple):
    """What a function returns, and its cotangent pulled back to the wanted arrays."""

    out: Any
    gradient: Any


class Nudges(NamedTuple):
    """Small changes of every floating number, so many together: `sizes` times `signs` of `units`"""

    units: Leaves
    signs: Leaves
    sizes: Any
    seeds: Any
    rounding: float
    tiny: float
    over: float


def pull(call: Call, wanted: tuple[int, ...], arrays: Leaves, cotangent: Leaves) -> Pulled:
    def f(some: Leaves) -> list[Any]:
        return [jnp.asarray(x) for x in outputs(call(merged(arrays, wanted, some)))]

    out, pullback = jax.vjp(f, [arrays[i] for i in wanted])
    return Pulled(
        out, pullback([jnp.asarray(v, x.dtype) for v, x in zip(cotangent, out, strict=True)])[0]
    )


pulled = functools.partial(compiled, static_argnums=(0, 1))(pull)


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


@functools.partial(compiled, static_argnums=(0, 1))
def responses(
    program: Program | Eager,
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


@functools.partial(compiled, static_argnums=(0, 1, 2))
def along(
    call: Call,
    wanted: tuple[int, ...],
    together: bool,
    arrays: Leaves,
    cotangent: Leaves,
    probes: Any,
    steps: Any,
) -> Any:
    """φ(x + hd) − φ(x) for each probe d and step h, where φ = ⟨cotangent, f⟩."""
    here = outputs(call(arrays))

    def difference(probe: Any, h: Any) -> Any:
        i, scale, row = probe
        moved = _moved(arrays, wanted, i, h * scale, h * probes.directions[row])
        there = outputs(call(merged(arrays, wanted, moved)))
        return sum(jnp.sum(v * (y - x)) for v, x, y in zip(cotangent, here, there, strict=True))

    def of_one(probe: Any) -> Any:
        if together:
            return jax.vmap(functools.partial(difference, probe))(steps)
        return jax.lax.map(functools.partial(difference, probe), steps)

    return jax.lax.map(of_one, (probes.coordinates, probes.scales, probes.rows))


@functools.partial(compiled, static_argnums=(0, 1))
def complex_step(
    call: Call, wanted: tuple[int, ...], arrays: Leaves, cotangent: Leaves, probes: Any
) -> Any:
    """Im φ(x + ihd)/h, h = 10⁻³⁰: the derivative along d of an analytic φ, without a difference."""

    def of_one(probe: Any) -> Any:
        i, scale, row = probe
        moved = _moved(arrays, wanted, i, TINY * 1j * scale, TINY * 1j * probes.directions[row])
        there = outputs_or_complex(call(merged(arrays, wanted, moved)))
        return sum(jnp.sum(v * jnp.imag(y)) for v, y in zip(cotangent, there, strict=True)) / TINY

    return jax.lax.map(of_one, (probes.coordinates, probes.scales, probes.rows))


def outputs_or_complex(tree: Any) -> list[Any]:
    return [x for x in jax.tree.leaves(tree) if jnp.issubdtype(jnp.asarray(x).dtype, jnp.inexact)]


def _moved(arrays: Leaves, wanted: tuple[int, ...], i: Any, by: Any, direction: Any) -> list[Any]:
    """The wanted arrays, once the vector of all of them has moved."""
    parts = [jnp.ravel(arrays[j]) for j in wanted]
    vector = jnp.concatenate(parts) + direction
    vector = vector.at[i].add(jnp.where(i < 0, 0, by))
    ends = np.cumsum([x.size for x in parts])[:-1]
    return [
        jnp.reshape(x, jnp.shape(arrays[j]))
        for x, j in zip(jnp.split(vector, ends), wanted, strict=True)
    ]
