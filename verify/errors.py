"""Errors: of one leaf in multiples of its bound and in ULPs, of one number in ULPs.

`verify.bounds` has the bounds on what networks compute.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike

Exact = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def unit_roundoff(dtype: DTypeLike) -> float:
    return float(jnp.finfo(dtype).eps) / 2


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
    """The worst entry of one leaf: `error` is a multiple of its bound, `ulps` one of the ULP of the
    leaf's largest entry, `fault` says in words why nothing could be compared."""

    where: str
    index: tuple[int, ...] = ()
    got: float = math.nan
    expected: float = math.nan
    error: float = math.nan
    ulps: float = math.nan
    entries: int = 0
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Written so that NaN is not ok."""
        return not self.fault and self.entries > 0 and self.error <= 1

    def __str__(self) -> str:
        if self.fault:
            return f"{self.where}: {self.fault}"
        return (
            f"{self.where}[{', '.join(map(str, self.index))}]: got {self.got:.9g}, expected "
            f"{self.expected:.9g}, off by {self.ulps:.3g} ULP of the leaf's largest entry, "
            f"{self.error:.2g} of the bound"
        )


ALL_ZEROS = "the reference is all zeros: nothing is compared"


def compare(got: Any, expected: Any, bounds: Any, dtype: Any) -> Comparison:
    """The worst of `leaves`."""
    return worst(leaves(got, expected, bounds, dtype))


def leaves(got: Any, expected: Any, bounds: Any, dtype: Any) -> list[Comparison]:
    """Tree structure, then shape, dtype, and every entry of every leaf, against float64.

        |got − expected| ≤ bounds, which has a leaf, of one entry or of as many, for each leaf

    One dtype is for all leaves, a tree of them has one for each.

    A leaf of `expected` that is all zeros compares nothing, and is a fault.
    """
    ours, theirs = jax.tree.structure(got), jax.tree.structure(expected)
    if str(ours) != str(theirs):
        return [Comparison("tree", fault=f"expected the structure {theirs}, got {ours}")]
    dtypes = jax.tree.leaves(dtype)
    dtypes *= len(jax.tree.leaves(got)) if len(dtypes) == 1 else 1
    others = zip(*map(jax.tree.leaves, (expected, bounds)), dtypes, strict=True)
    named = zip(jax.tree.leaves_with_path(got), others, strict=True)
    return [_leaf(leaf_name(path), x, *other) for (path, x), other in named]


def worst(comparisons: Sequence[Comparison]) -> Comparison:
    """The worst of several, counting the entries of all; a fault or NaN is worse than any error."""
    if not comparisons:
        return Comparison("tree", fault="there is nothing to compare")
    found = max(comparisons, key=lambda c: c.error if c.ok or c.error > 1 else math.inf)
    return dataclasses.replace(found, entries=sum(c.entries for c in comparisons))


def _leaf(name: str, x: Any, y: Any, bound: Any, dtype: DTypeLike) -> Comparison:
    if x.shape != y.shape:
        return Comparison(name, fault=f"expected shape {y.shape}, got {x.shape}")
    if x.dtype != dtype:
        return Comparison(name, fault=f"expected dtype {np.dtype(dtype)}, got {x.dtype}")
    if not np.any(np.asarray(y)):
        return Comparison(name, fault=ALL_ZEROS)
    return entries(name, x, y, bound, dtype)


def entries(name: str, x: Any, y: Any, bound: Any, dtype: DTypeLike) -> Comparison:
    """The entry of a leaf that is the most bounds off; one that is not finite before any other."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):  # ∞ − ∞ is NaN, which is not ok
        off = np.abs(x - y)
        error = np.where(off == 0, 0, off / bound)
    i = np.unravel_index(np.argmax(error), error.shape)  # argmax finds a NaN first
    ulps = float(off[i]) / ulp_of(np.max(np.abs(y)), dtype)
    index = tuple(map(int, i))
    return Comparison(name, index, float(x[i]), float(y[i]), float(error[i]), ulps, x.size)


def worst_ulps(got: Any, expected: Any, below: Any, dtype: DTypeLike) -> float:
    """The largest error of all entries, in ULPs of the largest entry of their leaf.

    `expected` is the sum of two trees.
    """
    leaves = zip(*map(jax.tree.leaves, (got, expected, below)), strict=True)
    return max(
        float(np.max(in_units(x, (high, low), np.asarray(ulp_of(np.max(np.abs(high)), dtype)))))
        for x, high, low in leaves
    )


def ulp_of(largest: Any, dtype: DTypeLike) -> float:
    """The spacing of the floats at the largest entry of a leaf"""
    return float(ulp((np.asarray(largest, np.float64), np.zeros(())), dtype))


def leaf_name(path: tuple[Any, ...]) -> str:
    """W[ℓ] and b[ℓ] as on the page for entries of params, the path for any other leaf."""
    layer = path[-2:-1]
    if layer and hasattr(layer[0], "idx") and getattr(path[-1], "key", None) in ("W", "b"):
        return f"{path[-1].key}[{layer[0].idx + 1}]"
    return jax.tree_util.keystr(path) or "value"
