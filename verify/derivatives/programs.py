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

from verify.derivatives.arguments import Call
from verify.derivatives.kept import jitted
from verify.derivatives.refusals import is_floating

# A reference runs once: it is compiled in haste, and so by other passes than what it judges.
IN_HASTE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
compiled = functools.partial(jitted, compiler_options=IN_HASTE)

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
    """The floating leaves of what a function returns, those of more digits among them."""
    return [x for x in jax.tree.leaves(tree) if is_floating(x) or _has_more_digits(x)]


def _has_more_digits(x: Any) -> bool:
    if hasattr(x, "dtype"):
        return bool(x.dtype == object)
    return not isinstance(x, bool | int | float | complex | str)


def merged(arrays: Leaves, positions: Sequence[int], some: Leaves) -> list[Any]:
    """The arrays, with `some` in these positions."""
    replaced = dict(zip(positions, some, strict=True))
    return [replaced.get(i, x) for i, x in enumerate(arrays)]


class Pulled(NamedTuple):
    """What a function returns, and its cotangent pulled back to the wanted arrays."""

    out: Any
    gradient: Any


def pull(call: Call, wanted: tuple[int, ...], arrays: Leaves, cotangent: Leaves) -> Pulled:
    def f(some: Leaves) -> list[Any]:
        return [jnp.asarray(x) for x in outputs(call(merged(arrays, wanted, some)))]

    out, pullback = jax.vjp(f, [arrays[i] for i in wanted])
    return Pulled(
        out, pullback([jnp.asarray(v, x.dtype) for v, x in zip(cotangent, out, strict=True)])[0]
    )


pulled = compiled(static_argnums=(0, 1))(pull)


@compiled(static_argnums=0)
def valued(call: Call, arrays: Leaves) -> list[Any]:
    return [jnp.asarray(x) for x in outputs(call(arrays))]


@compiled(static_argnums=(0, 1, 2))
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


@compiled(static_argnums=(0, 1))
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
