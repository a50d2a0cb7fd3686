"""How the gradient responds to changes of the inputs in their last place.

A function that is ill-conditioned here answers such a change with a large change of its gradient.
No program can be asked to be more exact than that.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from verify.derivatives.arguments import Arguments
from verify.derivatives.primal import Primal, widened
from verify.derivatives.programs import Leaves, Pulled, float64, merged
from verify.derivatives.refusals import dtype_of
from verify.derivatives.traced import Eager, Nudges, Runs, responses
from verify.errors import ulp, unit_roundoff

AT_ONCE = 8  # changes in one run of the program
ROUNDS = 3  # runs
FAR = 2.0**20  # in float64, where the reference rounds as well: its own errors are then a millionth
SIZES = np.array([1.0, 4.0, 1.0, 1.0, 4.0, 1.0, 1.0, 4.0])  # ULPs


class Response(NamedTuple):
    """The value and gradient, and how far each entry moves per change in the last place."""

    at: Pulled
    largest: Pulled


def at(
    function: Primal, given: Arguments, arrays: Leaves, cotangent: Leaves, rng: Any, rounds: int
) -> Response:
    """By automatic differentiation in float64. `arrays` and `cotangent` are of their own dtypes.

    Where the function itself rounds to fewer bits, the places are those of these bits.
    """
    dtype = max(given.dtype, function.lowest, key=unit_roundoff)
    with jax.disable_jit(function.way == "eager"):
        program = function.program or Eager(function.call, function.wanted)
        return of(program, given, arrays, cotangent, rng, rounds, dtype)


def of(
    program: Runs,
    given: Arguments,
    arrays: Leaves,
    cotangent: Leaves,
    rng: Any,
    rounds: int,
    dtype: np.dtype[Any] | None = None,
) -> Response:
    """Of whatever runs as `Program` does, in the places of `dtype` where its bits are fewer"""
    coarsest = given.dtype if dtype is None else dtype
    units = units_of(given, arrays, cotangent, coarsest if coarsest != given.dtype else None)
    wide, found = (widened(arrays), widened(cotangent)), []
    with float64():
        for _ in range(rounds):
            found.append(responses(program, given.floating, *wide, _nudges(coarsest, units, rng)))
    values, largest = zip(*found, strict=True)
    most = jax.tree.map(lambda *x: np.max(x, axis=0), *map(_numpy, largest))
    return Response(_numpy(values[0]), most)


def _nudges(dtype: np.dtype[Any], units: Leaves, rng: Any) -> Nudges:
    over = FAR if dtype == np.float64 else 1.0
    signs = [_signs(rng, (AT_ONCE, *x.shape)) for x in units]
    seeds = rng.integers(0, 2**32, AT_ONCE, np.uint32)
    u, tiny = unit_roundoff(dtype), smallest(dtype)
    return Nudges(units, signs, SIZES * over, seeds, u * over, tiny * over, over)


def smallest(dtype: Any) -> float:
    """What underflow may lose: numbers below the smallest normal one may become 0, but those of
    float16 keep the last place of the subnormal ones."""
    limits = jnp.finfo(dtype)
    return float(limits.smallest_subnormal if limits.nmant == 10 else limits.smallest_normal)


def nudged(given: Arguments, arrays: Leaves, cotangent: Leaves, rng: Any) -> tuple[Leaves, Leaves]:
    """One such change, of arrays and cotangent, as float64"""
    units = units_of(given, arrays, cotangent)
    size = rng.choice(SIZES) * (FAR if given.dtype == np.float64 else 1.0)
    floats = [*(arrays[i] for i in given.floating), *cotangent]
    moved = [
        x + size * _signs(rng, x.shape) * unit
        for x, unit in zip(widened(floats), units, strict=True)
    ]
    count = len(given.floating)
    return merged(widened(arrays), given.floating, moved[:count]), moved[count:]


def _signs(rng: Any, shape: Sequence[int]) -> Any:
    return rng.integers(0, 2, shape, np.int8) * np.int8(2) - np.int8(1)


def _numpy(tree: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, np.float64), tree)


def units_of(
    given: Arguments, arrays: Leaves, cotangent: Leaves, dtype: np.dtype[Any] | None = None
) -> list[Any]:
    """One unit in the last place of every number that may move.

    Zeros, powers of two and other numbers of few bits stay: they are exact, and often the end of
    the domain (a probability of 1) or a unit exactly on its kink.
    """
    return [last_places(x, dtype) for x in (*(arrays[i] for i in given.floating), *cotangent)]


def last_places(x: Any, coarser: np.dtype[Any] | None = None) -> Any:
    """One unit in the last place of x, or in a coarser dtype's"""
    wide = np.asarray(x).astype(np.float64)
    dtype = max(dtype_of(x), coarser or dtype_of(x), key=unit_roundoff)
    mantissa, _ = np.frexp(wide)
    few = mantissa * 2.0 ** max(2, (jnp.finfo(dtype).nmant + 1) // 4)
    stays = (few == np.rint(few)) | ~np.isfinite(wide)
    return np.where(stays, 0.0, ulp((wide, np.zeros(())), dtype))
