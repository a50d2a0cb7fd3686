"""How far apart two results may lie that are equal on paper, when there is no oracle.

    |x − y| ≤ c √k (u max|leaf| + response + η max(1, max|args|)),   c = 8

response   the largest change of any entry of the leaf when every input moves to a neighbouring
           float, over 8 random choices of the neighbours. Each choice rounds every intermediate
           result anew too, and so the response holds the errors that the function makes and what
           its conditioning makes of them: what is computed is, nearly, the exact result of inputs
           a few roundings off (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
           section 1.6).
√k         what a sum of k terms loses where its roundings have one sign, as with equal examples,
           and so are hidden from the response (section 4.2; Higham & Mary, SIAM J. Sci. Comput.
           41, 2019). k is the longest axis of an argument, and 1 for the 16-bit types, which are
           summed in 32 bits.
η          what is lost below the smallest normal number, where results are flushed to 0 or, in
           float16, rounded to multiples of the smallest number.

In 8,700 random networks of NumPy and 60 of pure_nn, well and ill scaled, c = 2.6 was enough for
every law; tests/test_laws_rounding.py draws others.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from verify.errors import unit_roundoff
from verify.laws.program import Args, is_array, is_floating

C = 8.0
PROBES = 8


def bounds(
    f: Callable[[Args], Any],
    args: Args,
    result: Any,
    dtype: np.dtype[Any],
    rng: np.random.Generator,
) -> Any:
    """One number for each leaf of `result`, which is f(args), all in float64"""
    near = [f(neighbour(args, rng)) for _ in range(PROBES)]
    k, u, η = _units(args, dtype)

    def bound(leaf: Any, *others: Any) -> float:
        response = max(_largest(other - leaf) for other in others)
        return C * k * (u * _largest(leaf) + response + η)

    return jax.tree.map(bound, result, *near)


def neighbour(args: Args, rng: np.random.Generator) -> Args:
    """x(1 ± ε) for every float, rounded"""

    def moved(x: Any) -> Any:
        if not is_floating(x):
            return x
        ε = float(jnp.finfo(x.dtype).eps)
        return (np.asarray(x, np.float64) * (1 + ε * rng.choice([-1, 1], x.shape))).astype(x.dtype)

    near: Args = jax.tree.map(moved, args)
    return near


def smaller(args: Args, rng: np.random.Generator) -> Args:
    """Every float by a factor in (½, 1), which leaves signs, zeros and 0 ≤ Y ≤ 1 as they are"""

    def shrunk(x: Any) -> Any:
        return (x * rng.uniform(0.5, 1, x.shape)).astype(x.dtype) if is_floating(x) else x

    less: Args = jax.tree.map(shrunk, args)
    return less


def _units(args: Args, dtype: np.dtype[Any]) -> tuple[float, float, float]:
    """√k, u, and η max(1, max|args|)"""
    arrays = [x for x in jax.tree.leaves(args) if is_array(x)]
    k = max(max(x.shape, default=1) for x in arrays) if dtype.itemsize > 2 else 1
    limits = jnp.finfo(dtype)
    η = 16 * limits.smallest_subnormal if dtype == np.float16 else limits.smallest_normal
    largest = [_largest(np.asarray(x, np.float64)) for x in arrays if is_floating(x)]
    return math.sqrt(k), unit_roundoff(dtype), float(η) * max(1.0, *largest)


def _largest(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0))
