"""Entries at which the reference is NaN or infinite: what values say there, and who stays silent.

`jax.grad` of √x at 0, of ‖x‖ at 0, of x log x at 0, and of where(…) with an overflow on the side
that is not taken. A kink has a derivative from either side, and anything between is right there.
"""

import dataclasses
from typing import Any

import numpy as np

from verify.checking.judge import Expected
from verify.checking.references import Point, Reference, from_values, magnitude
from verify.derivatives import evidence
from verify.derivatives.evidence import Evidence
from verify.derivatives.primal import Primal, widened
from verify.derivatives.probes import FEW, coordinates_of, sizes
from verify.errors import Comparison

UNJUDGED = "cannot be judged"


def filled(function: Primal, at: Point, found: Reference) -> Reference:
    """With central differences at the first of them"""
    places = np.flatnonzero(~np.isfinite(found.vector))
    if not places.size:
        return found
    seen = differences(function, at, found, np.resize(places, FEW))
    nothing = np.zeros(len(seen.found.value))
    said = from_values(seen.name, found.value, at, seen.probes, seen.found, nothing)
    pairs = zip(found.gradient, said.gradient, strict=True)
    gradient = [_either(x, y) for x, y in pairs]
    return dataclasses.replace(found, gradient=gradient, undefined=frozenset(places.tolist()))


def differences(function: Primal, at: Point, reference: Reference, places: Any) -> Evidence:
    """Central differences at these entries of the vector of all"""
    arrays, cotangent = widened(at.arrays), widened(at.cotangent)
    probes = coordinates_of(places, sizes(at.wanted()))
    size = magnitude(reference.value, cotangent)
    return evidence.central(function, arrays, cotangent, probes, size)


def _either(x: Expected, y: Expected) -> Expected:
    use = ~x.known & y.known
    chosen = {
        name: np.where(use, getattr(y, name), getattr(x, name))
        for name in ("value", "low", "response", "uncertainty")
    }
    return dataclasses.replace(x, **chosen, known=x.known | y.known)


def unjudged(got: Any, expected: Expected, compared: Comparison) -> Comparison | None:
    """What is to be said of entries at which nothing is known, where there are any"""
    x = np.asarray(got).astype(np.float64)
    apart = expected.silent & ~(np.isinf(expected.value) & (x == expected.value))
    if not apart.any():
        return None
    i = tuple(int(k) for k in np.argwhere(apart)[0])
    index = f"[{', '.join(map(str, i))}]" if i else ""
    n = int(np.count_nonzero(apart))
    fault = (
        f"{n} of {apart.size} entries {UNJUDGED}, the first at {index or 'it'}: by hand "
        f"{x[i]:.6g}, where the reference is {expected.value[i]} and values give no finite "
        "derivative; check it at another point, or with a reference= that is finite there"
    )
    return dataclasses.replace(compared, fault=fault)
