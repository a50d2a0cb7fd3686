"""The benchmark: turns, ratios, goals; contenders that are missing, or compute something else."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.__main__ import main
from experiments.benchmarks import command, report, rounds
from experiments.benchmarks.contenders import checkers, epochs, jax_steps, naive, peers
from experiments.benchmarks.contenders.floors import FLOORS
from experiments.benchmarks.contenders.jax_steps import COLUMNS, OURS, STEPS
from experiments.benchmarks.problem import Contender, Goal, Problem, Running, Workload
from experiments.benchmarks.rounds import Measured, Timed

TINY = Problem((5, 4, 3), 6)
QUICK: dict[str, Any] = {"rounds": 3, "seconds": 0.0}


def quiet(text: str) -> None:
    """Nobody is told how far it is"""


def of_name(contenders: tuple[Contender, ...], name: str) -> Contender:
    return next(c for c in contenders if c.name == name)


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


OUR_TIMES = timed(0.9, 0.9, 0.9, first=2.0)
GOALS: dict[str, tuple[Goal, bool | None]] = {
    "met": (Goal("us", ("a", "b"), 0.95), True),
    "the fastest counts": (Goal("us", ("a", "c"), 0.95), False),
    "who is missing does not": (Goal("us", ("a", "gone"), 0.95), True),
    "nobody to compare with": (Goal("us", ("gone",), 0.95), None),
    "paired": (Goal("us", ("a",), 1.02, paired=True), True),
    "paired, slower throughout": (Goal("us", ("c",), 9.0, paired=True), False),
    "paired, spread too wide": (Goal("us", ("d",), 9.0, paired=True), None),
    "of the first call": (Goal("us", ("a",), 0.5, "first call"), True),
    "of the first call, too much": (Goal("us", ("b",), 0.5, "first call"), False),
}


@pytest.mark.parametrize("which", GOALS)
def test_goals(which: str) -> None:
    goal, met = GOALS[which]
    others = {
        "a": timed(1.0, 1.0, 1.0, first=4.0),
        "b": timed(1.0, 1.0, 1.0),
        "c": timed(0.5, 0.5, 0.5),
        "d": timed(0.5, 1.0, 1.5),
    }
    found = report.judged(goal, Measured({"us": OUR_TIMES, **others}, {}))
    assert found["met"] is met
    assert {True: " met", False: "NOT met", None: "undecided: "}[met] in report.said(found)


def test_seconds_are_shown_with_their_unit() -> None:
    assert [report.shown(x) for x in (2.5, 0.0125, 3e-6)] == ["2.5 s", "12.5 ms", "3 µs"]


# turns


def recording(name: str, turns: list[str]) -> Contender:
    def call() -> None:
        turns.append(name)
        time.sleep(1e-4)

    return Contender(name, lambda problem: Running(call))


def test_contenders_take_turns_forwards_and_backwards() -> None:
    turns: list[str] = []
    workload = Workload("w", TINY, tuple(recording(name, turns) for name in "abc"), **QUICK)
    measured = rounds.measure(workload, 2, quiet)
    assert "".join(turns).endswith("abccba")
    assert {name: len(t.rounds) for name, t in measured.timed.items()} == dict.fromkeys("abc", 2)


def test_one_that_is_missing_is_named_and_skipped() -> None:
    def start(problem: Problem) -> Running:
        raise ModuleNotFoundError("No module named 'caffe'", name="caffe")

    workload = Workload("w", TINY, (*STEPS[:1], Contender("Caffe", start)), **QUICK)
    measured = rounds.measure(workload, 3, quiet)
    assert list(measured.timed) == [OURS]
    assert "Caffe" in str(list(report.table(workload, measured)))
    assert measured.missing == {"Caffe": "needs caffe, which is not installed"}


def test_one_that_computes_something_else_is_left_out() -> None:
    def twice(problem: Problem) -> Running:
        ours = jax_steps.running(problem, jax_steps.own)
        return ours._replace(call=lambda: (ours.call(), ours.call()))

    workload = Workload("w", TINY, (*STEPS[:1], Contender("twice", twice)), **QUICK)
    measured = rounds.measure(workload, 3, quiet)
    assert list(measured.timed) == [OURS]
    assert measured.missing["twice"].startswith("computes something else: W[1] after one call is")


# who takes part


ALL = {
    **{c.name: c for c in (*STEPS, *peers.PEERS)},
    **{f"{c.name} ": c for c in FLOORS},
}
PACKAGES = {"Equinox": "equinox", "Flax NNX": "flax", "scikit-learn": "sklearn"}
PROBLEMS = {
    "relu": TINY,
    "tanh": Problem((5, 4, 4, 3), 6, hidden="tanh"),
    "sigmoid, float64": Problem((5, 4, 3), 6, hidden="sigmoid", dtype="float64"),
}


@pytest.mark.parametrize("which", PROBLEMS)
@pytest.mark.parametrize("name", ALL)
def test_every_contender_computes_the_same(name: str, which: str) -> None:
    contender = ALL[name]
    if "PyTorch" in name:
        pytest.importorskip("torch", reason="torch is not installed")
    workload = Workload("w", PROBLEMS[which], (*STEPS[:1], contender), **QUICK)
    measured = rounds.measure(workload, 3, quiet)
    assert list(measured.timed) == list(dict.fromkeys((OURS, contender.name))), measured.missing


@pytest.mark.parametrize("of", [epochs.EPOCHS, epochs.FULL_BATCH, checkers.CHECKERS], ids=len)
def test_the_others_run(of: tuple[Contender, ...]) -> None:
    dtype = "float64" if of is checkers.CHECKERS else "float32"
    problem = Problem((4, 3, 2), 6, 0 if dtype == "float64" else 18, dtype=dtype, steps=3)
    left = tuple(c for c in of if "PyTorch" not in c.name)
    alike = of is epochs.FULL_BATCH
    measured = rounds.measure(Workload("w", problem, left, alike=alike, **QUICK), 3, quiet)
    assert list(measured.timed) == [c.name for c in left]
    assert not measured.missing


def test_naive_derivatives_take_the_same_step_where_nothing_saturates() -> None:
    workload = Workload("w", PROBLEMS["tanh"], naive.ACCURATE_AND_NAIVE, **QUICK)
    assert len(rounds.measure(workload, 3, quiet).timed) == 2


def test_the_products_of_a_step() -> None:
    """WA twice, WᵀΔ but of the first layer, ΔAᵀ twice"""
    assert TINY.products == [(4, 5, 6), (3, 4, 6), (4, 3, 6), (4, 6, 5), (3, 6, 4)]
    assert TINY.flops == 2 * 6 * (2 * 20 + 3 * 12)


# the command


def test_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    goals = (Goal(OURS, (COLUMNS,), 100.0),)
    monkeypatch.setattr(command, "WORKLOADS", (Workload("tiny", TINY, STEPS, goals, **QUICK),))
    monkeypatch.setattr("experiments.benchmarks.machine.N", 16)
    out = tmp_path / "bench"
    assert main(["bench", "--rounds", "3", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "GFLOP/s" in said
    assert re.search(rf"goal: {OURS} / jax.value_and_grad ≤ 100.0: \S+, met", said)
    found = json.loads((out / "bench.json").read_text())
    (workload,) = found["workloads"]
    assert list(workload["contenders"]) == [c.name for c in STEPS]
    assert all(len(c["rounds"]) == 3 for c in workload["contenders"].values())
    assert workload["goals"][0]["met"] is True
    assert {p.suffix for p in out.iterdir()} == {".json", ".png", ".svg"}


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--list", "--only", "1024⁵"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "step 1024⁵"
    assert said[1].strip().startswith("pure_nn, jax.value_and_grad, ")


BAD = {
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
