"""What is measured, in parts that other processes can take."""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from verify.selftest import alarms, checkers, peers
from verify.selftest.catalogue import KNOWN, STRANGERS
from verify.selftest.designs import draw
from verify.selftest.engines import Engine, by_diagnosis
from verify.selftest.measure import Tally, measure
from verify.selftest.planted import Planted
from verify.selftest.student import work_of

ALL = (*KNOWN, *STRANGERS)
DTYPES = ("float64", "float32", "bfloat16", "float16")
STUDENT, PURE_NN, TWO = "right, by a student", "right, by pure_nn", "two mistakes at once"
Key = tuple[str, str, str]  # the row, who judges, the dtype
Found = dict[Key, Tally]


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of each is measured: `cases` for each mistake and dtype, and so on."""

    cases: int
    peers: int
    pairs: int
    right: int  # gradients of the student in each dtype
    designs: int  # networks for check_gradient, each compiled for each dtype
    of_design: int  # cases for each mistake in each
    pure_nn: int  # networks


USUAL = Size(cases=50, peers=10, pairs=500, right=2_250, designs=8, of_design=1, pure_nn=10)
FAST = Size(cases=2, peers=1, pairs=20, right=100, designs=0, of_design=1, pure_nn=1)


@dataclasses.dataclass(frozen=True)
class Job:
    """A part, by the name of a function of this module and its arguments"""

    part: str
    args: tuple[Any, ...]

    def run(self) -> Found:
        found: Found = PARTS[self.part](*self.args)
        return found


def jobs(size: Size, seed: int) -> list[Job]:
    """Those that take longest first"""
    seeds = [int(s) for s in np.random.default_rng(seed).integers(2**31, size=len(ALL))]
    designs = covering(seed, size.designs)
    both = DTYPES[:2]
    return [
        *(Job("design", (d, dtype, size.of_design, seed)) for d in designs for dtype in both),
        *(Job("pure_nn", (seed + i, dtype)) for i in range(size.pure_nn) for dtype in DTYPES),
        *(Job("right", (dtype, seed, size.right, size.peers)) for dtype in DTYPES),
        *(Job("pairs", (dtype, seed, size.pairs)) for dtype in both),
        *(
            Job("mistake", (i, dtype, size.cases, size.peers, seeds[i]))
            for i in range(len(ALL))
            for dtype in both
        ),
    ]


def mistake(i: int, dtype: str, cases: int, few: int, seed: int) -> Found:
    """One mistake in many networks; the checkers of others get the first few of them."""
    engines: list[tuple[str, Engine, int]] = [("diagnose", by_diagnosis, cases)]
    engines += [(name, engine, few) for name, engine in _peers(dtype).items()]
    return {
        (ALL[i].name, name, dtype): measure((ALL[i],), engine, n, seed, np.dtype(dtype))
        for name, engine, n in engines
    }


def _peers(dtype: str) -> Mapping[str, Engine]:
    found: dict[str, Engine] = {"check_grads": peers.by_check_grads}
    if dtype == "float64" and peers.has_torch():
        found["gradcheck"] = peers.by_gradcheck
    return found if dtype in DTYPES[:2] else {}


def right(dtype: str, seed: int, cases: int, few: int) -> Found:
    first = seed * 2**20
    engines: list[tuple[str, Engine, int]] = [("diagnose", by_diagnosis, cases)]
    engines += [(name, engine, 10 * few) for name, engine in _peers(dtype).items()]
    return {
        (STUDENT, name, dtype): alarms.of_student(
            engine, range(first, first + n), alarms.dtype_of(dtype)
        )
        for name, engine, n in engines
    }


def pure_nn(design: int, dtype: str) -> Found:
    draws = range(25)
    tally = alarms.of_pure_nn(by_diagnosis, draws, alarms.dtype_of(dtype), design)
    return {(PURE_NN, "diagnose", dtype): tally}


def design(number: int, dtype: str, cases: int, seed: int) -> Found:
    """Every mistake that can be made in one network, by check_gradient"""
    plain = draw(0, design=number)
    engines: dict[str, Engine] = {"without net": checkers.without_network}
    if not plain.masks:
        engines["with net"] = checkers.with_network
    found: Found = {}
    for name, engine in engines.items():
        draws = range(seed, seed + 10 * cases)
        found[STUDENT, name, dtype] = alarms.of_student(engine, draws, np.dtype(dtype), number)
        tally = alarms.of_pure_nn(engine, draws, np.dtype(dtype), number)
        found[PURE_NN, name, dtype] = tally
        for planted in ALL:
            tally = measure((planted,), engine, cases, seed, np.dtype(dtype), number)
            found[planted.name, name, dtype] = tally
    checkers.forget()
    return found


def pairs(dtype: str, seed: int, cases: int) -> Found:
    """Two mistakes at once, in different steps"""
    tally = Tally()
    for i, two in enumerate(itertools.islice(_twos(seed), cases)):
        tally += measure(two, by_diagnosis, 1, seed + i, np.dtype(dtype))
    return {(TWO, "diagnose", dtype): tally}


def _twos(seed: int) -> Iterator[tuple[Planted, Planted]]:
    rng, known = np.random.default_rng(seed), [m for m in KNOWN if m.step != "task"]
    while True:
        i, j = rng.choice(len(known), 2, replace=False)
        if known[i].step != known[j].step:
            yield known[i], known[j]


def covering(seed: int, most: int) -> list[int]:
    """Designs in which as many mistakes as possible can be made"""
    works = {d: work_of(draw(0, design=d)) for d in range(seed, seed + 10 * most)}
    fits = {d: {m.name for m in ALL if m.layers(w)} for d, w in works.items()}
    chosen: list[int] = []
    seen: set[str] = set()
    for _ in range(most):
        best = max(fits.keys() - chosen, key=lambda d: (len(fits[d] - seen), -d))
        chosen.append(best)
        seen |= fits[best]
    return chosen


def gather(parts: Sequence[Found]) -> Found:
    total: Found = defaultdict(Tally)
    for part in parts:
        for key, tally in part.items():
            total[key] += tally
    return total


PARTS = {f.__name__: f for f in (mistake, right, pure_nn, design, pairs)}
