"""Rounds in which every contender takes its turn, and the ratios of those that ran side by side."""

import math
import statistics
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.counts import Counts
from experiments.benchmarks.problem import (
    Contender,
    Problem,
    Running,
    UnfitError,
    Weights,
    Workload,
)

PAUSE = 0.04  # seconds in which threads of the one before stop spinning: OpenBLAS' take 2²⁶ cycles
RESAMPLES = 4000
TURNS = 4
MOST_CALLS = 1000
SHOWN = 160  # characters of an error
OFF = {"float64": 1e-9, "float32": 1e-3, "bfloat16": 0.1}  # of the change of the weights
ULPS = 4  # of the weights, as they are stored


class Ratio(NamedTuple):
    """The median of the rounds' ratios, and what 95 % of bootstrap samples' medians lie between"""

    median: float
    low: float
    high: float


class Timed(NamedTuple):
    """Seconds: before the first call, of the first call, and of one call in each round"""

    start: float
    first: float
    rounds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


class Measured(NamedTuple):
    """By name; why some are missing; and the counts of those that have any"""

    timed: dict[str, Timed]
    missing: dict[str, str]
    counts: dict[str, Counts]

    def ratio(self, ours: str, other: str) -> Ratio:
        return ratio(self.timed[ours].rounds, self.timed[other].rounds)


def ratio(ours: Sequence[float], others: Sequence[float]) -> Ratio:
    each = np.array(ours) / np.array(others)
    drawn = np.random.default_rng(0).integers(len(each), size=(RESAMPLES, len(each)))
    low, high = np.quantile(np.median(each[drawn], axis=1), (0.025, 0.975))
    return Ratio(float(np.median(each)), float(low), float(high))


def measure(workload: Workload, rounds: int, note: Callable[[str], object]) -> Measured:
    """Everyone starts and is warmed up, then all take turns, in another order each
    round; but for those that are not installed or fail, and those that compute something else."""
    in_float64 = workload.problem.dtype == "float64"
    with jax.enable_x64(in_float64), jax.numpy_rank_promotion("allow"):
        return _measure(workload, rounds, note)


def _measure(workload: Workload, rounds: int, note: Callable[[str], object]) -> Measured:
    started, before, missing = _started(workload, note)
    calls = {name: _calls(running, workload.seconds) for name, running in started.items()}
    times: dict[str, list[float]] = {name: [] for name in started}
    for i in range(rounds):
        note(f"round {i + 1} of {rounds}")
        turns: dict[str, list[float]] = {name: [] for name in started}
        for name in shuffled(_turns(workload, started), i):
            turns[name].append(_timed(started[name], calls[name]))
        for name, seen in turns.items():
            times[name].append(statistics.median(seen))
    timed = {name: Timed(*before[name], times[name]) for name in started}
    note("the programs are counted")
    return Measured(timed, missing, _counted(started) if workload.counted else {})


def _turns(workload: Workload, names: Iterable[str]) -> list[str]:
    """In each round: those whose ratio is to be narrow have several, of which the median counts"""
    paired = {name for goal in workload.goals if goal.paired for name in (goal.ours, *goal.others)}
    return [name for name in names for _ in range(TURNS if name in paired else 1)]


def shuffled(names: list[str], i: int) -> list[str]:
    """The order of round i, so that nobody always comes after the same"""
    return [names[k] for k in np.random.default_rng(i).permutation(len(names))]


def _counted(started: Mapping[str, Running]) -> dict[str, Counts]:
    return {name: it.counted() for name, it in started.items() if it.counted is not None}


def _started(
    workload: Workload, note: Callable[[str], object]
) -> tuple[dict[str, Running], dict[str, tuple[float, float]], dict[str, str]]:
    started = dict[str, Running]()
    before, missing = dict[str, tuple[float, float]](), dict[str, str]()
    reference: Weights | None = None
    _ = workload.problem.arrays  # made now, or the first would be charged for them
    for contender in workload.contenders:
        note(f"{contender.name} starts")
        ready = _tried(contender, workload.problem)
        if isinstance(ready, str):
            missing[contender.name] = ready
            continue
        running, seconds = ready
        if workload.alike and running.weights is not None:
            weights = running.weights()
            reference = reference or weights
            if why := _unlike(workload, weights, reference):
                missing[contender.name] = why
                continue
        started[contender.name], before[contender.name] = running, seconds
    return started, before, missing


def _tried(contender: Contender, problem: Problem) -> tuple[Running, tuple[float, float]] | str:
    """It is ready, or why it is not: whatever one of them raises, the others run"""
    try:
        return _start(contender, problem)
    except ModuleNotFoundError as error:
        return f"needs {error.name or error}, which is not installed"
    except UnfitError as error:
        return str(error)
    except Exception as error:
        return f"fails: {type(error).__name__}: {textwrap.shorten(str(error), SHOWN)}"


def _start(contender: Contender, problem: Problem) -> tuple[Running, tuple[float, float]]:
    beginning = time.perf_counter()
    running = contender.start(problem)
    if running.before is not None:
        running.before()
    middle = time.perf_counter()
    running.call()
    running.wait()
    return running, (middle - beginning, time.perf_counter() - middle)


def _unlike(workload: Workload, got: Weights, reference: Weights) -> str | None:
    """What differs from the weights of the first contender, after one call, beyond rounding.

    By norms: where rounding takes one z of a million across its kink, a row differs by far more.
    """
    problem = workload.problem
    most = OFF["bfloat16" if workload.gpu else problem.dtype]  # float32 has 10 bits in its products
    for l, layers in enumerate(zip(problem.arrays[0], reference, got, strict=True), 1):
        for name, start, ours, theirs in zip("Wb", *layers, strict=True):
            change, off = (float(np.linalg.norm(ours - x)) for x in (start, theirs))
            stored = ULPS * float(jnp.finfo(problem.dtype).eps) * float(np.linalg.norm(ours))
            if not off <= most * change + stored:
                return (
                    f"computes something else: {name}[{l}] after one call is off by {off:.2g}, "
                    f"in norm; its change is {change:.2g}"
                )
    return None


def _calls(running: Running, seconds: float) -> int:
    """So many that they last so long, by the faster of two tries"""
    if running.before is not None:
        return 1
    one = min(_timed(running, 1) for _ in range(2))
    return max(1, min(MOST_CALLS, math.ceil(seconds / one)))


def _timed(running: Running, calls: int) -> float:
    """Seconds of one call, after one that does not count but where each has to be made ready"""
    if running.before is not None:
        running.before()
    time.sleep(PAUSE)
    if running.before is None:
        running.call()
        running.wait()
    start = time.perf_counter()
    for _ in range(calls):
        running.call()
    running.wait()
    return (time.perf_counter() - start) / calls


def fastest(timed: Mapping[str, Timed], among: Sequence[str]) -> str | None:
    """Whose median is the least"""
    names = [name for name in among if name in timed]
    return min(names, key=lambda name: timed[name].median, default=None)
