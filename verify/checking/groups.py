"""Entries that look wrong among too many to probe each: whole groups at once, then the groups that
differ, entry by entry."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.checking.asked import Asked
from verify.checking.judge import ENTRYWISE, FACTOR, UNDERFLOWS
from verify.derivatives.probes import groups_of, sizes, spans
from verify.derivatives.responses import smallest
from verify.report import Unit

LARGEST = 1e7  # numbers in all directions together


def suspects(asked: Asked, name: str, got: Any, units: Sequence[Unit], count: int) -> list[int]:
    """At most so many entries of those groups along which the vector `got` is not the derivative,
    by the oracle of this name, the furthest off first.

    Every entry is in one of them. An error of one stands out where it is more than some bounds
    times the root of their number, and along every direction rounding is judged as in each entry.
    """
    strange = np.flatnonzero(~np.isfinite(got))
    got = np.where(np.isfinite(got), got, 0.0)
    many = int(np.clip(asked.patience / asked.seconds(name), count / 4, LARGEST / got.size))
    groups = _split(asked, got, np.arange(got.size), max(many, 2))
    while True:
        excess = _excess(asked, name, got, units, groups)
        order = np.argsort(-np.nan_to_num(excess, nan=1.0, posinf=np.inf), kind="stable")
        off = [groups[k] for k in order if not excess[k] <= 1]
        if not off or len(off[0]) <= count:
            return [int(i) for i in np.concatenate([strange, *off])[:count]]
        groups = _split(asked, got, off[0], count)


def _split(asked: Asked, got: Any, places: Any, count: int) -> list[Any]:
    """About so many groups, none across two leaves, each of entries of like size"""
    found = list[Any]()
    moved = np.abs(got) * sizes(asked.at.wanted())
    for start, end in spans(asked.at.wanted()):
        inside = places[(places >= start) & (places < end)]
        ordered = inside[np.argsort(moved[inside], kind="stable")]
        number = min(max(1, round(count * len(inside) / len(places))), len(inside))
        found += np.array_split(ordered, number) if number else []
    return found


def _excess(asked: Asked, name: str, got: Any, units: Sequence[Unit], groups: Sequence[Any]) -> Any:
    """How far each is off, as a multiple of what rounding explains; NaN where that is not known"""
    probes = groups_of(groups, sizes(asked.at.wanted()), asked.rng)
    found = asked.by(name, probes).found
    allowed = probes.size_along(_rounding(asked, got, units)) + FACTOR * asked.response(probes)
    with np.errstate(invalid="ignore"):
        off = np.abs(probes.along(got) - found.value) / (allowed + found.uncertainty)
    return np.where(found.kink | np.isinf(found.uncertainty), np.nan, off)


def _rounding(asked: Asked, got: Any, units: Sequence[Unit]) -> Any:
    """What is allowed of each entry besides its response"""
    size, floor = np.abs(got), UNDERFLOWS * smallest(asked.at.given.dtype)
    for (start, end), unit in zip(spans(asked.at.wanted()), units, strict=True):
        leaf = size[start:end]
        size[start:end] = ENTRYWISE * leaf if unit == "entry" else np.max(leaf, initial=0.0)
    return FACTOR * asked.u * size + floor
