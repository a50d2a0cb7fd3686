"""Bounds for functions that are not ours.

    |got − reference| ≤ c (s u · size + response) + floor

u          the unit roundoff of the coarsest dtype of the arguments
size       the leaf's largest entry, and s = 1; the entry itself, and s = 4, of an elementwise
           function, whose exp and tanh are some units off in the last place
response   how far this entry of the float64 gradient moves when every input moves by one to four
           units in its last place and every sum by u times its absolute terms: the largest of 24
           random changes
floor      what underflow may lose
c          4, calibrated on correct code: `python -m verify.checking.calibration`

That is the error of a program whose sums and inputs are off by their rounding, c times over
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 1.6 and 4.2).
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.derivatives.responses import smallest
from verify.errors import Comparison, ulp, ulp_of
from verify.report import Unit

FACTOR = 4.0  # c
ENTRYWISE = 4.0  # s
UNDERFLOWS = 4
DTYPE = "expected dtype"
NOTHING = "the reference knows nothing here: nothing is compared"
Array = Any  # of NumPy, which makes a number of an array without axes


@dataclasses.dataclass(frozen=True)
class Expected:
    """One leaf of the reference: value + low, where low is what float64 cannot hold; how it
    responds; how uncertain it is itself; which entries are known."""

    name: str
    dtype: np.dtype[Any]
    value: Array
    low: Array
    response: Array
    uncertainty: Array
    known: Array

    @property
    def largest(self) -> float:
        return float(np.max(np.abs(self.value), where=self.known, initial=0.0))

    @property
    def silent(self) -> Array:
        """Entries of which something was asked, and nothing is known"""
        return ~self.known & ~np.isfinite(self.value)

    @property
    def is_zero(self) -> bool:
        """Whether all that is known is zeros, or nothing: whoever returns zeros would pass."""
        return not self.largest > 0


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The unit roundoff, the factor c, or a user's own absolute bounds, one for each leaf."""

    u: float
    factor: float = FACTOR
    absolute: Sequence[Any] | None = None

    def of(self, number: int, expected: Expected, unit: Unit) -> Array:
        if self.absolute is not None:
            return np.broadcast_to(np.asarray(self.absolute[number]), expected.value.shape)
        size = expected.largest if unit == "leaf" else ENTRYWISE * np.abs(expected.value)
        rounding = self.factor * (self.u * size + expected.response)
        return np.asarray(rounding + UNDERFLOWS * smallest(expected.dtype) + expected.uncertainty)


def compare(got: Any, expected: Expected, bounds: Array, unit: Unit) -> Comparison:
    """Shape, then dtype, then every known entry."""
    fault = misfit(got, expected)
    if fault and not fault.startswith(DTYPE):
        return Comparison(expected.name, fault=fault)
    found = entries(np.asarray(got).astype(np.float64), expected, bounds, unit)
    return dataclasses.replace(found, fault=found.fault or fault)


def misfit(got: Any, expected: Expected) -> str:
    shape = expected.value.shape
    if not (hasattr(got, "shape") and hasattr(got, "dtype")):
        return f"expected an array of shape {shape}, got {type(got).__name__}"
    if got.shape != shape:
        return f"expected shape {shape}, got {got.shape}{_hint(got.shape, shape)}"
    if got.dtype != expected.dtype:
        return f"{DTYPE} {expected.dtype}, that of the argument, got {got.dtype}"
    return ""


def _hint(got: tuple[int, ...], shape: tuple[int, ...]) -> str:
    if got == shape[::-1]:
        return "; it is transposed"
    if math.prod(got) == math.prod(shape):
        return f"; write .reshape{shape}, or keepdims=True in the sum"
    return ""


def entries(x: Array, expected: Expected, bounds: Array, unit: Unit) -> Comparison:
    """The known entry that is the most bounds off; one that is not finite before any other."""
    known = expected.known
    if not known.any():
        return Comparison(expected.name, fault=NOTHING)
    exact = (np.where(known, expected.value, 0), np.where(known, expected.low, 0))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        off = np.where(known, np.abs((x - exact[0]) - exact[1]), 0)
        error = np.where(known, np.where(off == 0, 0, off / bounds), -1)
        i = np.unravel_index(np.argmax(error), error.shape)  # argmax finds a NaN first
        place = float(ulp(exact, expected.dtype)[i])
        if unit == "leaf":
            place = ulp_of(expected.largest, expected.dtype)
        ulps = float(off[i]) / place if expected.largest else math.inf * float(off[i] > 0)
        values = float(x[i]), float(exact[0][i]), float(error[i]), ulps
    return Comparison(
        expected.name, tuple(map(int, i)), *values, entries=int(np.count_nonzero(known))
    )
