"""Kinks: where they are, and which derivative is taken there."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from verify.checking.findings import Judge
from verify.checking.judge import Expected
from verify.checking.problem import Case, Problem
from verify.checking.references import AUTOMATIC, Reference
from verify.checking.silent import differences
from verify.checking.witnesses import Witnesses
from verify.derivatives.evidence import DIFFERENCES, Evidence
from verify.derivatives.manydigits import MANY
from verify.derivatives.probes import FEW, whole

ROUGHLY = 1e-3  # of the jump: so exactly is a derivative from one side known


class Tie(NamedTuple):
    """An entry of the gradient, as one vector, that is on a kink, and its derivatives."""

    place: int
    left: float
    right: float

    def allows(self, x: float, slack: float) -> bool:
        """From a side, or between the two"""
        low, high = sorted((self.left, self.right))
        slack += ROUGHLY * (high - low)
        return bool(low - slack <= x <= high + slack)

    def side(self, x: float) -> str:
        part = (x - self.left) / (self.right - self.left)
        sides = {"that from the left": 0.0, "that from the right": 1.0, "their mean": 0.5}
        near = [name for name, at in sides.items() if abs(part - at) < ROUGHLY]
        return near[0] if near else f"{x:.6g}"


def ties(seen: Sequence[Evidence]) -> dict[int, Tie]:
    """The coordinates along which the derivatives from the left and right differ, by place"""
    found: dict[int, Tie] = {}
    for each in seen:
        if each.name in (DIFFERENCES, MANY):
            for k in np.flatnonzero(each.found.kink & (each.probes.coordinates >= 0)):
                place, scale = int(each.probes.coordinates[k]), float(each.probes.scales[k])
                left, right = each.found.left[k] / scale, each.found.right[k] / scale
                found[place] = Tie(place, float(left) + 0.0, float(right) + 0.0)
    return found


def excused(
    problem: Problem, witnesses: Witnesses, cases: Sequence[Case], judge: Judge
) -> tuple[list[Case], list[str]]:
    """The cases, any derivative on a kink being right where that is wished or where nobody says
    which; and where only the convention is wrong, a sentence."""
    result, sentences = [], list[str]()
    lenient = problem.settings.any_tie or not witnesses.is_automatic
    for case in cases:
        failing = np.flatnonzero(case.errors(judge) > 1)
        got = case.vector()
        found = {} if got is None or not failing.size else _at(witnesses, case, failing)
        slack = dict(zip(failing.tolist(), _slack(case, judge)[failing], strict=True))
        fine = [t for i, t in found.items() if i in slack and t.allows(got[i], slack[i])]
        if fine and lenient:
            case = dataclasses.replace(case, reference=_widened(case, fine))
        elif fine and len(fine) == min(len(failing), FEW):
            sentences = sentences or [_sentence(problem, case, fine[0], got)]
        result.append(case)
    return result, sentences


def _at(witnesses: Witnesses, case: Case, failing: Any) -> dict[int, Tie]:
    """Ties among the entries that fail, at most so many of them"""
    count = len(case.reference.vector)
    places = np.resize(failing[:FEW], FEW) if count > FEW else np.arange(count)
    return ties([differences(witnesses.function, case.at, case.reference, places)])


def _slack(case: Case, judge: Judge) -> Any:
    leaves = enumerate(case.reference.gradient)
    bounds = [judge.allowed(i, x) - x.uncertainty for i, x in leaves]
    return np.concatenate([x.ravel() for x in bounds])


def _widened(case: Case, fine: Sequence[Tie]) -> Reference:
    """The reference, which at these is anything between left and right"""
    middle, half = np.array(case.reference.vector), np.zeros(len(case.reference.vector))
    for tie in fine:
        middle[tie.place] = (tie.left + tie.right) / 2
        half[tie.place] = abs(tie.right - tie.left) * (0.5 + ROUGHLY)
    shapes = case.at.wanted()
    leaves = zip(case.reference.gradient, whole(middle, shapes), whole(half, shapes), strict=True)
    gradient = [_between(x, value, more) for x, value, more in leaves]
    return dataclasses.replace(case.reference, gradient=gradient)


def _between(x: Expected, value: Any, half: Any) -> Expected:
    low = np.where(half > 0, 0, x.low)
    return dataclasses.replace(x, value=value, low=low, uncertainty=x.uncertainty + half)


def place_name(problem: Problem, place: int) -> str:
    """The name of an entry of the vector of all"""
    for name, x in zip(problem.names, problem.wanted, strict=True):
        if place < np.size(x):
            index = np.unravel_index(place, np.shape(x)) if np.ndim(x) else ()
            return name + (f"[{', '.join(map(str, index))}]" if index else "")
        place -= np.size(x)
    raise AssertionError


def _sentence(problem: Problem, case: Case, tie: Tie, got: Any) -> str:
    return (
        f"only the convention at a kink differs: {place_name(problem, tie.place)} has the "
        f"derivative {tie.left:.6g} from the left and {tie.right:.6g} from the right; {AUTOMATIC} "
        f"takes {tie.side(case.reference.vector[tie.place])}, by hand {tie.side(got[tie.place])}; "
        "both may be meant: write g′(0) alike in both (z > 0 or z >= 0), and in a max which of "
        "equal entries gets it; or pass any_tie=True"
    )


def _theirs(case: Case, tie: Tie) -> str:
    if tie.place in case.reference.undefined:
        return "neither"
    return tie.side(case.reference.vector[tie.place])


def notes(problem: Problem, witnesses: Witnesses, case: Case) -> list[str]:
    """What is to be said of kinks: how many, the derivatives at the first, which are in force."""
    found, said = list(ties(witnesses.evidence).values()), []
    got = case.vector()
    if found:
        tie = found[0]
        taken = f"; {AUTOMATIC} takes {_theirs(case, tie)}" if witnesses.is_automatic else ""
        taken += "" if got is None else f"; by hand {tie.side(got[tie.place])}"
        more = f" (and at {len(found) - 1} more of the entries probed)" if len(found) > 1 else ""
        said.append(
            f"at {place_name(problem, tie.place)}{more} there is a kink: the derivative is "
            f"{tie.left:.6g} from the left and {tie.right:.6g} from the right{taken}"
        )
    by = [seen.found for seen in witnesses.evidence if seen.name == DIFFERENCES]
    crossed = sum(int(np.count_nonzero(found.crossed)) for found in by)
    if crossed:
        said.append(
            f"steps along {crossed} of {sum(len(found.crossed) for found in by)} directions "
            "crossed a kink; only shorter ones, which did not, were used there"
        )
    return said
