"""The oracles of one check: the reference, and how far all others are from it and from the hand."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from verify.checking import silent, values
from verify.checking.calls import fresh
from verify.checking.findings import Judge
from verify.checking.problem import Case
from verify.checking.references import AUTOMATIC, Point, Reference, automatic, exact, magnitude
from verify.checking.settings import Settings
from verify.derivatives import evidence, imaginary, programs
from verify.derivatives.arguments import Arguments
from verify.derivatives.evidence import Evidence
from verify.derivatives.interpreter import operations
from verify.derivatives.manydigits import MANY, NotApplicable
from verify.derivatives.numeric import SIGNED
from verify.derivatives.primal import NO_DERIVATIVE, Primal, primal, widened
from verify.derivatives.primal import values as values_of
from verify.derivatives.probes import FEW, SAMPLED, choose
from verify.derivatives.programs import Leaves
from verify.errors import unit_roundoff
from verify.report import Oracle, Unit

WORK = 4e9  # operations of all central differences together: about a second
SURE = 16.0  # times the rounding of float64, before a complex step and a gradient disagree
NAN = float("nan")


class Witnesses:
    """The function that is differentiated, and who says what of its derivative."""

    def __init__(self, f: Any, given: Arguments, cotangent: Leaves, settings: Settings, rng: Any):
        self.given, self.settings, self.rng = given, settings, rng
        self.call = given.call(f)
        self.cotangent = cotangent
        self.dropped: dict[str, str] = {}
        self.evidence: list[Evidence] = []
        self.by_automatic: Reference | None = None
        self.note, self.patience = "", values.PATIENCE
        self.trace()

    def trace(self) -> None:
        self.function: Primal = primal(self.call, self.given, self.cotangent)

    def forget(self) -> None:
        """Trace anew: the function reads a global that has changed since it was compiled."""
        self.call = fresh(self.call)
        self.by_automatic, self.evidence = None, []
        self.trace()

    def is_stale(self, reference: Reference, judge: Judge) -> bool:
        """Whether a call in float64 gives another value than the program that was traced once"""
        with programs.float64():
            called = values_of(self.call, self.function.arrays)
        return not judge.is_value(called, reference)

    def sharpened(self, case: Case, units: Sequence[Unit]) -> Case:
        """With a reference in many digits, if it has none yet and there is one"""
        if case.reference.source != AUTOMATIC or "many digits" not in self.settings.oracles:
            return case
        try:
            better = exact(self.function, case.at, case.reference, "entry" in units)
        except NotApplicable:
            return case
        return dataclasses.replace(case, reference=better)

    @property
    def is_automatic(self) -> bool:
        return self.function.way in ("differentiable", "eager")

    def reference(self, at: Point, units: Sequence[Unit], got: Any = None) -> Reference:
        """The best there is: many digits, else `jax.grad` in float64, else what values say, where
        the gradient that is judged, `got` as one vector, may be off."""
        if not self.is_automatic:
            return self._by_values(at, units, got)
        found = self.near(at)
        self.by_automatic = self.by_automatic or found
        if "many digits" not in self.settings.oracles:
            return found
        try:
            return exact(self.function, at, found, "entry" in units)
        except NotApplicable as error:
            self.dropped[MANY] = str(error)
            return found

    def near(self, at: Point, rounds: int = 3) -> Reference:
        """By `jax.grad` in float64 alone"""
        found = automatic(self.function, at, self.rng, rounds)
        return silent.filled(self.function, at, found)

    def _by_values(self, at: Point, units: Sequence[Unit], got: Any) -> Reference:
        wanted, rng = self.settings.oracles, self.rng
        seen = values.reference(self.function, at, wanted, got, units, rng, self.patience)
        if not self.evidence:
            self.evidence, self.dropped, self.note = seen.all, seen.dropped, seen.note
        return seen.reference

    # the table of all

    def oracles(self, case: Case, judge: Judge) -> list[Oracle]:
        """Each beside the reference and the hand-written gradient, at the entries that look wrong
        too"""
        at, reference, got = case.at, case.reference, case.vector()
        rows = [*self._automatic(at, reference, got)]
        if self.is_automatic and {"differences", "complex step"} & set(self.settings.oracles):
            self._look(at, reference, _suspects(case, judge))
        u = unit_roundoff(self.given.dtype)
        with np.errstate(invalid="ignore"):
            rows += [beside(seen, reference, got, u) for seen in self.evidence]
        return rows + [Oracle(name, why=why) for name, why in self.dropped.items()]

    def _automatic(self, at: Point, reference: Reference, got: Any) -> list[Oracle]:
        if self.by_automatic is None:
            why = f"{NO_DERIVATIVE[self.function.way]} ({self.function.why})"
            return [Oracle(AUTOMATIC, why=why)]
        near = self.by_automatic
        rows = [entrywise(near.source, near.vector, reference, got)]
        if reference is not near:
            rows.insert(0, entrywise(reference.source, reference.vector, reference, got))
        if "same dtype" in self.settings.oracles and self.given.dtype != np.float64:
            rows.append(same_dtype(self.function, at, reference, got))
        return rows

    def _look(self, at: Point, reference: Reference, suspects: Sequence[int]) -> None:
        """At what values say where the gradient is known otherwise"""
        arrays, cotangent = widened(at.arrays), widened(at.cotangent)
        count = self._affordable(reference.vector.size)
        probes = choose(at.wanted(), reference.vector, suspects[: count // 2], count, self.rng)
        if "differences" in self.settings.oracles:
            size = magnitude(reference.value, cotangent)
            seen = evidence.central(self.function, arrays, cotangent, probes, size)
            self.evidence.append(seen)
        if "complex step" in self.settings.oracles:
            try:
                seen = imaginary.imaginary(self.function, arrays, cotangent, probes)
                self.evidence += [evidence.believed(seen, *self.evidence)]
            except NotApplicable as error:
                self.dropped[evidence.IMAGINARY] = str(error)

    def _affordable(self, n: int) -> int:
        program = self.function.program
        work = max(operations(program.closed.jaxpr), 1.0) if program else 1e6
        return FEW if n <= FEW else int(np.clip(WORK / (len(SIGNED) * work), 8, SAMPLED))


def _suspects(case: Case, judge: Judge) -> list[int]:
    """The entries that are too far off, the worst first"""
    errors = case.errors(judge)
    worst = np.argsort(-errors, kind="stable")[:SAMPLED]
    return [int(i) for i in worst if errors[i] > 1]


def entrywise(name: str, gradient: Any, reference: Reference, got: Any, why: str = "") -> Oracle:
    """A whole gradient beside the reference and the hand-written one, all of them one vector"""
    scale, known = reference.scale(), reference.known
    with np.errstate(invalid="ignore"):
        ours = NAN if got is None else _largest(got - gradient, scale, known)
        off = _largest(reference.vector - gradient, scale, known)
    return Oracle(name, int(np.count_nonzero(known)), ours, off, why=why)


def same_dtype(function: Primal, at: Point, reference: Reference, got: Any) -> Oracle:
    """`jax.grad` in the dtype of the arguments: its error, beside ours"""
    name = f"jax.grad in {at.given.dtype}"
    try:
        with programs.as_given(at.given.wide):
            args = function.call, function.wanted, at.arrays, at.cotangent
            found = programs.pulled(*args).gradient
    except Exception as error:
        return Oracle(name, why=f"it raises {type(error).__name__}")
    vector = np.concatenate([np.asarray(x).astype(np.float64).ravel() for x in found])
    return entrywise(name, vector, reference, got)


def beside(seen: Evidence, reference: Reference, got: Any, u: float) -> Oracle:
    """Derivatives along directions beside those of the reference and of the hand-written gradient.

    They agree where they differ by no more than both are uncertain. On a kink nothing is compared.
    """
    probes, found = seen.probes, seen.found
    theirs, scale = probes.along(reference.vector), probes.size_along(reference.scale())
    uncertain = found.uncertainty + SURE * probes.size_along(reference.noise(u))
    which = np.isfinite(uncertain) & ~found.kink & probes.inside(reference.known)
    off = np.abs(found.value - theirs)
    worst = int(np.argmax(np.where(which, off / np.maximum(uncertain, 1e-300), 0)))
    return Oracle(
        seen.name,
        int(np.count_nonzero(which)),
        NAN if got is None else _largest(probes.along(got) - found.value, scale, which),
        _largest(off, scale, which),
        _largest(uncertain, scale, np.arange(len(which)) == worst),
        agrees=bool(np.all(off[which] <= uncertain[which])),
        why="" if which.any() else "all directions meet a kink, or no step is exact enough",
    )


def _largest(off: Any, scale: Any, which: Any) -> float:
    with np.errstate(all="ignore"):
        relative = np.where(off == 0, 0.0, np.abs(off) / np.where(scale == 0, 1.0, scale))
    return float(np.max(relative[which], initial=0.0))
