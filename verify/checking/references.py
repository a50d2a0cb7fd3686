"""What a gradient is held against, entry by entry."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.checking.judge import FACTOR, Expected
from verify.derivatives import manydigits, responses
from verify.derivatives.arguments import Arguments
from verify.derivatives.primal import NO_DERIVATIVE, Primal, widened
from verify.derivatives.probes import Probes, whole
from verify.derivatives.programs import Leaves, float64
from verify.errors import unit_roundoff

AUTOMATIC = "jax.grad in float64"
Label = tuple[str, Any]  # of a leaf: its name and the dtype that a result has to have


@dataclasses.dataclass(frozen=True)
class Reference:
    """The value and the gradient, and by what they were computed."""

    source: str
    value: list[Expected]
    gradient: list[Expected]
    undefined: frozenset[int] = frozenset()  # places at which JAX finds no finite derivative

    @functools.cached_property
    def vector(self) -> Any:
        return np.concatenate([x.value.ravel() for x in self.gradient])

    @functools.cached_property
    def known(self) -> Any:
        return np.concatenate([x.known.ravel() for x in self.gradient])

    def noise(self, u: float) -> Any:
        """What rounding to float64 may do to each entry, where responses are to changes of u."""
        own = unit_roundoff("float64")
        parts = [own * x.largest + x.response * own / u + x.uncertainty for x in self.gradient]
        return FACTOR * np.concatenate([np.broadcast_to(x, x.shape).ravel() for x in parts])

    def scale(self) -> Any:
        """The largest entry of its leaf, for each entry"""
        parts = [np.full(x.value.size, x.largest) for x in self.gradient]
        return np.concatenate(parts)


@dataclasses.dataclass(frozen=True)
class Point:
    """Where a function is differentiated, and what its leaves are called."""

    given: Arguments
    arrays: Leaves
    cotangent: Leaves
    value: Sequence[Label]
    gradient: Sequence[Label]

    def wanted(self) -> list[Any]:
        return [self.arrays[i] for i in self.given.wanted]


def magnitude(value: Sequence[Expected], cotangent: Leaves) -> float:
    """The size of what rounds in φ = ⟨cotangent, f⟩: its terms"""
    pairs = zip(cotangent, value, strict=True)
    return sum(float(np.sum(np.abs(v) * np.abs(x.value))) for v, x in pairs)


def automatic(function: Primal, at: Point, rng: Any, rounds: int = responses.ROUNDS) -> Reference:
    """By `jax.vjp` in float64. Where the function itself rounds to fewer bits, it is uncertain by
    that rounding."""
    found = responses.at(function, at.given, at.arrays, at.cotangent, rng, rounds)
    u = unit_roundoff(function.lowest)
    extra = FACTOR * u if u > unit_roundoff("float64") else 0.0

    def leaf(label: Label, x: Any, response: Any) -> Expected:
        name, dtype = label
        zero, known = np.zeros(x.shape), np.isfinite(x)
        largest = np.max(np.abs(x), where=known, initial=0.0)
        uncertainty = np.full(x.shape, extra * largest)
        return Expected(name, dtype, x, zero, response, uncertainty, known)

    values = map(leaf, at.value, found.at.out, found.largest.out)
    gradients = map(leaf, at.gradient, found.at.gradient, found.largest.gradient)
    return Reference(AUTOMATIC, list(values), list(gradients))


def exact(function: Primal, at: Point, before: Reference, entrywise: bool) -> Reference:
    """The same program, value and gradient, in as many digits as it takes.

    NotApplicable: why it cannot.
    """
    if function.program is None:
        raise manydigits.NotApplicable(NO_DERIVATIVE.get(function.way, function.why))
    wide = [*widened(at.arrays), *widened(at.cotangent)]
    with float64():
        name, found = manydigits.exactly(
            manydigits.of_jaxpr(function.program.closed, wide), entrywise
        )
    parts = map(manydigits.split, found)
    part = manydigits.LEFT[name]
    values = [_better(x, part, *next(parts)) for x in before.value]
    gradient = [_better(x, part, *next(parts)) for x in before.gradient]
    return Reference(name, values, gradient, before.undefined)


def _better(before: Expected, part: float, value: Any, low: Any) -> Expected:
    """As uncertain as a part of what the digits of float64 lost"""
    fine = np.isfinite(value)
    with np.errstate(invalid="ignore"):
        lost = part * np.abs(np.nan_to_num(value - before.value))
    return dataclasses.replace(
        before,
        value=np.where(fine, value, before.value),
        low=np.where(fine, low, before.low),
        uncertainty=np.where(fine, lost, before.uncertainty),
        known=fine | before.known,
    )


def from_values(
    source: str, value: list[Expected], at: Point, probes: Probes, derivatives: Any, response: Any
) -> Reference:
    """Of the coordinates that were probed, NaN where nothing came of it. On a kink, anything
    between left and right is known."""
    size, asked = sum(np.size(x) for x in at.wanted()), probes.coordinates >= 0
    which = asked & np.isfinite(derivatives.uncertainty) & ~np.isnan(response)
    nothing = np.zeros(size)
    nothing[probes.coordinates[asked & ~which]] = np.nan
    i, scale = probes.coordinates[which], probes.scales[which]
    left, right = derivatives.left[which], derivatives.right[which]
    middle = np.where(derivatives.kink[which], (left + right) / 2, derivatives.value[which])
    between = np.where(derivatives.kink[which], np.abs(right - left) / 2, 0.0)
    columns = [middle, between + derivatives.uncertainty[which], response[which]]
    full = [_spread(size, i, x / scale) for x in columns]
    spread = [whole(x, at.wanted()) for x in (full[0] + nothing, *full[1:])]
    known = whole(_spread(size, i, np.ones(len(i))) > 0, at.wanted())
    leaves = zip(at.gradient, *spread, known, strict=True)
    gradient = [
        Expected(name, dtype, x, np.zeros(x.shape), r, uncertain, k)
        for (name, dtype), x, uncertain, r, k in leaves
    ]
    return Reference(source, value, gradient)


def _spread(size: int, i: Any, x: Any) -> Any:
    found = np.zeros(size)
    found[i] = x
    return found
