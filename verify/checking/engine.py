"""One check: the reference, the hand-written side in every way, the oracles, and a report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.checking import digits, doubt, laws, naming, paper, ties, ways
from verify.checking.calls import AGAIN, outside_jax, same
from verify.checking.findings import Judge, merged
from verify.checking.hands import Misfit, Read
from verify.checking.inplace import IN_PLACE
from verify.checking.judge import Bounds
from verify.checking.problem import Case, Problem, flat
from verify.checking.references import Point, Reference
from verify.checking.units import units_of
from verify.checking.witnesses import Witnesses
from verify.derivatives import kept
from verify.errors import Comparison, unit_roundoff
from verify.report import Finding, Report


def check(problem: Problem) -> Report:
    """Everything that is to be said of the hand-written side"""
    rng = np.random.default_rng(problem.settings.seed)
    try:
        reads, found = _eager(problem)
        return _Examination(problem, rng).report(reads, found)
    except Misfit as misfit:
        return _report(problem, [_fault("structure", str(misfit))])
    finally:
        kept.bounded()


def _fault(where: str, fault: str) -> Finding:
    return Finding("eager", Comparison(where, fault=fault), "wrong")


def _eager(problem: Problem) -> tuple[list[Read], list[Finding]]:
    """What the hand gives for each cotangent; and whether it leaves its arguments alone and gives
    the same twice"""
    arrays, first = problem.given.arrays, problem.cotangents[0]
    read, changed = problem.eager(arrays, first)
    again, _ = problem.eager(arrays, first)
    found = [_fault(name, IN_PLACE) for name in changed]
    found += [] if same(read, again) else [_fault(problem.hand.name, AGAIN)]
    return [read, *(problem.eager(arrays, v)[0] for v in problem.cotangents[1:])], found


def _report(problem: Problem, found: Sequence[Finding], **parts: Sequence[Any]) -> Report:
    seed, dtype = int(problem.settings.seed or 0), str(problem.given.dtype)
    rest = {name: tuple(part) for name, part in parts.items()}
    return Report(problem.name, dtype, tuple(merged(found)), seed=seed, **rest)


class _Examination:
    """The state of one check while it goes on"""

    def __init__(self, problem: Problem, rng: Any) -> None:
        given, settings = problem.given, problem.settings
        self.problem, self.rng = problem, rng
        self.notes, self.lost = list[str](), list[str]()
        self.witnesses = Witnesses(problem.function.f, given, problem.cotangents[0], settings, rng)
        self.witnesses.patience /= len(problem.cotangents)
        u = unit_roundoff(given.dtype)
        of_value = Bounds(u, settings.factor)
        of_gradient = Bounds(u, settings.factor, problem.bounds())
        units = units_of(problem, rng)
        self.judge = Judge(of_gradient, of_value, units, settings.zeros_ok)

    def report(self, reads: Sequence[Read], found: list[Finding]) -> Report:
        problem, judge = self.problem, self.judge
        cases = self._cases(reads)
        oracles = self.witnesses.oracles(cases[0], judge)
        cases, tied = ties.excused(problem, self.witnesses, cases, judge)
        self.notes += [self.witnesses.note] if self.witnesses.note else []
        self.notes += ties.notes(problem, self.witnesses, cases[0])
        for case in cases:
            found += self._judged("eager", case)
        if problem.hand.is_linear:
            lossy = {x.comparison.where for x in found if x.verdict == "inaccurate"}
            kept = laws.findings(problem, cases, judge)
            found += [x for x in kept if x.comparison.where not in lossy]
        found += self._in_other_ways(cases[0])
        if not all(oracle.agrees for oracle in oracles):
            found = [doubt.doubted(finding) for finding in found]
            self.notes.insert(0, doubt.note(problem.function.name, self.witnesses, oracles))
        is_wrong = any(finding.verdict == "wrong" for finding in found)
        named = (tied or naming.mistakes(problem, cases, judge)) if is_wrong else self.lost
        return _report(problem, found, oracles=oracles, mistakes=named, notes=self.notes)

    def _cases(self, reads: Sequence[Read]) -> list[Case]:
        problem, witnesses = self.problem, self.witnesses
        points = [problem.at(problem.given.arrays, v) for v in problem.cotangents]
        references = self._references(points, reads)
        if not self.judge.is_value(problem.function.out, references[0]):
            if witnesses.is_stale(references[0], self.judge):
                witnesses.forget()
                references = self._references(points, reads)
            self._require_steady(references[0])
        _require_finite(problem, references[0])
        return [Case(*parts) for parts in zip(points, references, reads, strict=True)]

    def _references(self, points: Sequence[Point], reads: Sequence[Read]) -> list[Reference]:
        found, units = list[Reference](), self.judge.units
        for at, read in zip(points, reads, strict=True):
            found.append(self.witnesses.reference(at, units, flat(read[1], at.wanted())))
        return found

    def _require_steady(self, reference: Reference) -> None:
        """ValueError: two calls of the function differ."""
        problem = self.problem
        if not self.judge.is_value(problem.function.out, reference):
            if not same(problem.function.out, problem.called_again()):
                raise ValueError(f"{problem.function.name}: {AGAIN}")
            self.notes.append(
                f"{problem.function.name} itself loses digits in {problem.given.dtype}: its value "
                "is not that in float64 to within rounding"
            )

    def _judged(self, how: str, case: Case) -> list[Finding]:
        """Each leaf; and where one is off, whether more digits mend it"""
        found = self.judge.all(how, case.read, case.reference)
        if not _is_off(found):
            return found
        case = self.witnesses.sharpened(case, self.judge.units)
        found = self.judge.all(how, case.read, case.reference)
        found, notes, certain = digits.explained(self.problem, case, self.judge, found)
        self.notes += [note for note in notes if note not in self.notes]
        self.lost = self.lost or digits.lost(self.problem, case, found)
        if not certain:
            found, lost = paper.excused(self.witnesses.function, case, self.judge, found, self.rng)
            self.lost = self.lost or lost
        return found

    def _in_other_ways(self, first: Case) -> list[Finding]:
        """Under jit and vmap, where the hand is of JAX and can be traced"""
        found: list[Finding] = []
        for how, way in ways.WAYS.items() if not outside_jax(first.read) else ():
            try:
                cases = way(self.problem, self.witnesses, first, self.judge)
            except Exception as error:
                self.notes.append(ways.why_not(how, error))
            else:
                found += [finding for case in cases for finding in self._judged(how, case)]
        return found


def _require_finite(problem: Problem, reference: Reference) -> None:
    for x in reference.value:
        if not np.all(np.isfinite(x.value)):
            raise ValueError(
                f"{problem.function.name}: expected finite results, got {x.name} with NaN or "
                "infinities at these arguments; choose others"
            )


def _is_off(found: Sequence[Finding]) -> bool:
    return any(each.verdict == "wrong" and not each.comparison.fault for each in found)
