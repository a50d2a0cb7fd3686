"""A gradient as it came beside what it should be, and a mistake as it is told."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
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

    Relative to the largest entry, errors up to `tol` are rounding.
    """

    name: str
    got: F64
    right: F64
    value: F64 | None
    tol: float
    lengths: Lengths
    l2: float = 0.0
    precision: str = ""  # of which all gradients are numbers, where that is a lower one

    def is_like(self, right: Any) -> bool:
        scale = float(np.max(np.abs(self.right), initial=0))
        return close(self.got, np.asarray(right), self.tol, scale)

    def of(self, right: F64) -> "Leaf":
        return dataclasses.replace(self, right=right)


def close(got: F64, right: F64, tol: float, scale: float = 0.0) -> bool:
    """Every entry, and none of them NaN"""
    if got.shape != right.shape or not np.all(np.isfinite(right)):
        return False
    size = max(float(np.max(np.abs(right), initial=0)), 1e-3 * scale)
    return bool(np.all(np.abs(got - right) <= tol * size))


def cheapest(found: Sequence[Mistake]) -> list[Mistake]:
    """Of the lowest cost, one of each kind"""
    least = min((m.cost for m in found), default=0)
    return list({m.kind: m for m in reversed(found) if m.cost == least}.values())[::-1]


def equation(name: str) -> str:
    """Where the 1/B stands on the page"""
    equations = {"dW": "∂J/∂W = (1/B) Δ Aᵀ", "db": "∂J/∂b = (1/B) Σ Δ"}
    return f" ({equations[name[:2]]})" if name[:2] in equations else ""


def lower_precision(arrays: Iterable[F64], dtype: DTypeLike) -> str:
    """Of which all of several numbers are, if it is lower than the dtype they are said to be of"""
    found = np.concatenate([np.ravel(x) for x in arrays] or [np.zeros(0)])
    for lower in ("bfloat16", "float16", "float32"):
        fewer = jnp.finfo(lower).nmant < jnp.finfo(dtype).nmant
        same = fewer and np.array_equal(found, found.astype(jnp.dtype(lower)).astype(np.float64))
        if same and np.sum(found != 0) > 8:
            return lower
    return ""
