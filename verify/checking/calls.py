"""Calling what other people wrote: with copies, and with what went wrong said plainly."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from verify.checking.hands import Misfit
from verify.checking.inplace import IN_PLACE, copies, differing
from verify.derivatives.arguments import Arguments, Call
from verify.derivatives.kept import jitted
from verify.derivatives.primal import first_line
from verify.derivatives.programs import Leaves, as_given

AGAIN = (
    "two calls with the same arguments differ: there is randomness inside; take it out, or pass "
    "the seed or key as an argument"
)


class CallFailed(RuntimeError):
    """A function that was to be checked raised; its own error is the cause."""


@jitted(static_argnums=0)
def compiled(call: Call, arrays: Leaves, cotangent: Leaves) -> Any:
    return call.f(call.arguments(arrays), cotangent)


@jitted(static_argnums=(0, 1))
def batched(call: Call, wanted: tuple[int, ...], arrays: Leaves, cotangent: Leaves) -> Any:
    """Over copies of the wanted arrays and of the cotangent, along their first axis"""

    def one(arrays: Leaves, cotangent: Leaves) -> Any:
        return call.f(call.arguments(arrays), cotangent)

    axes = [0 if i in wanted else None for i in range(len(arrays))]
    return jax.vmap(one, in_axes=(axes, 0))(arrays, cotangent)


def eagerly(
    name: str, f: Callable[..., Any], given: Arguments, arrays: Leaves
) -> tuple[Any, list[str]]:
    """What f(*args) returns, and which arrays it changed in place.

    CallFailed: it raised.
    """
    handed = copies(arrays)
    try:
        with as_given(given.wide):
            found = given.call(f)(handed)
    except Misfit:
        raise
    except Exception as error:
        raise CallFailed(_raised(name, given, error)) from error
    return found, differing(given.names, arrays, handed)


def unchanging(name: str, f: Callable[..., Any], given: Arguments) -> Any:
    """What f returns of the arguments. ValueError: it changes them."""
    found, changed = eagerly(name, f, given, given.arrays)
    if changed:
        raise ValueError(f"{name}: {', '.join(changed)}: {IN_PLACE}")
    return found


def _raised(name: str, given: Arguments, error: Exception) -> str:
    shapes = ", ".join(
        f"{called}: {type(x).__name__} {x.dtype}{list(x.shape)}" if hasattr(x, "shape") else called
        for called, x in zip(given.names, given.arrays, strict=True)
    )
    hint = ""
    if "immutable" in str(error):
        hint = "; JAX arrays cannot be changed in place: pass NumPy arrays as args"
    return f"{name} raised {type(error).__name__}: {first_line(error)}{hint} (given {shapes})"


generations = itertools.count(1)


def fresh(call: Call) -> Call:
    """The same, but traced anew"""
    return dataclasses.replace(call, generation=next(generations))


def same(x: Any, y: Any) -> bool:
    """Whether two results are the same to the last bit."""
    ours, theirs = jax.tree.leaves(x), jax.tree.leaves(y)
    return len(ours) == len(theirs) and all(map(_same_leaf, ours, theirs))


def _same_leaf(x: Any, y: Any) -> bool:
    a, b = np.asarray(x), np.asarray(y)
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def outside_jax(tree: Any) -> bool:
    """Whether a result came from NumPy."""
    return not any(isinstance(x, jax.Array) for x in jax.tree.leaves(tree))
