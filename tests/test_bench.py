"""The benchmark: turns, ratios, goals, the command; contenders that are missing, fail, or compute
something else."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from experiments.__main__ import main
from experiments.benchmarks import command, report, rounds
from experiments.benchmarks.contenders import jax_steps
from experiments.benchmarks.contenders.floors import PEAK
from experiments.benchmarks.contenders.jax_steps import COLUMNS, OURS, STEPS
from experiments.benchmarks.counts import Counts
from experiments.benchmarks.problem import Contender, Goal, Problem, Running, UnfitError, Workload
from experiments.benchmarks.rounds import Measured, Timed
from experiments.benchmarks.workloads import WORKLOADS

TINY = Problem((5, 4, 3), 6)
TINY_GOALS = (Goal(OURS, (COLUMNS,), 100.0),)
QUICK: dict[str, Any] = {"rounds": 3, "seconds": 0.0}


def quiet(text: str) -> None:
    """Nobody is told how far it is"""


# ratios and goals


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


# turns


def recording(name: str, turns: list[str]) -> Contender:
    def call() -> None:
        turns.append(name)
        time.sleep(1e-4)

    return Contender(name, lambda problem: Running(call))


def test_contenders_take_turns_and_each_is_the_first_in_its_turn() -> None:
    turns: list[str] = []
    workload = Workload("w", TINY, tuple(recording(name, turns) for name in "abc"), **QUICK)
    measured = rounds.measure(workload, 4, quiet)
    assert "".join(turns).endswith("abcbcacababc")
    assert {name: len(t.rounds) for name, t in measured.timed.items()} == dict.fromkeys("abc", 4)


def test_one_measurement_is_of_as_many_calls_as_last_so_long() -> None:
    """Never fewer: 5 ms of calls that last more than 2 are 3 at most, and not 2.5"""
    calls = rounds._calls(Running(lambda: time.sleep(0.002)), 0.005)
    assert 1 <= calls <= 3


def test_what_is_to_be_done_before_a_call_is_not_timed() -> None:
    turns: list[str] = []
    running = Running(lambda: turns.append("call"), before=lambda: turns.append("before"))
    workload = Workload("w", TINY, (Contender("a", lambda problem: running),), seconds=1.0)
    rounds.measure(workload, 3, quiet)
    assert turns == ["before", "call"] * 4


def test_nobody_is_charged_for_making_the_data() -> None:
    found: list[bool] = []

    def start(problem: Problem) -> Running:
        found.append("arrays" in vars(problem))
        return Running(lambda: None)

    rounds.measure(Workload("w", Problem((5, 3), 6), (Contender("a", start),), **QUICK), 3, quiet)
    assert found == [True]


def test_one_that_is_missing_is_named_and_skipped() -> None:
    def start(problem: Problem) -> Running:
        raise ModuleNotFoundError("No module named 'caffe'", name="caffe")

    workload = Workload("w", TINY, (*STEPS[:1], Contender("Caffe", start)), **QUICK)
    measured = rounds.measure(workload, 3, quiet)
    assert list(measured.timed) == [OURS]
    assert "Caffe" in str(list(report.table(workload, measured)))
    assert measured.missing == {"Caffe": "needs caffe, which is not installed"}


def failing(when: str, error: Exception) -> Contender:
    def fail(*given: Any) -> Any:
        raise error

    return Contender("Caffe", {"made": fail, "called": lambda problem: Running(fail)}[when])


FAILURES = {
    "made": (
        failing("made", RuntimeError("no working\nC++ compiler")),
        "fails: RuntimeError: no working C++ compiler",
    ),
    "called": (failing("called", MemoryError()), "fails: MemoryError: "),
    "a module that does not load": (
        failing("made", ImportError("libcaffe.so: no such file")),
        "fails: ImportError: libcaffe.so: no such file",
    ),
    "unfit": (failing("made", UnfitError("has no complex numbers")), "has no complex numbers"),
}


@pytest.mark.parametrize("which", FAILURES)
def test_one_that_fails_is_named_and_left_out(which: str) -> None:
    contender, why = FAILURES[which]
    measured = rounds.measure(Workload("w", TINY, (*STEPS[:1], contender), **QUICK), 3, quiet)
    assert list(measured.timed) == [OURS]
    assert measured.missing == {"Caffe": why}


def test_nobody_is_left() -> None:
    workload = Workload("w", TINY, (failing("made", RuntimeError("no")),), TINY_GOALS, **QUICK)
    measured = rounds.measure(workload, 3, quiet)
    told = list(report.table(workload, measured))
    assert "fails: RuntimeError: no" in told[2]
    assert "undecided: none of those to compare with took part" in told[3]
    report.draw(Figure(), [(workload, measured)])


def test_one_that_computes_something_else_is_left_out() -> None:
    def twice(problem: Problem) -> Running:
        ours = jax_steps.running(problem, jax_steps.own)
        return ours._replace(call=lambda: (ours.call(), ours.call()))

    workload = Workload("w", TINY, (*STEPS[:1], Contender("twice", twice)), **QUICK)
    measured = rounds.measure(workload, 3, quiet)
    assert list(measured.timed) == [OURS]
    assert measured.missing["twice"].startswith("computes something else: W[1] after one call is")


# the command


def test_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    tiny = Workload("tiny", TINY, STEPS, TINY_GOALS, counted=True, **QUICK)
    monkeypatch.setattr(command, "WORKLOADS", (tiny,))
    monkeypatch.setattr("experiments.benchmarks.machine.N", 16)
    out = tmp_path / "bench"
    assert main(["bench", "--rounds", "3", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "GFLOP/s" in said
    assert re.search(rf"goal: {OURS} / jax.value_and_grad ≤ 100.0: \S+ \[\S+ \S+\], met", said)
    assert re.search(rf"counts .*residuals\n  {OURS}( +\d+){{4}}\n  jax", said)
    found = json.loads((out / "bench.json").read_text())
    assert {"python", "system", "threads"} <= found["machine"].keys()
    (workload,) = found["workloads"]
    assert list(workload["counts"]) == [c.name for c in STEPS]
    assert list(workload["contenders"]) == [c.name for c in STEPS]
    assert all(len(c["rounds"]) == 3 for c in workload["contenders"].values())
    assert workload["goals"][0]["met"] is True
    assert {p.suffix for p in out.iterdir()} == {".json", ".png", ".svg"}


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--list", "--only", "1024⁵"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "step 1024⁵"
    assert said[1].strip().startswith("pure_nn, jax.value_and_grad, ")


def test_what_needs_a_gpu_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    named = [line for line in command.listing(WORKLOADS) if line.startswith("GPU")]
    assert len(named) == 4
    assert all("(needs a GPU)" in line for line in named)
    assert not [w for w in command.chosen(command.Config()) if w.gpu]
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    assert len([w for w in command.chosen(command.Config()) if w.gpu]) == 4


BAD = {
    "no GPU": (
        ["--only", "GPU step 8192"],
        "--only: 'GPU step 8192⁴, bfloat16' needs a GPU; JAX computes on the cpu",
    ),
    "no workload": (
        ["--only", "cifar"],
        "expected a part of a workload's name, got 'cifar'; there",
    ),
    "too few rounds": (["--rounds", "2"], "--rounds: expected at least 3, got 2"),
    "nobody left": (["--only", "tracing", "--without", "n"], "--without: nobody is left, got n"),
}


@pytest.mark.parametrize("what", BAD)
def test_refusals(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, message = BAD[what]
    assert main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err
