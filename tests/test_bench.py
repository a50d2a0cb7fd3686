"""The benchmark: turns, the command; who is missing, fails, or computes something else."""

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
from experiments.benchmarks.contenders.jax_steps import COLUMNS, OURS, STEPS
from experiments.benchmarks.problem import Contender, Goal, Problem, Running, UnfitError, Workload
from experiments.benchmarks.workloads import WORKLOADS

TINY = Problem((5, 4, 3), 6)
TINY_GOALS = (Goal(OURS, (COLUMNS,), 100.0),)
QUICK: dict[str, Any] = {"rounds": 3, "seconds": 0.0}


def quiet(text: str) -> None:
    """Nobody is told how far it is"""


# turns


def recording(name: str, turns: list[str]) -> Contender:
    def call() -> None:
        turns.append(name)
        time.sleep(1e-4)

    return Contender(name, lambda problem: Running(call))


def test_contenders_take_turns_in_orders_that_differ() -> None:
    turns: list[str] = []
    workload = Workload("w", TINY, tuple(recording(name, turns) for name in "abc"), **QUICK)
    measured = rounds.measure(workload, 4, quiet)
    orders = [rounds.shuffled(["a", "b", "c"], i) for i in range(4)]
    assert "".join(turns).endswith("".join(x + x for order in orders for x in order))
    assert len(set(map(tuple, orders))) > 1  # each is called once that does not count
    assert {name: len(t.rounds) for name, t in measured.timed.items()} == dict.fromkeys("abc", 4)


def test_those_of_a_paired_goal_have_more_turns() -> None:
    turns: list[str] = []
    goals = (Goal("a", ("b",), 1.0, paired=True), Goal("a", ("c",), 1.0))
    contenders = tuple(recording(name, turns) for name in "abc")
    measured = rounds.measure(Workload("w", TINY, contenders, goals, **QUICK), 1, quiet)
    assert {name: turns[-18:].count(name) for name in "abc"} == {"a": 8, "b": 8, "c": 2}
    assert {name: len(t.rounds) for name, t in measured.timed.items()} == dict.fromkeys("abc", 1)


def test_one_measurement_is_of_as_many_calls_as_last_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "_timed", lambda running, calls: 0.002)
    assert rounds._calls(Running(lambda: None), 0.005) == 3


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
