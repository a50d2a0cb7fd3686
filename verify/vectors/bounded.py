"""Numbers that carry a bound on the error of every right program in double precision.

A running error bound (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1
and 3.3) is the same recipe in absolute values, times the roundings. With u = 2⁻⁵³, γₖ = ku/(1 − ku)
and x̂ᵢ = xᵢ + δᵢ for what a program holds in place of xᵢ, a sum in which no term is rounded more
than k times is off, whatever the order of its additions, by at most

    |δ₁| + … + |δₙ| + γₖ(|x̂₁| + … + |x̂ₙ|)

Where the bits of the terms fit into 53 together, no order of additions rounds anything, k = 0. So
a sum that is 0 exactly, on the kink of a ReLU, is 0 for all. `value` and `error` have many digits.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import mpmath

Real = Any  # mpmath ships no types

DOUBLE = 53
ROUNDINGS_PER_RULE = 16  # of a g, a g′, a loss or its Δ, each exp and log within 2 ULP


class Bounded(NamedTuple):
    """A value, and the largest distance of what a right program computes from it."""

    value: Real
    error: Real


Column = Sequence[Bounded]


def exact(x: float) -> Bounded:
    return Bounded(mpmath.mpf(x), mpmath.mpf(0))


def gamma(k: Real) -> Real:
    """γₖ = ku/(1 − ku)"""
    ku = mpmath.ldexp(k, -DOUBLE)
    return ku / (1 - ku)


def total(terms: Sequence[Bounded], roundings: Real) -> Bounded:
    """The sum, in any order, of terms that are rounded so many times each at most."""
    inherited = mpmath.fsum(term.error for term in terms)
    size = mpmath.fsum(abs(term.value) for term in terms) + inherited
    k = 0 if inherited == 0 and _fits(terms, size) else roundings
    return Bounded(mpmath.fsum(term.value for term in terms), inherited + gamma(k) * size)


def dot(xs: Iterable[Bounded], ys: Iterable[Bounded], *more: Bounded, over: int = 1) -> Bounded:
    """(Σ xᵢyᵢ + more)/over, where each term may be divided, or multiplied by 1/over."""
    terms = [*(_times(x, y) for x, y in zip(xs, ys, strict=True)), *more]
    by_shifting = over & (over - 1) == 0
    value, error = total(terms, len(terms) + (0 if by_shifting else 2))
    return Bounded(value / over, error / over)


def product(x: Bounded, y: Bounded) -> Bounded:
    return total([_times(x, y)], 1)


def difference(x: Bounded, y: Bounded) -> Bounded:
    return total([x, Bounded(-y.value, y.error)], 1)


def of_rule(value: Real, inherited: Real, size: Real, roundings: Real) -> Bounded:
    """f(x̂) where f(x̂) − f(x) is `inherited` and the terms that f adds up have the size `size`."""
    return Bounded(value, inherited + gamma(roundings) * (size + inherited))


def _times(x: Bounded, y: Bounded) -> Bounded:
    """The product before it is rounded."""
    error = abs(x.value) * y.error + abs(y.value) * x.error + x.error * y.error
    return Bounded(x.value * y.value, error)


def _fits(terms: Sequence[Bounded], size: Real) -> bool:
    """Whether all partial sums, multiples of the last bit of any term, are doubles."""
    last = min((term.value.exp for term in terms if term.value), default=0)
    return bool(size <= mpmath.ldexp(1, last + DOUBLE))
