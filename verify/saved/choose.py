"""The reading of a file that leaves the fewest mistakes."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from verify.saved import readings
from verify.saved.fit import (
    CLOSE,
    Judged,
    gives,
    is_hinted_at,
    judge,
    matches,
    proportional,
)
from verify.saved.l2 import with_l2
from verify.saved.multiples import multiples, usual
from verify.saved.readings import Reading
from verify.saved.rounded import decimals
from verify.saved.shapes import Arrangement
from verify.saved.stated import Stated

COARSE = 0.01  # matches to so few digits may be accidents
LEAST, MOST, WORK = 4, 30, 2e8  # readings that are diagnosed, by their multiplications
Counted = tuple[int, Reading]  # with the number of the file's quantities that it gives
Source = Callable[[Arrangement, Stated], Iterator[Reading]]


@dataclasses.dataclass(frozen=True)
class File:
    """What is to be explained."""

    at: Sequence[Arrangement]
    stated: Stated
    J: float | None
    dtype: str

    def judge(self, reading: Reading, dtype: str = "") -> Judged:
        return judge(reading, self.J, dtype or self.dtype, usual(reading, self.stated))


@dataclasses.dataclass(frozen=True)
class Choice:
    """The best reading, and what there is to know about it.

    equals   those that explain as much
    page     the same with the usual multiple of J, where the best has another one
    decided  that multiple is stated, or given by J, or the usual one
    rounded  what makes all gradients right but for their last digits
    """

    best: Judged
    equals: Sequence[Judged]
    page: Judged | None
    decided: bool
    rounded: str

    @property
    def ok(self) -> bool:
        return self.best.diagnosis.ok and self.decided


def choose(file: File) -> Choice:
    with np.errstate(all="ignore"):
        judged = _judged(file, list(_counted(file, _candidates(file))))
        best = min(judged, key=lambda j: j.worth)
        equals = [j for j in judged if j is not best and j.worth <= best.worth]
        page = None if best.usual else file.judge(_usual(file, best.reading))
        decided = best.usual or gives(best.reading, file.J, CLOSE[file.dtype])
        return Choice(best, equals, page, decided, _rounded(file, best))


def _candidates(file: File) -> list[Reading]:
    """Those that gradients hint at, with all hidden layers alike or of several or rare kinds; or
    all"""
    every, tol = _bases(file, readings.of), CLOSE[file.dtype]
    if tol >= COARSE or len(every) == 1:
        return every
    hinted = [r for r in every if is_hinted_at(r, tol)]
    for source in (readings.mixed, readings.rare):
        hinted = hinted or [r for r in _bases(file, source) if is_hinted_at(r, tol)]
    return hinted or every


def _bases(file: File, source: Source) -> list[Reading]:
    """Of each arrangement the likeliest first"""
    likeliest = itertools.zip_longest(*(source(at, file.stated) for at in file.at))
    return list(filter(None, itertools.chain.from_iterable(likeliest)))


def _counted(file: File, bases: Sequence[Reading]) -> Iterator[Counted]:
    tol = CLOSE[file.dtype]
    for base in bases:
        for reading in multiples(base, file.stated):
            yield matches(reading, file.J, tol), reading
            more = with_l2(reading, tol) if file.stated.l2 is None else None
            if more is not None:
                yield matches(more, file.J, tol), more


def _judged(file: File, every: Sequence[Counted]) -> list[Judged]:
    """Those that give the most, and the same with the usual J, with which half of it is enough"""
    most = max((n for n, _ in every), default=0)
    likely = [r for n, r in every if n == most > 0]
    likely += [_usual(file, r) for r in likely if not usual(r, file.stated)]
    half = [r for n, r in every if 2 * n >= most and usual(r, file.stated)]
    half = half if most else _proportional(file, half)
    return [
        file.judge(r) for r in [*likely, *(r for r in half if r not in likely)][: _affordable(file)]
    ]


def _affordable(file: File) -> int:
    at = file.at[0]
    work = at.B * sum(layer["W"].size for layer in at.params)
    return int(np.clip(WORK / work, LEAST, MOST))


def _proportional(file: File, every: Sequence[Reading]) -> list[Reading]:
    """Those that give multiples of the most gradients, as of the wrong sign; all if none does"""
    counts = [proportional(r, CLOSE[file.dtype]) for r in every]
    return [r for n, r in zip(counts, every, strict=True) if n == max(counts)]


def _usual(file: File, reading: Reading) -> Reading:
    return next(r for r in multiples(reading, file.stated) if usual(r, file.stated))


def _rounded(file: File, best: Judged) -> str:
    if best.diagnosis.verdict != "wrong" or not best.diagnosis.first.startswith(("d", "Δ")):
        return ""
    same = best.missed == 0 and file.dtype == "float64"
    if same and file.judge(best.reading, "float32").diagnosis.verdict != "wrong":
        return "right to the digits of float32, in which it may have been computed or saved"
    places = decimals(best.reading)
    return f"right to {places} decimals, to which the file's numbers are rounded" if places else ""
