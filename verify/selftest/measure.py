"""How many mistakes are found, and of how many the layer and the name are right."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from verify.selftest.engines import Engine, Said
from verify.selftest.planted import Planted
from verify.selftest.score import Score, score
from verify.selftest.task import Task
from verify.selftest.trial import VISIBLE, Gradient, Trial, plant, tasks

KEPT = 3  # examples of what is not right, for each row
FEW = 9  # kinds that may fit the same numbers


@dataclasses.dataclass
class Tally:
    """Counts of one row: `trials` change the gradient by more than rounding.

    equal    changed nothing beyond rounding, and of these `at_one` had one example
    near     changed it by about as much as rounding does; `near_found` of them were found
    alarms   equal ones that were called wrong all the same
    """

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    examples: list[str] = dataclasses.field(default_factory=list)

    def __getitem__(self, what: str) -> int:
        return self.counts[what]

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.counts + other.counts, self.examples + other.examples)

    def share(self, what: str, of: str = "trials") -> float:
        return self[what] / self[of] if self[of] else float("nan")

    def note(self, example: str) -> None:
        self.examples = [*self.examples, example][:KEPT]


def measure(
    mistakes: Sequence[Planted],
    engine: Engine,
    cases: int,
    seed: int,
    dtype: Any,
    design: int | None = None,
) -> Tally:
    """So many trials of mistakes that are made together"""
    tally = Tally()
    for trial in trials(mistakes, cases, seed, dtype, design):
        count(tally, trial, ask(engine, trial.task, trial.gradient))
    return tally


def ask(engine: Engine, task: Task, gradient: Gradient) -> Said:
    """What is said; a judge that raises has said nothing, which is counted as missed."""
    try:
        return engine(task, gradient)
    except Exception as error:
        return Said("raised", text=f"{type(error).__name__}: {error}")


def trials(
    mistakes: Sequence[Planted], cases: int, seed: int, dtype: Any, design: int | None = None
) -> Iterator[Trial]:
    drawn = tasks(mistakes, seed, dtype, design)
    for _, (task, layers) in zip(range(cases), drawn, strict=False):
        placed = tuple(zip(mistakes, layers, strict=True))
        if len(mistakes) == 1 or _runs(task, placed):
            trial = plant(task, placed)
            if len(mistakes) == 1 or _matter(trial):
                yield trial


def _runs(task: Task, placed: Sequence[tuple[Planted, int]]) -> bool:
    """Whether a program with them stops at no shape, as W − 0.1 dW does where dW is transposed"""
    try:
        plant(task, placed)
    except ValueError:
        return False
    return True


def _matter(trial: Trial) -> bool:
    """None of several mistakes is hidden by the others."""
    planted = trial.planted
    for i in range(len(planted)):
        fewer = plant(trial.task, planted[:i] + planted[i + 1 :])
        same = [_near(fewer.got[name], trial.got[name], trial.rounding[name]) for name in trial.got]
        if all(same) or not fewer.wrong:
            return False
    return True


def _near(a: Any, b: Any, rounding: Any) -> bool:
    if not a.shape == b.shape == rounding.shape:
        return bool(np.array_equal(a, b))
    return bool(np.all(np.abs(a - b) <= VISIBLE * rounding))


def count(tally: Tally, trial: Trial, said: Said) -> None:
    counts = tally.counts
    if trial.wrong:
        _score(tally, trial, said, score(trial, said))
    elif trial.equal:
        counts["equal"] += 1
        counts["at one"] += trial.task.B == 1
        counts["alarms"] += said.verdict == "wrong"
        if said.verdict == "wrong":
            tally.note(f"{_planted(trial)}, which changes nothing: {trial.task}\n{said.text}")
    else:
        counts["near"] += 1
        counts["near found"] += said.verdict != "ok"


def _score(tally: Tally, trial: Trial, said: Said, judged: Score) -> None:
    counts = tally.counts
    counts["trials"] += 1
    counts["found"] += judged.detected
    if judged.detected:
        counts["layer"] += judged.layer
        counts["array"] += judged.array
        counts[judged.naming] += 1
        counts["kinds"] += judged.choices
        counts["few"] += judged.choices <= FEW
    if not (judged.detected and judged.layer and judged.naming in _fair(trial)):
        tally.note(f"{_planted(trial)}: {trial.task}\n{said.text}")


def _planted(trial: Trial) -> str:
    return ", ".join(f"{mistake.name} in layer {k}" for mistake, k in trial.planted)


def _fair(trial: Trial) -> set[str]:
    """What may be said of a mistake of no catalogue, and of two at once"""
    known = len(trial.planted) == 1 and not trial.planted[0][0].stranger
    return {"right"} if known else {"right", "some", "unknown"}
