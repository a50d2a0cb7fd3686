"""All 2³² float32 inputs of the functions of one number, against exact values in float64.

z runs through the bits of all positive numbers, and −z beside it, so that both signs share what is
exact: with e = exp(−|z|), s = 1/(1 + e), r = e/(1 + e), t = tanh|z|, q = 4e²/(1 + e²)²

    σ(±z) = s, r    σ′ = rs    tanh(±z) = ±t    tanh′ = q

At ±∞ the limit has to come out, and of NaN comes NaN, or a slope where g′ is one of a few.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from verify import accuracy, sweeps
from verify.accuracy import Accuracy

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]

BLOCKS = 512
BLOCK = 2**31 // BLOCKS  # |z| of one job: half an exponent
CHUNK = 2**16  # what the caches hold
SIGNS = (np.uint32(0), np.uint32(1 << 31))
INFINITY = 0x7F800000  # its bits; those above it are NaN's
TINY, EPS = 2.0**-126, 2.0**-23
EXPONENT = np.int64(0x7FF << 52)
SLOPES = ("relu′", "leaky_relu′", "identity′")


class Found(NamedTuple):
    """The worst error of a function, ours and the usual one, in ULPs; and the bits of its z."""

    error: float = -1.0
    bits: int = 0
    usual: float = -1.0

    def worse(self, other: "Found") -> "Found":
        error, bits = max((self.error, -self.bits), (other.error, -other.bits))
        return Found(error, -bits, max(self.usual, other.usual))


def names() -> tuple[str, ...]:
    return tuple(f.name for f in accuracy.SCALARS)


def block(number: int, chosen: Sequence[str]) -> dict[str, Found]:
    """The worst of each function in one block: |z| has the bits from `number` · BLOCK on."""
    found = dict.fromkeys(chosen, Found())
    for start in range(number * BLOCK, (number + 1) * BLOCK, CHUNK):
        bits = np.arange(start, start + min(CHUNK, BLOCK), dtype=np.uint32)
        for name, worst in _chunk(bits, chosen):
            found[name] = found[name].worse(worst)
    return found


def _chunk(bits: npt.NDArray[np.uint32], chosen: Sequence[str]) -> list[tuple[str, Found]]:
    z = bits.view(np.float32)
    compare = _compare if bits[0] < INFINITY else _compare_limits
    with np.errstate(all="ignore"):
        exact = _exact(np.abs(sweeps.flushed(z).astype(np.float64)))
        return [
            (name, compare(name, bits | sign, *exact[name][k]))
            for name in chosen
            for k, sign in enumerate(SIGNS)
        ]


Both = tuple[tuple[Float64s, Float64s], tuple[Float64s, Float64s]]


def _exact(z: Float64s) -> Mapping[str, Both]:
    """The value and 1/ULP of each function, at z and at −z."""
    e = np.exp(-z)
    s, r = 1 / (1 + e), e / (1 + e)
    q = 4 * (e * e) / (1 + e * e) ** 2
    t = np.tanh(z)
    above, below, product, t_, q_ = map(with_unit, (s, r, r * s, t, q))
    bent, q_bent = map(with_unit, (r * s * s * -np.expm1(-z), 2 * t * q))
    return {
        "sigmoid": (above, below),
        "sigmoid′": (product, product),
        "sigmoid Δ, y = 0": (above, below),
        "sigmoid Δ, y = 1": (minus(below), minus(above)),
        "tanh": (t_, minus(t_)),
        "tanh′": (q_, q_),
        "sigmoid″": (minus(bent), bent),
        "tanh″": (minus(q_bent), q_bent),
        **_exact_pieces(z),
    }


def _exact_pieces(z: Float64s) -> Mapping[str, Both]:
    """On the kink the derivative is 1"""
    same, leak, zero, one = map(with_unit, (z, LEAK * z, 0 * z, np.ones_like(z)))
    slope, leaky_slope = (with_unit(np.where(z == 0, 1, a)) for a in (0.0, LEAK))
    return {
        "relu": (same, zero),
        "relu′": (one, slope),
        "leaky_relu": (same, minus(leak)),
        "leaky_relu′": (one, leaky_slope),
        "identity": (same, minus(same)),
        "identity′": (one, one),
    }


LEAK = 0.01


def with_unit(x: Float64s) -> tuple[Float64s, Float64s]:
    """x ≥ 0 and 1/ULP, where what is below all normal numbers counts as the least of them"""
    power: Float64s = (x.view(np.int64) & EXPONENT).view(np.float64)
    return x, 1 / np.where(power < TINY, TINY, power * EPS)


def minus(value: tuple[Float64s, Float64s]) -> tuple[Float64s, Float64s]:
    return -value[0], value[1]


def _compare(name: str, bits: Any, exact: Float64s, per_ulp: Float64s) -> Found:
    z = bits.view(np.float32)
    ours, usual = (
        np.abs((np.asarray(f(z), np.float64) - exact) * per_ulp) for f in _compiled(name)
    )
    i = int(np.argmax(ours))  # that of NaN, where there is one
    return Found(_number(ours[i]), int(bits[i]), _number(np.max(usual)))


def _compare_limits(name: str, bits: Any, exact: Float64s, per_ulp: Float64s) -> Found:
    """At ±∞ the error from the limit, where 0 · ∞ is ReLU's 0; of NaN right, 0, or wrong, ∞."""
    got = np.asarray(_compiled(name)[0](bits.view(np.float32)), np.float64)
    limit = np.where(np.isnan(exact), 0, exact)
    off = np.where(got == limit, 0, np.abs(got - limit) * per_ulp)
    right = np.isfinite(got) if name in SLOPES else np.isnan(got)
    of_NaN = np.where(right, 0, np.inf)
    infinite = bits & ~SIGNS[1] == INFINITY
    errors = np.where(infinite, off, of_NaN)
    i = int(np.argmax(errors))
    return Found(_number(errors[i]), int(bits[i]), 0.0)


def _number(error: Any) -> float:
    return float("inf") if np.isnan(error) else float(error)


@functools.cache
def _compiled(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    (f,) = (f for f in accuracy.SCALARS if f.name == name)
    return jax.jit(f.ours), jax.jit(f.usual)


def accuracies(found: Mapping[str, Found], inputs: int) -> list[Accuracy]:
    """A row of the table of digits for each function, after so many inputs"""
    limits = {f.name: f.limit for f in accuracy.SCALARS}
    return [
        Accuracy(name, "float32", limits[name], inputs, f.error, _at(f.bits), f.usual)
        for name, f in found.items()
    ]


def _at(bits: int) -> str:
    return f"z = {np.uint32(bits).view(np.float32)!s}"
