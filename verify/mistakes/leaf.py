"""A gradient as it came beside what it should be, and a mistake as it is told."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike

from verify.mistakes.factors import Lengths
from verify.mistakes.forms import F64


@dataclasses.dataclass(frozen=True)
class Mistake:
    """What is wrong with `where`; of two explanations that fit, the one of lower cost is given."""

    kind: str
    where: str
    text: str
    cost: float = 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class Leaf:
    """A gradient as it came, as it should be, and the parameter that it belongs to.

    Rounding takes each entry no further than `allowed`; of an array that a mistake gives, it takes
    the entries no further than `tol` times the largest.
    """

    name: str
    got: F64
    right: F64
    allowed: F64
    value: F64 | None
    tol: float
    lengths: Lengths
    l2: float = 0.0
    claimed: str = "float64"  # the dtype that it is said to be of
    size: float = 0.0  # of what has been subtracted from it

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """Which entries are"""
        return np.asarray(~(np.abs(self.got - self.right) <= self.allowed))

    @property
    def is_right(self) -> bool:
        return self.got.shape == self.right.shape and not np.any(self.wrong)

    @property
    def is_near(self) -> bool:
        """Whether it is so nearly right that any small change would explain it"""
        return close(self.got, self.right, self.tol)

    @property
    def is_almost_right(self) -> bool:
        return self.is_right or self.is_near

    def is_times(self, θ: float) -> bool:
        """Whether it is θ times what is right, as far as rounding tells"""
        off = np.abs(self.got - θ * self.right)
        near = close(self.got, θ * self.right, self.tol, self.size)
        return near or bool(np.all(off <= abs(θ) * self.allowed))

    def is_like(self, array: Any, size: float = 0.0) -> bool:
        """Whether a mistake that gives `array` explains it: right is not that array

        size    of the terms that are summed in it, where they may cancel
        """
        array, size = np.asarray(array), max(size, self.size)
        if self.is_near:
            within = array.shape == self.got.shape and np.abs(self.got - array) <= self.allowed
            return bool(np.all(within)) and self.is_far(array)
        told = not close(array, self.right, 4 * self.tol, size)
        return told and close(self.got, array, self.tol, size)

    def is_far(self, array: F64, allowed: F64 | None = None) -> bool:
        """Whether an array of its shape is further from the right one than chance would have it"""
        unsure = self.allowed if allowed is None else np.maximum(self.allowed, allowed)
        bits = np.log2(np.maximum(np.abs(array - self.right) / unsure, 1))
        return bool(np.sum(bits) > BITS and np.max(bits) > BITS / 2)

    @property
    def lost(self) -> float:
        """How much more than `tol`, which is capped, rounding may take the largest entry"""
        within = self.tol * float(np.max(np.abs(self.right), initial=0))
        return max(1.0, 2 * float(np.max(self.allowed)) / within) if within else 1.0

    @property
    def is_constant(self) -> bool:
        """Whether all its entries are one number, but for a rounding"""
        u = float(jnp.finfo(self.claimed).eps)
        return bool(np.all(np.abs(self.got - np.mean(self.got)) <= u * np.abs(self.got)))

    def without_l2(self) -> "Leaf":
        """Its data term alone, where there is an L2 term beside it"""
        assert self.value is not None
        term, size = self.l2 * self.value, float(np.max(np.abs(self.got), initial=0))
        got, right = self.got - term, self.right - term
        return dataclasses.replace(self, got=got, right=right, value=None, size=size)


def close(got: F64, right: F64, tol: float, size: float = 0.0) -> bool:
    """Every entry, and none of them NaN"""
    if got.shape != right.shape or not np.all(np.isfinite(right)):
        return False
    size = max(float(np.max(np.abs(right), initial=0)), size)
    return bool(np.all(np.abs(got - right) <= tol * size))


def cheapest(found: Sequence[Mistake]) -> list[Mistake]:
    """Of the lowest cost, one of each kind"""
    least = min((m.cost for m in found), default=0)
    return list({m.kind: m for m in reversed(found) if m.cost == least}.values())[::-1]


def equation(name: str) -> str:
    """Where the 1/B stands on the page"""
    equations = {"dW": "∂J/∂W = (1/B) Δ Aᵀ", "db": "∂J/∂b = (1/B) Σ Δ"}
    return f" ({equations[name[:2]]})" if name[:2] in equations else ""


BITS = 12  # by which chance would not have it, among some hundred mistakes
SIMPLE = 4  # bits of numbers as 0, ±1, ¾, 5, which are of every precision
CHANCE = 24  # bits that are all 0 by chance once in 2^24


def lower_precision(arrays: Iterable[F64], dtype: DTypeLike) -> str:
    """Of which all of several numbers are, if it is lower than the dtype they are said to be of"""
    found = np.concatenate([np.ravel(x) for x in arrays] or [np.zeros(0)])
    mantissas = np.unique(np.abs(np.frexp(found)[0]))
    telling = int(np.sum(mantissas * 2**SIMPLE % 1 != 0))
    for lower in ("bfloat16", "float16", "float32"):
        fewer = jnp.finfo(dtype).nmant - jnp.finfo(lower).nmant
        enough = telling > 1 and fewer * telling > CHANCE
        if enough and np.array_equal(found, found.astype(jnp.dtype(lower)).astype(np.float64)):
            return lower
    return ""
