"""The checker is checked by mistakes made on purpose, and a broken checker would be found out."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from verify.selftest import __main__ as command
from verify.selftest import jobs, peers, run, table
from verify.selftest.catalogue import KNOWN, STRANGERS
from verify.selftest.designs import draw
from verify.selftest.engines import Said, by_diagnosis
from verify.selftest.jobs import ALL, Found, Size, gather
from verify.selftest.measure import Tally, trials
from verify.selftest.planted import Planted
from verify.selftest.score import naming
from verify.selftest.student import cost, gradients
from verify.selftest.task import Task
from verify.selftest.trial import Gradient, plant, tasks

SEED = 5
SMALL = Size(cases=1, peers=0, pairs=5, right=10, designs=0, of_design=1, pure_nn=0)
FEW = Size(cases=4, peers=0, pairs=0, right=3, designs=0, of_design=1, pure_nn=0)
CHANCE = 0.06  # of so few trials
DESIGN = 5  # of one layer
NAMES = [mistake.name for mistake in ALL]
BY_NAME = dict(zip(NAMES, ALL, strict=True))


# the student


@pytest.mark.parametrize("seed", [0, 1, 2, 6, 8, 9, 11])
def test_the_student_is_right(seed: int) -> None:
    task = draw(seed)
    dW, _ = gradients(task)
    rng, h = np.random.default_rng(seed), 1e-6
    D = {k: rng.normal(size=W.shape) for k, W in task.W.items()}
    up, down = (
        cost(task.with_parameters({k: W + s * D[k] for k, W in task.W.items()}, task.b))
        for s in (h, -h)
    )
    along = sum(float(np.sum(dW[k] * D[k])) for k in D)
    assert (up - down) / (2 * h) == pytest.approx(along, rel=1e-5, abs=1e-7)


def test_there_are_enough_mistakes() -> None:
    assert len(KNOWN) >= 40
    assert len(STRANGERS) >= 10
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_mistake_changes_the_gradient(name: str) -> None:
    assert any(trial.wrong for trial in trials([BY_NAME[name]], 20, SEED, np.float64))


def test_a_mistake_that_changes_nothing_is_equal() -> None:
    nothing = Planted("none", "dW", lambda w, k, right: right)
    task, layers = next(tasks([nothing], SEED, np.float64))
    trial = plant(task, [(nothing, layers[0])])
    assert trial.equal
    assert not trial.wrong


def test_one_example_hides_the_mean() -> None:
    mistake = BY_NAME["no mean in any gradient"]
    of_one = [t for t in trials([mistake], 20, SEED, np.float64) if t.task.B == 1]
    assert of_one
    assert all(trial.equal for trial in of_one)


# the score


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (((frozenset({"transposed"}),),), "right"),
        (((frozenset({"transposed", "zero"}),),), "right"),
        (((frozenset({"L2 missing"}),), (frozenset({"transposed"}),)), "right"),
        (((frozenset({"transposed"}), frozenset({"unknown"})),), "some"),
        (((frozenset({"unknown"}),),), "unknown"),
        ((), "unknown"),
        (((frozenset({"L2 missing"}),),), "wrong"),
        (((frozenset({"transposed"}), frozenset({"L2 missing"})),), "wrong"),
        (((frozenset({"zero"}),),), "wrong"),  # which it is not
    ],
)
def test_naming(kinds: tuple[tuple[frozenset[str], ...], ...], expected: str) -> None:
    task, layers = next(tasks([BY_NAME["dW transposed"]], SEED, np.float64))
    trial = plant(task, [(BY_NAME["dW transposed"], layers[0])])
    assert naming(trial, kinds) == expected


# the measurement


def measured(size: Size = SMALL) -> Found:
    return gather([job.run() for job in jobs.jobs(size, SEED)])


@pytest.fixture(scope="module")
def found() -> Found:
    return measured()


def test_the_table(found: Found, capsys: pytest.CaptureFixture[str]) -> None:
    code = run.report(found, SEED)
    printed = capsys.readouterr().out
    assert code == ("MISSED" in printed)
    assert all(name in printed for name in NAMES)
    assert f"--seed {SEED} repeats this" in printed


def test_the_goals_are_near_in_small(found: Found) -> None:
    goals = {goal.what: goal for goal in table.goals(found)}
    near = {what: goal.within(CHANCE) for what, goal in goals.items()}
    assert all(near.values()), [str(goal) for what, goal in goals.items() if not near[what]]
    assert goals["diagnose: false alarms"].met


def silent(task: Task, gradient: Gradient) -> Said:
    return Said("ok")


def nervous(task: Task, gradient: Gradient) -> Said:
    return Said("wrong", "dW[1]")


def astray(task: Task, gradient: Gradient) -> Said:
    said = by_diagnosis(task, gradient)
    return Said(said.verdict, "dW[9]", said.kinds)


def a_liar(task: Task, gradient: Gradient) -> Said:
    said = by_diagnosis(task, gradient)
    return Said(said.verdict, said.first, ((frozenset({"a lie"}),),))


def a_babbler(task: Task, gradient: Gradient) -> Said:
    every = frozenset(kind for mistake in KNOWN for kind in mistake.kinds)
    return Said(by_diagnosis(task, gradient).verdict, "", ((every,),))


@pytest.mark.parametrize(
    ("broken", "missed"),
    [
        (silent, "diagnose: found in float64"),
        (silent, "diagnose: found in float32"),
        (nervous, "diagnose: false alarms"),
        (nervous, "diagnose: kind right"),
        (astray, "diagnose: layer right"),
        (astray, "diagnose: layer right, in no catalogue"),
        (a_liar, "diagnose: named wrongly"),
        (a_liar, "diagnose: named wrongly, in no catalogue"),
        (a_babbler, "diagnose: at most 9 names at once"),
    ],
)
def test_a_broken_checker_misses_its_goal(
    broken: Callable[[Task, Gradient], Said], missed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "by_diagnosis", broken)
    monkeypatch.setattr(jobs, "ALL", [BY_NAME["Y − A for A − Y"], BY_NAME["1 % of noise"]])
    goals = {goal.what: goal.within(CHANCE) for goal in table.goals(measured(FEW))}
    assert goals[missed] is False


# the checkers of others


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_check_grads_sees_the_students_gradient(dtype: str) -> None:
    task = draw(DESIGN, dtype).plain()
    dW, db = gradients(task)
    wrong = {k: -x for k, x in dW.items()}
    verdicts = [peers.by_check_grads(task, (W, db)).verdict for W in (dW, wrong)]
    assert verdicts == ["ok", "wrong"]


# the command


@pytest.mark.parametrize("arguments", [["--bogus"], ["--seed"], ["--cases", "many"], ["x", "1"]])
def test_what_is_not_understood(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(arguments) == 2
    assert "usage: python -m verify.selftest" in capsys.readouterr().err


def test_tallies_add() -> None:
    total = Tally(Counter(found=1), ["a"]) + Tally(Counter(found=2), ["b"])
    assert (total["found"], total.examples) == (3, ["a", "b"])
