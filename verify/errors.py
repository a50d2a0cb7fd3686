"""Errors and the bounds they are held to.

A computed sum of k terms is off by at most γₖ = ku/(1 − ku) times the sum of the absolute values
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1), where u is half the
spacing of the floats at 1. A gradient is a chain of such sums, so γₖ with k the number of roundings
along the chain, relative to the largest entry of the leaf, is the bound on every entry.
"""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike

Exact = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

ROUNDINGS_PER_RULE = 16  # of a g, a g′, a loss or its Δ: none of ours makes more


def unit_roundoff(dtype: DTypeLike) -> float:
    return float(jnp.finfo(dtype).eps) / 2


def gamma(k: int, dtype: DTypeLike) -> float:
    """γₖ = ku/(1 − ku)"""
    ku = k * unit_roundoff(dtype)
    return ku / (1 - ku)


def roundings(sizes: Sequence[int], B: int) -> int:
    """How many lie along the chain forward and back through layers of `sizes` = (n[0], …, n[L])."""
    products = sum(n + n_in for n, n_in in itertools.pairwise(sizes))
    return products + B + 2 * ROUNDINGS_PER_RULE * (len(sizes) - 1)


def ulp(exact: Exact, dtype: DTypeLike) -> npt.NDArray[np.float64]:
    """The unit in the last place of each value.

    Below the smallest normal number, where results may be flushed to 0, it is that number.
    """
    limits, (high, _) = jnp.finfo(dtype), exact
    _, exponent = np.frexp(high)
    tiny = float(limits.smallest_normal)
    return np.where(np.abs(high) < tiny, tiny, np.ldexp(float(limits.eps), exponent - 1))


def in_units(got: Any, exact: Exact, unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """|got − exact|/unit, where `exact` is the sum of two arrays; NaN is infinitely far off."""
    high, low = exact
    error = np.abs((np.asarray(got, np.float64) - high) - low) / unit
    return np.where(np.isnan(error), np.inf, error)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The worst entry of a comparison: `error` is a multiple of its bound, `fault` says in words
    why nothing could be compared."""

    where: str
    got: float
    expected: float
    error: float
    ulps: float
    entries: int
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Written so that NaN is not ok."""
        return not self.fault and self.entries > 0 and self.error <= 1

    def __str__(self) -> str:
        if self.fault:
            return f"{self.where}: {self.fault}"
        return (
            f"{self.where}: got {self.got:.9g}, expected {self.expected:.9g}, off by "
            f"{self.ulps:.3g} ULP of the leaf's largest entry, {self.error:.2g} of the bound"
        )


def compare(got: Any, expected: Any, *, roundings: int, dtype: DTypeLike) -> Comparison:
    """Tree structure, then shape, dtype, and every entry of every leaf, against float64.

        |got − expected| ≤ γₖ max|leaf|,   k = roundings

    A leaf of `expected` that is all zeros compares nothing, and is a fault.
    """
    ours, theirs = jax.tree.structure(got), jax.tree.structure(expected)
    if str(ours) != str(theirs):
        return _fault("tree", f"expected the structure {theirs}, got {ours}")
    leaves = zip(jax.tree.leaves_with_path(got), jax.tree.leaves(expected), strict=True)
    return worst([_leaf(_name(path), x, y, roundings, dtype) for (path, x), y in leaves])


def compare_zeros(got: Any, *, roundings: int, dtype: DTypeLike) -> Comparison:
    """|got| ≤ γₖ in every entry, where the equations say that zero is the answer."""
    leaves = jax.tree.leaves_with_path(got)
    bound = gamma(roundings, dtype)
    return worst([_entries(_name(p), x, np.zeros(x.shape), bound, dtype) for p, x in leaves])


def worst(comparisons: list[Comparison]) -> Comparison:
    """The worst of several, counting the entries of all; a fault or NaN is worse than any error."""
    if not comparisons:
        return _fault("tree", "there is nothing to compare")
    found = max(comparisons, key=lambda c: c.error if c.ok or c.error > 1 else math.inf)
    return dataclasses.replace(found, entries=sum(c.entries for c in comparisons))


def _fault(where: str, message: str) -> Comparison:
    return Comparison(where, math.nan, math.nan, math.nan, math.nan, 0, message)


def _leaf(name: str, x: Any, y: Any, roundings: int, dtype: DTypeLike) -> Comparison:
    if x.shape != y.shape:
        return _fault(name, f"expected shape {y.shape}, got {x.shape}")
    if x.dtype != dtype:
        return _fault(name, f"expected dtype {np.dtype(dtype)}, got {x.dtype}")
    largest = float(np.max(np.abs(y), initial=0))
    if largest == 0:
        return _fault(name, "the reference is all zeros: nothing is compared")
    return _entries(name, x, y, gamma(roundings, dtype) * largest, dtype)


def _entries(name: str, x: Any, y: Any, bound: float, dtype: DTypeLike) -> Comparison:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, which is not ok
        error = np.abs(x - y)
    i = np.unravel_index(np.argmax(error), error.shape)  # argmax finds a NaN first
    _, exponent = np.frexp(np.max(np.abs(y)) or 1.0)
    ulp = 2 * unit_roundoff(dtype) * 2.0 ** (int(exponent) - 1)
    where = f"{name}[{', '.join(map(str, i))}]"
    off = float(error[i])
    return Comparison(where, float(x[i]), float(y[i]), off / bound, off / ulp, x.size)


def _name(path: tuple[Any, ...]) -> str:
    """W[ℓ] and b[ℓ] as on the page for entries of params, the path for any other leaf."""
    if getattr(path[-1:] and path[-1], "key", None) in ("W", "b") and hasattr(path[-2], "idx"):
        return f"{path[-1].key}[{path[-2].idx + 1}]"
    return jax.tree_util.keystr(path) or "value"
