"""What one operation of a dtype may round, and a sum of many.

    fl(x ∘ y) = (x ∘ y)(1 + δ) + η,   |δ| ≤ u,   |η| ≤ smallest normal

A sum of terms that are rounded k times each, in whatever order, is off by γₖ = ku/(1 − ku) of their
sizes. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 2.2 and 3.1.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike

UNKNOWN = 1e150  # an error with no bound, whose square is still a number


class Unit(NamedTuple):
    """What an operation of a dtype rounds: by u of its result, and by η where it is that small."""

    u: float
    η: float

    def gamma(self, k: int) -> float:
        """γₖ = ku/(1 − ku), which bounds nothing from ku = 1 on"""
        ku = k * self.u
        return ku / (1 - ku) if ku < 1 else math.inf


EXACT = Unit(0.0, 0.0)


def unit(dtype: DTypeLike) -> Unit:
    """Float16 alone is never flushed: it is rounded to subnormal numbers."""
    limits = jnp.finfo(dtype)
    is_half = jnp.dtype(dtype) == jnp.float16
    η = float(limits.smallest_subnormal) / 2 if is_half else float(limits.smallest_normal)
    return Unit(float(limits.eps) / 2, η)


def capped(error: Any) -> npt.NDArray[np.float64]:
    return np.asarray(np.minimum(np.nan_to_num(error, nan=UNKNOWN, posinf=UNKNOWN), UNKNOWN))
