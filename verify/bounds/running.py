"""Running error analysis: a value that carries the rounding errors that it has collected.

What a program holds in place of x is x̂ = x + Σ Sₛεₛ + rε with all |ε| ≤ 1, off by e = Σ|Sₛ| + r at
most. Errors of one source meet again with their signs, so that W₂(W₁ε) is bounded by |W₂W₁| and not
by |W₂||W₁|. To first order S follows the derivative; what is left, and all that is rounded, adds
to r:

    x + y   S: Sₓ + Sᵧ            r: rₓ + rᵧ
    x y     S: xSᵧ + ySₓ          r: |x|rᵧ + |y|rₓ + eₓeᵧ
    x / y   S: (Sₓ − (x/y)Sᵧ)/y   r: (rₓ + |x/y|rᵧ)/|y| + (eₓ + |x/y|eᵧ) eᵧ/(|y|(|y| − eᵧ))
    f(x)    S: f′(x)Sₓ            r: |f′(x)|rₓ + eₓ max|f′(x̂) − f′(x)|

Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3 (running error
analysis); de Figueiredo & Stolfi, Affine arithmetic, Numerical Algorithms 37 (2004).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from verify.bounds.roundoff import Unit, capped

Floats = npt.NDArray[np.float64]
Real = Any  # an array, or a number of NumPy's, which it makes of arrays without axes
Function = Callable[[Floats], Floats]
OPERATIONS = 100  # at most as many lie between two quantities of the recipe
ROUNDINGS = 8  # of a function of NumPy's, at most
MOST_SOURCES = 2**21  # of all entries together, 8 bytes each


@dataclasses.dataclass(frozen=True, eq=False)
class Approximate:
    """x, of which a program computes x + Σ S[s]εₛ + rε.

    It is stored once it has the dtype of the program's arrays.
    """

    x: Floats
    S: Floats
    r: Floats
    unit: Unit
    is_stored: bool = False
    __array_ufunc__ = None  # so that NumPy's arrays leave the operators to this class

    @functools.cached_property
    def error(self) -> Floats:
        return capped((np.abs(self.S).sum(axis=0) + self.r) * self.slack)

    @property
    def slack(self) -> float:
        """For the roundings that S does not count, of what S holds"""
        return 1 + OPERATIONS * self.unit.u

    @property
    def is_exact(self) -> bool:
        return not len(self.S) and not np.any(self.r)

    @property
    def size(self) -> Floats:
        """The largest |x̂|"""
        return np.asarray(np.abs(self.x) + self.error)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.x.shape

    @property
    def T(self) -> "Approximate":
        """Transposed"""
        return dataclasses.replace(self, x=self.x.T, S=self.S.swapaxes(1, 2), r=self.r.T)

    def __getitem__(self, i: Any) -> "Approximate":
        of_S = (slice(None), *i)
        return dataclasses.replace(self, x=self.x[i], S=self.S[of_S], r=self.r[i])

    def __neg__(self) -> "Approximate":
        return dataclasses.replace(self, x=-self.x, S=-self.S)

    def __add__(self, other: "Operand") -> "Approximate":
        y = self.like(other)
        x = self.x + y.x
        return self.rounded(x, _plus(self.S, y.S, x.shape), self.r + y.r)

    def __sub__(self, other: "Operand") -> "Approximate":
        return self + -self.like(other)

    def __rsub__(self, other: "Operand") -> "Approximate":
        return self.like(other) - self

    def __mul__(self, other: "Operand") -> "Approximate":
        y = self.like(other)
        x = self.x * y.x
        both = 0.0 if self.is_exact or y.is_exact else self.error * y.error
        r = np.abs(self.x) * y.r + np.abs(y.x) * self.r + both
        return self.rounded(x, _plus(y.x * self.S, self.x * y.S, x.shape), r)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: "Operand") -> "Approximate":
        y = self.like(other)
        x, size = self.x / y.x, np.abs(y.x)
        r = (self.r + np.abs(x) * y.r) / size
        least = np.maximum(size - y.error, 0)
        more = (self.error + np.abs(x) * y.error) * y.error / (size * least)
        return self.rounded(x, _plus(self.S / y.x, -x / y.x * y.S, x.shape), r + more)

    def __matmul__(self, other: "Approximate") -> "Approximate":
        """PQ, where P or both carry no sources"""
        r = np.abs(self.x) @ other.r + self.error @ other.size
        terms, k = self.size @ other.size, other.x.shape[0]
        return self.summed(self.x @ other.x, self.x @ other.S, r, terms, k)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> "Approximate":
        add = functools.partial(np.sum, axis=axis, keepdims=keepdims)
        along = tuple(range(1, self.S.ndim)) if axis is None else axis + 1
        x, S = add(self.x), np.sum(self.S, axis=along, keepdims=keepdims)
        return self.summed(x, S, add(self.r), add(self.size), self.x.size // max(x.size, 1) - 1)

    def applied(self, f: Function, slope: Function, roundings: Any) -> "Approximate":
        """f(x), where f and f′ have their extrema over any interval at an end or nearest to 0."""
        y, f_prime = f(self.x), slope(self.x)
        bent = np.max([np.abs(slope(x) - f_prime) for x in self.around()], axis=0)
        r = np.abs(f_prime) * self.r + bent * self.error
        moved = self.of(y, f_prime * self.S, r).within(2 * self.furthest(f))
        return self.rounded(y, moved.S, moved.r, roundings)

    def moved(self, f: Function, roundings: Any) -> "Approximate":
        """f(x), where f has its extrema over any interval at an end or nearest to 0."""
        return self.rounded(f(self.x), self.S[:0], self.furthest(f), roundings)

    def furthest(self, f: Function) -> Floats:
        """max|f(x̂) − f(x)|, and what that is off where the difference cancels"""
        y = f(self.x)
        moved: Floats = np.max([np.abs(f(x) - y) for x in self.around()], axis=0)
        return moved + ROUNDINGS * np.finfo(np.float64).eps * np.abs(y)

    def within(self, limit: Real) -> "Approximate":
        """Where the error is beyond what is possible, that without sources"""
        beyond = self.error > limit
        if not np.any(beyond):
            return self
        return self.of(self.x, np.where(beyond, 0, self.S), np.where(beyond, limit, self.r))

    def around(self) -> tuple[Floats, Floats, Floats]:
        """The ends of x ± e, and what lies between them nearest to 0."""
        low, high = self.x - self.error, self.x + self.error
        return low, high, np.clip(0, low, high)

    def rounded(self, x: Real, S: Real, r: Real, times: Any = 1) -> "Approximate":
        """What is rounded so many times; a 0 that is exact stays 0."""
        size = np.abs(x) + r
        return self.of(x, S, r + times * (self.unit.u * size + self.unit.η * (size > 0)))

    def summed(self, x: Real, S: Real, r: Real, size: Real, k: int) -> "Approximate":
        """x, the sum of terms of that size which are each rounded at most k times."""
        return self.of(x, S, r + self.unit.gamma(k) * size + k * self.unit.η * (size > 0))

    def of(self, x: Real, S: Real, r: Real) -> "Approximate":
        return Approximate(np.asarray(x), np.asarray(S), capped(r), self.unit)

    def stored(self, storage: Unit) -> "Approximate":
        """Rounded to the dtype of the arrays, if that is narrower than that of the arithmetic"""
        narrower = storage != self.unit
        rounding = narrower * (storage.u * self.size + storage.η * (self.size > 0))
        return dataclasses.replace(
            self, r=self.of(self.x, self.S, self.r + rounding).r, is_stored=True
        )

    def tracked(self) -> "Approximate":
        """r becomes sources of their own, one for each row, as long as there is room for them."""
        if (len(self.S) + len(self.x)) * self.x.size > MOST_SOURCES:
            return self
        new = np.eye(len(self.x))[:, :, None] * self.r
        S = np.concatenate([self.slack * self.S, new])
        return dataclasses.replace(self, S=S, r=0 * self.r)

    def independent(self) -> "Approximate":
        """Without sources, as before columns are added up, each of which has its own."""
        return dataclasses.replace(self, S=self.S[:0], r=self.error)

    def in_units(self, unit: Unit) -> "Approximate":
        return dataclasses.replace(self, unit=unit)

    def like(self, other: "Operand") -> "Approximate":
        """A plain number or array with as many axes as x"""
        if isinstance(other, Approximate):
            return other
        y = np.asarray(other, np.float64)
        return exact(y.reshape((1,) * (self.x.ndim - y.ndim) + y.shape), self.unit)


Operand = Approximate | Floats | float


def exact(x: Any, unit: Unit) -> Approximate:
    """What a program is given"""
    values = np.asarray(x, np.float64)
    return Approximate(values, np.zeros((0, *values.shape)), np.zeros_like(values), unit, True)


def _plus(P: Floats, Q: Floats, shape: tuple[int, ...]) -> Floats:
    """P + Q, where the sources of one are the first of the other."""
    most, fewer = (P, Q) if len(P) >= len(Q) else (Q, P)
    if not len(most) or (not len(fewer) and most.shape[1:] == shape):
        return most.reshape(-1, *shape) if len(most) else np.zeros((0, *shape))
    total = np.array(np.broadcast_to(most, (len(most), *shape)))
    total[: len(fewer)] += fewer
    return total
