"""Ratios of paired rounds, and the goals judged by them."""

import pytest

from experiments.benchmarks import report, rounds
from experiments.benchmarks.contenders.floors import PEAK
from experiments.benchmarks.counts import Counts
from experiments.benchmarks.problem import Goal, Problem, Workload
from experiments.benchmarks.rounds import Measured, Timed


def timed(*seconds: float, first: float = 1.0) -> Timed:
    return Timed(0.0, first, list(seconds))


def test_the_ratio_is_of_paired_rounds() -> None:
    slow_rounds_are_slow_for_both = rounds.ratio([1.0, 10.0, 100.0, 2.0], [2.0, 20.0, 200.0, 4.0])
    assert slow_rounds_are_slow_for_both == (0.5, 0.5, 0.5)


def test_the_interval_holds_the_median_and_grows_with_the_spread() -> None:
    narrow, wide = (
        rounds.ratio([1 + spread * i / 60 for i in range(60)], [1.0] * 60) for spread in (0.1, 1)
    )
    assert narrow.low <= narrow.median <= narrow.high
    assert wide.high - wide.low > narrow.high - narrow.low


OUR_TIMES = timed(*[0.9] * 30, first=2.0)
OTHERS = {
    "a": timed(*[1.0] * 30, first=4.0),
    "b": timed(*[1.0] * 30),
    "c": timed(*[0.8] * 30),
    "d": timed(*[0.5, 1.0, 1.5] * 10),
}
COUNTS = {"us": Counts(0, 10, 0), "a": Counts(0, 100, 0)}
MEASURED = Measured({"us": OUR_TIMES, **OTHERS}, {}, COUNTS)
GOALS: dict[str, tuple[Goal, bool | None]] = {
    "met": (Goal("us", ("a", "b"), 0.95), True),
    "the fastest counts": (Goal("us", ("a", "c"), 0.95), False),
    "who is missing does not": (Goal("us", ("a", "gone"), 0.95), True),
    "nobody to compare with": (Goal("us", ("gone",), 0.95), None),
    "paired": (Goal("us", ("a",), 1.02, paired=True), True),
    "paired, slower throughout": (Goal("us", ("c",), 9.0, paired=True), False),
    "paired, spread too wide": (Goal("us", ("d",), 9.0, paired=True), None),
    "of temporary memory": (Goal("us", ("a",), 0.2, "temporary memory"), True),
    "of temporary memory, too much": (Goal("us", ("a",), 0.05, "temporary memory"), False),
    "of the first call": (Goal("us", ("a",), 0.5, "first call"), True),
    "of the first call, too much": (Goal("us", ("b",), 0.5, "first call"), False),
}


@pytest.mark.parametrize("which", GOALS)
def test_goals(which: str) -> None:
    goal, met = GOALS[which]
    found = report.judged(goal, MEASURED)
    assert found["met"] is met
    assert {True: " met", False: "NOT met", None: "undecided: "}[met] in report.said(found)


def test_a_paired_goal_is_of_thirty_rounds() -> None:
    few = Measured({"us": timed(*[0.9] * 29), "a": timed(*[1.0] * 29)}, {}, {})
    found = report.said(report.judged(Goal("us", ("a",), 1.02, paired=True), few))
    assert found == ("goal: us / a ≤ 1.02: 0.9 [0.9, 0.9], undecided: 29 rounds, 30 are asked for")


def test_a_goal_that_fails_by_its_interval_says_so() -> None:
    found = report.said(report.judged(Goal("us", ("c",), 9.0, paired=True), MEASURED))
    assert found.endswith(": 1.12 [1.12, 1.12], NOT met: the whole interval is above 1")


def test_the_share_of_the_peak_is_printed() -> None:
    workload = Workload("w", Problem((1000, 1000, 1000), 1000), ())
    measured = Measured({"us": timed(2.0), PEAK: timed(1.0)}, {}, {})
    assert "0.005 TFLOP/s, of the peak 0.5  [0.5, 0.5]" in str(
        list(report.table(workload, measured))
    )


def test_seconds_are_shown_with_their_unit() -> None:
    assert [report.shown(x) for x in (2.5, 0.0125, 3e-6)] == ["2.5 s", "12.5 ms", "3 µs"]
