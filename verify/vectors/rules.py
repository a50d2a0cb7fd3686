"""g and g′ of columns of bounded numbers, each with the error that it inherits and adds.

What a function f inherits follows from how fast it changes: with |δz| ≤ e, and E(x) = exp(x) − 1,

    |σ(ẑ) − σ(z)| ≤ σ(z)(1 − σ(z))E(e)        σ′ ≤ σ(1 − σ), which grows by exp(e) on the way
    |σ′(ẑ) − σ′(z)| ≤ σ′(z)E(e)               |(log σ′)′| ≤ 1
    |tanh ẑ − tanh z| ≤ tanh′(z)E(2e)/2       |(log tanh′)′| ≤ 2
    |tanh′(ẑ) − tanh′(z)| ≤ tanh′(z)E(2e)

and a softmax is the σ of its log-odds, which move by eᵢ + max e. What f adds is γₖ times the terms
that it adds up. There are two ways to add them up, and so two bounds: `sharp`, where nothing
cancels (σ′ = σ(z)σ(−z)), and as the page writes it (A(1 − A), in absolute values A + A²).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import mpmath

from verify.vectors.bounded import (
    ROUNDINGS_PER_RULE,
    Bounded,
    Column,
    Real,
    difference,
    dot,
    exact,
    of_rule,
    product,
)

LEAKY_SLOPE = 0.01  # this double, as pure_nn.leaky_relu() has it


class Chance(NamedTuple):
    """A, 1 − A, E of the error of their log-odds, and the roundings of either."""

    A: Real
    rest: Real
    drift: Real
    roundings: Real


def added(
    value: Real, inherited: Real, sharp: Real, page: Real, k: Real, is_sharp: bool
) -> Bounded:
    """The page's form also rounds the A that it is a function of: 2k."""
    size, roundings = (sharp, k) if is_sharp else (page, 2 * k)
    return of_rule(value, inherited, size, roundings)


def _sigmoid_chances(z: Column) -> list[Chance]:
    def chance(x: Bounded) -> Chance:
        A, rest = (1 / (1 + mpmath.exp(sign * x.value)) for sign in (-1, 1))
        return Chance(A, rest, mpmath.expm1(x.error), ROUNDINGS_PER_RULE)

    return [chance(x) for x in z]


def _softmax_chances(z: Column) -> list[Chance]:
    """What is rounded of z − max z, exp makes a relative error of as much; and of the n terms."""
    top, largest = max(x.value for x in z), max(abs(x.value) for x in z)
    E, worst = [mpmath.exp(x.value - top) for x in z], max(x.error for x in z)
    total = mpmath.fsum(E)

    def chance(i: int, x: Bounded) -> Chance:
        rest = mpmath.fsum(E[:i] + E[i + 1 :]) / total
        k = ROUNDINGS_PER_RULE + len(z) + abs(x.value) + largest
        return Chance(E[i] / total, rest, mpmath.expm1(x.error + worst), k)

    return [chance(i, x) for i, x in enumerate(z)]


CHANCES: Mapping[str, Callable[[Column], list[Chance]]] = {
    "sigmoid": _sigmoid_chances,
    "softmax": _softmax_chances,
}

# activations


def activation(name: str, z: Column, *, is_sharp: bool) -> list[Bounded]:
    """A = g(Z) of one column"""
    if name in CHANCES:
        return [of_rule(c.A, c.A * c.rest * c.drift, c.A, c.roundings) for c in CHANCES[name](z)]
    return [_tanh(x, is_sharp) if name == "tanh" else product(_slope(name, x), x) for x in z]


def _tanh(z: Bounded, is_sharp: bool) -> Bounded:
    """The page: (exp(z) − exp(−z))/(exp(z) + exp(−z)), in absolute values 1"""
    A = mpmath.tanh(z.value)
    inherited = _tanh_prime_of(z) * mpmath.expm1(2 * z.error) / 2
    return added(A, inherited, abs(A), mpmath.mpf(1), ROUNDINGS_PER_RULE, is_sharp)


def _tanh_prime_of(z: Bounded) -> Real:
    return mpmath.sech(z.value) ** 2


def _slope(name: str, z: Bounded) -> Bounded:
    """g′(z) of the piecewise linear ones, 1 on the kink.

    ArithmeticError: the sign of z is not certain, so that no slope can be asked for.
    """
    if name == "identity":
        return exact(1.0)
    if abs(z.value) <= z.error and z.error > 0:
        raise ArithmeticError(f"a unit of {name} is within rounding of the kink; draw others")
    below = {"relu": 0.0, "leaky_relu": LEAKY_SLOPE}[name]
    return exact(1.0 if z.value >= 0 else below)


def pull(name: str, z: Column, A: Column, dA: Column, *, is_sharp: bool) -> list[Bounded]:
    """Δ = dA ∘ g′(Z), or dA through the Jacobian of softmax, A ∘ (dA − 1ᵀ(A ∘ dA))"""
    if name == "softmax":
        mean = dot(A, dA)
        return [product(a, difference(d, mean)) for a, d in zip(A, dA, strict=True)]
    return [product(d, p) for d, p in zip(dA, _primes(name, z, is_sharp), strict=True)]


def _primes(name: str, z: Column, is_sharp: bool) -> list[Bounded]:
    if name == "sigmoid":
        return [_sigmoid_prime(c, is_sharp) for c in _sigmoid_chances(z)]
    return [_tanh_prime(x, is_sharp) if name == "tanh" else _slope(name, x) for x in z]


def _sigmoid_prime(c: Chance, is_sharp: bool) -> Bounded:
    """The page: A(1 − A)"""
    prime = c.A * c.rest
    return added(prime, prime * c.drift, prime, c.A + c.A**2, c.roundings, is_sharp)


def _tanh_prime(z: Bounded, is_sharp: bool) -> Bounded:
    """The page: 1 − A²"""
    prime = _tanh_prime_of(z)
    inherited, page = prime * mpmath.expm1(2 * z.error), 2 - prime
    return added(prime, inherited, prime, page, ROUNDINGS_PER_RULE, is_sharp)
