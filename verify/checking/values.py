"""A reference from values alone, for what JAX cannot differentiate: NumPy code, a kernel.

The best of what applies, along every direction that was probed: many digits, else the complex
step, else central differences. The first two are believed where the third does not contradict.

Where there is no time for every entry, some are probed, and those that look wrong along groups of
them that hold every entry.
"""

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from verify.checking import groups
from verify.checking.asked import Asked
from verify.checking.judge import Expected
from verify.checking.references import Point, Reference, from_values, magnitude
from verify.derivatives import evidence, primal
from verify.derivatives.evidence import DIFFERENCES, IMAGINARY, Evidence
from verify.derivatives.manydigits import MANY, NotApplicable
from verify.derivatives.numeric import Derivatives
from verify.derivatives.primal import Primal
from verify.derivatives.probes import FEW, SAMPLED, Probes, choose, coordinates_of, sizes
from verify.derivatives.programs import float64
from verify.report import Unit

PATIENCE = 2.0  # seconds for the derivatives along each kind of probes
MORE = 4.0  # times as long, where they are few
LEAST = 8  # entries
SOME = 2 * SAMPLED  # entries, where there is no time for all of them


class Seen(NamedTuple):
    """All that values say; the reference made of it, and along which directions, with the rest."""

    reference: Reference
    all: list[Evidence]
    dropped: dict[str, str]
    note: str = ""


def reference(
    function: Primal,
    at: Point,
    wanted: Collection[str],
    got: Any,
    units: Sequence[Unit],
    rng: Any,
    patience: float = PATIENCE,
) -> Seen:
    """`got` is the gradient that is judged, as one vector: where to look; or None"""
    asked = Asked(function, at, 0.0, patience, rng)
    value = _value(asked)
    asked = dataclasses.replace(asked, size=magnitude(value, asked.cotangent))
    found, dropped = _evidence(asked, wanted, _sample(asked, got))
    best, n, note = found[-1], sizes(at.wanted()).size, ""
    if _are_all(best.probes, n):
        pass
    elif best.name == IMAGINARY and n * asked.seconds(IMAGINARY) <= patience:
        best = asked.by(IMAGINARY, coordinates_of(range(n), sizes(at.wanted())))
    else:
        found, note = _searched(asked, wanted, found, got, units)
        best = found[-1]
    response = asked.response(best.probes)
    by = from_values(best.name, value, at, best.probes, best.found, response)
    return Seen(by, found, dropped, note)


def _value(asked: Asked) -> list[Expected]:
    """What the function returns, and how that responds to the last place of its inputs"""
    with float64(), np.errstate(all="ignore"):
        here = primal.value(asked.function, asked.arrays)
        changed = [primal.value(asked.function, moved) for moved, _ in asked.changes()]
    leaves = []
    for k, ((name, dtype), x) in enumerate(zip(asked.at.value, here, strict=True)):
        with np.errstate(invalid="ignore"):
            moved = np.fmax.reduce([np.abs(there[k] - x) for there in changed]) / asked.over
        nothing, known = np.zeros(x.shape), np.isfinite(x) & ~np.isnan(moved)
        parts = (np.asarray(part) for part in (x, nothing, moved, nothing, known))
        leaves.append(Expected(name, dtype, *parts))
    return leaves


def _sample(asked: Asked, got: Any) -> Probes:
    """Every coordinate, where there is time; else of each leaf those that the gradient at hand
    has the largest, the smallest and one between, and some by chance"""
    parts, size = asked.at.wanted(), sizes(asked.at.wanted()).size
    each = asked.seconds(DIFFERENCES) + asked.seconds(IMAGINARY)
    count = int(np.clip(asked.patience / each, max(LEAST, 2 * len(parts)), 20 * FEW))
    count = size if size <= FEW and size * each <= MORE * asked.patience else count
    few = 2 ** int(np.log2(min(count, SOME)))  # few shapes, few compiled
    gradient = np.zeros(size) if got is None else np.nan_to_num(got)
    return choose(parts, gradient, [], count if count >= size else few, asked.rng)


def _evidence(
    asked: Asked, wanted: Collection[str], probes: Probes
) -> tuple[list[Evidence], dict[str, str]]:
    """By every oracle, the best last; and why not by the others"""
    found, dropped = [asked.central(probes)], dict[str, str]()
    for name in [name for name in (IMAGINARY, MANY) if name in wanted]:
        try:
            found.append(evidence.believed(asked.exact(name, probes), found[0]))
        except NotApplicable as error:
            dropped[name] = str(error)
    return found, dropped


def _are_all(probes: Probes, n: int) -> bool:
    return n <= int(np.count_nonzero(probes.coordinates >= 0))


# where every entry is too many


def _searched(
    asked: Asked, wanted: Collection[str], found: list[Evidence], got: Any, units: Sequence[Unit]
) -> tuple[list[Evidence], str]:
    """With the entries that look wrong; and what is to be said of the others"""
    size = sizes(asked.at.wanted())
    one_by_one = int(np.count_nonzero(found[-1].probes.coordinates >= 0))
    if got is None:
        return found, ""
    names = [seen.name for seen in found]
    name = IMAGINARY if IMAGINARY in names else names[-1]
    more = groups.suspects(asked, name, got, units, one_by_one)
    note = (
        f"there was no time to probe each of {size.size:,} entries: {one_by_one} were, and all "
        "others in groups"
    )
    if not more:
        return found, note
    again, _ = _evidence(asked, wanted, coordinates_of(np.resize(more, one_by_one), size))
    by_name = {seen.name: seen for seen in again}
    return [_joined(x, by_name[x.name]) for x in found if x.name in by_name], note


def _joined(first: Evidence, then: Evidence) -> Evidence:
    """Along all coordinates of the two"""
    which = first.probes.coordinates >= 0
    pairs = zip(first.probes.only(which)[:3], then.probes[:3], strict=True)
    coordinates, scales, rows = (np.concatenate(pair) for pair in pairs)
    fields = [field.name for field in dataclasses.fields(Derivatives)]
    both = {x: (getattr(first.found, x)[which], getattr(then.found, x)) for x in fields}
    joined = Derivatives(**{name: np.concatenate(pair) for name, pair in both.items()})
    return Evidence(first.name, Probes(coordinates, scales, rows, then.probes.directions), joined)
