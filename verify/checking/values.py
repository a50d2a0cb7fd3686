"""A reference from values alone, for what JAX cannot differentiate: NumPy code, a kernel.

The best of what applies, along every direction that was probed: many digits, else the complex
step, else central differences. The first two are believed where the third does not contradict.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from verify.checking.judge import Expected
from verify.checking.references import Point, Reference, from_values
from verify.derivatives import evidence, imaginary, primal, smallsteps
from verify.derivatives.evidence import Evidence
from verify.derivatives.manydigits import NotApplicable
from verify.derivatives.numeric import LEVELS
from verify.derivatives.primal import Primal, widened
from verify.derivatives.probes import FEW, SAMPLED, Probes, choose, coordinates_of, sizes
from verify.derivatives.programs import Leaves, float64
from verify.derivatives.responses import FAR, nudged

PATIENCE = 3.0  # seconds for one oracle
CHANGES = 6  # of the inputs in their last place
STEP = np.array([2.0**-10, -(2.0**-10)])  # by which the response is measured


OTHERS = {"complex step": imaginary.imaginary, "many digits": smallsteps.in_many_digits}


class Seen(NamedTuple):
    """All that values say; the reference made of it, and along which directions, with the rest."""

    reference: Reference
    best: Evidence
    all: list[Evidence]
    dropped: dict[str, str]


def reference(function: Primal, at: Point, wanted: Collection[str], rng: Any) -> Seen:
    arrays, cotangent = widened(at.arrays), widened(at.cotangent)
    value = _value(function, at, rng)
    probes = _affordable(function, at, arrays, rng)
    pairs = zip(cotangent, value, strict=True)
    size = sum(float(np.sum(np.abs(v) * np.abs(x.value))) for v, x in pairs)
    found = [evidence.central(function, arrays, cotangent, probes, size)]
    dropped: dict[str, str] = {}
    for name in [name for name in OTHERS if name in wanted]:
        try:
            seen = OTHERS[name](function, arrays, cotangent, probes)
            found.append(evidence.believed(seen, found[0]))
        except NotApplicable as error:
            dropped[name] = str(error)
    best = _everywhere(function, at, arrays, cotangent, found[-1])
    response = _response(function, at, best.probes, rng)
    by = from_values(best.name, value, at, best.probes, best.found, response)
    return Seen(by, best, found, dropped)


def _value(function: Primal, at: Point, rng: Any) -> list[Expected]:
    """What the function returns, and how that responds to the last place of its inputs"""
    with float64():
        here = primal.value(function, widened(at.arrays))
        changed = [primal.value(function, moved) for moved, _ in _changes(at, rng)]
    over = FAR if at.given.dtype == np.float64 else 1.0
    leaves = []
    for k, ((name, dtype), x) in enumerate(zip(at.value, here, strict=True)):
        largest = np.nanmax([np.abs(there[k] - x) for there in changed], axis=0) / over
        nothing = np.zeros(x.shape)
        parts = (np.asarray(part) for part in (x, nothing, largest, nothing, np.isfinite(x)))
        leaves.append(Expected(name, dtype, *parts))
    return leaves


def _changes(at: Point, rng: Any) -> list[tuple[Leaves, Leaves]]:
    return [nudged(at.given, at.arrays, at.cotangent, rng) for _ in range(CHANGES)]


def _affordable(function: Primal, at: Point, arrays: Leaves, rng: Any) -> Probes:
    """Every coordinate that there is time for"""
    size, each = sizes(at.wanted()).size, evidence.seconds(function, arrays)
    count = int(np.clip(PATIENCE / (2 * LEVELS * each), SAMPLED / 4, 20 * FEW))
    count = FEW if count >= FEW >= size else 2 ** int(np.log2(count))  # few shapes, few compiled
    return choose(at.wanted(), np.zeros(size), [], count, rng)


def _everywhere(
    function: Primal, at: Point, arrays: Leaves, cotangent: Leaves, best: Evidence
) -> Evidence:
    """Along every coordinate, where the complex step needs one call for each"""
    size = sizes(at.wanted())
    few = size.size <= np.count_nonzero(best.probes.coordinates >= 0)
    cost = size.size * evidence.seconds(function, arrays)
    if few or best.name != evidence.IMAGINARY or cost > PATIENCE:
        return best
    return imaginary.imaginary(function, arrays, cotangent, coordinates_of(range(size.size), size))


def _response(function: Primal, at: Point, probes: Probes, rng: Any) -> Any:
    """How far each derivative moves when the inputs move in their last place"""
    over = FAR if at.given.dtype == np.float64 else 1.0
    arrays, cotangent = widened(at.arrays), widened(at.cotangent)

    def slope(arrays: Leaves, cotangent: Leaves) -> Any:
        ahead, behind = evidence.differences(function, arrays, cotangent, probes, STEP).T
        return (ahead - behind) / (STEP[0] - STEP[1])

    here = slope(arrays, cotangent)
    moved = [np.abs(slope(*change) - here) for change in _changes(at, rng)]
    return np.nan_to_num(np.nanmax(moved, axis=0)) / over
