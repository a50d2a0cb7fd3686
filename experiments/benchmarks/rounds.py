"""Rounds in which every contender takes its turn, and the ratios of those that ran side by side."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.problem import Contender, Problem, Running, Weights, Workload

PAUSE = 0.003  # seconds in which threads of the one before stop spinning
RESAMPLES = 4000
MOST_CALLS = 1000
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
    """By name; and why some are missing"""

    timed: dict[str, Timed]
    missing: dict[str, str]

    def ratio(self, ours: str, other: str) -> Ratio:
        return ratio(self.timed[ours].rounds, self.timed[other].rounds)


def ratio(ours: Sequence[float], others: Sequence[float]) -> Ratio:
    each = np.array(ours) / np.array(others)
    drawn = np.random.default_rng(0).integers(len(each), size=(RESAMPLES, len(each)))
    low, high = np.quantile(np.median(each[drawn], axis=1), (0.025, 0.975))
    return Ratio(float(np.median(each)), float(low), float(high))


def measure(workload: Workload, rounds: int, note: Callable[[str], object]) -> Measured:
    """Everyone starts and is warmed up, then all take turns, forwards and backwards; but for those
    that are not installed, and those that compute something else."""
    in_float64 = workload.problem.dtype == "float64"
    with jax.enable_x64(in_float64), jax.numpy_rank_promotion("allow"):
        return _measure(workload, rounds, note)


def _measure(workload: Workload, rounds: int, note: Callable[[str], object]) -> Measured:
    started, before, missing = _started(workload, note)
    calls = {name: _calls(running, workload.seconds) for name, running in started.items()}
    times: dict[str, list[float]] = {name: [] for name in started}
    for i in range(rounds):
        note(f"round {i + 1} of {rounds}")
        names = list(started)
        for name in names if i % 2 == 0 else names[::-1]:
            times[name].append(_timed(started[name], calls[name]))
    return Measured({name: Timed(*before[name], times[name]) for name in started}, missing)


def _started(
    workload: Workload, note: Callable[[str], object]
) -> tuple[dict[str, Running], dict[str, tuple[float, float]], dict[str, str]]:
    started = dict[str, Running]()
    before, missing = dict[str, tuple[float, float]](), dict[str, str]()
    reference: Weights | None = None
    for contender in workload.contenders:
        note(f"{contender.name} starts")
        try:
            running, seconds = _start(contender, workload.problem)
        except ImportError as error:
            missing[contender.name] = f"needs {error.name or error}, which is not installed"
            continue
        if workload.alike and running.weights is not None:
            weights = running.weights()
            reference = reference or weights
            if why := _unlike(workload.problem, weights, reference):
                missing[contender.name] = why
                continue
        started[contender.name], before[contender.name] = running, seconds
    return started, before, missing


def _start(contender: Contender, problem: Problem) -> tuple[Running, tuple[float, float]]:
    beginning = time.perf_counter()
    running = contender.start(problem)
    middle = time.perf_counter()
    running.call()
    running.wait()
    return running, (middle - beginning, time.perf_counter() - middle)


def _unlike(problem: Problem, got: Weights, reference: Weights) -> str | None:
    """What differs from the weights of the first contender, after one call, beyond rounding.

    By norms: where rounding takes one z of a million across its kink, a row differs by far more.
    """
    for l, layers in enumerate(zip(problem.arrays[0], reference, got, strict=True), 1):
        for name, start, ours, theirs in zip("Wb", *layers, strict=True):
            change, off = (float(np.linalg.norm(ours - x)) for x in (start, theirs))
            stored = ULPS * float(jnp.finfo(problem.dtype).eps) * float(np.linalg.norm(ours))
            if not off <= OFF[problem.dtype] * change + stored:
                return (
                    f"computes something else: {name}[{l}] after one call is off by "
                    f"{off / change:.2g} of its change"
                )
    return None


def _calls(running: Running, seconds: float) -> int:
    """So many that they last so long, by the faster of two tries"""
    one = min(_timed(running, 1) for _ in range(2))
    return max(1, min(MOST_CALLS, round(seconds / one)))


def _timed(running: Running, calls: int) -> float:
    """Seconds of one call, after one that does not count where they are short"""
    time.sleep(PAUSE)
    if calls > 1:
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
