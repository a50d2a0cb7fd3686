"""A function that is asked for values near a point: what they cost, and how far they move."""

import dataclasses
import functools
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.checking.references import Point
from verify.derivatives import evidence, imaginary, smallsteps
from verify.derivatives.evidence import DIFFERENCES, IMAGINARY, Evidence
from verify.derivatives.manydigits import MANY, NotApplicable
from verify.derivatives.numeric import SIGNED
from verify.derivatives.primal import Primal, widened
from verify.derivatives.probes import Probes
from verify.derivatives.programs import TINY, Leaves, float64
from verify.derivatives.responses import FAR, nudged
from verify.errors import unit_roundoff

CHANGES = 6  # of the inputs in their last place
STEPS = (2.0**-10, 2.0**-20)  # by which the response is measured: the next where the first ends
SOON = 0.01  # seconds
COMPLEX = 4.0  # times the work of real numbers, where it is compiled


@dataclasses.dataclass(frozen=True)
class Asked:
    """φ = ⟨cotangent, f⟩ at a point; `size` is that of its terms, and `patience` how many seconds
    the derivatives along each kind of probes may take."""

    function: Primal
    at: Point
    size: float
    patience: float
    rng: Any

    @functools.cached_property
    def arrays(self) -> Leaves:
        return widened(self.at.arrays)

    @functools.cached_property
    def cotangent(self) -> Leaves:
        return widened(self.at.cotangent)

    @functools.cached_property
    def u(self) -> float:
        return unit_roundoff(self.at.given.dtype)

    def central(self, probes: Probes) -> Evidence:
        return evidence.central(self.function, self.arrays, self.cotangent, probes, self.size)

    def exact(self, name: str, probes: Probes) -> Evidence:
        """By the complex step or by many digits. NotApplicable: why not."""
        by = {IMAGINARY: imaginary.imaginary, MANY: smallsteps.in_many_digits}[name]
        return by(self.function, self.arrays, self.cotangent, probes)

    def by(self, name: str, probes: Probes) -> Evidence:
        """By the oracle of this name, if it applies; else by central differences"""
        try:
            return self.central(probes) if name == DIFFERENCES else self.exact(name, probes)
        except NotApplicable:
            return self.central(probes)

    def changes(self) -> list[tuple[Leaves, Leaves]]:
        given, arrays, cotangent = self.at.given, self.at.arrays, self.at.cotangent
        return [nudged(given, arrays, cotangent, self.rng) for _ in range(CHANGES)]

    @property
    def over(self) -> float:
        """By so much the changes exceed the last place"""
        return FAR if self.at.given.dtype == np.float64 else 1.0

    # what one probe costs

    def seconds(self, name: str) -> float:
        """Of one derivative by a complex step, or by central differences, and of its response"""
        real, of_complex = self._calls
        responses = 2 * (CHANGES + 1) * real
        if name == IMAGINARY:
            return responses + imaginary.PASSES * of_complex
        return responses + len(SIGNED) * real

    @functools.cached_property
    def _calls(self) -> tuple[float, float]:
        """The seconds of one call, and of one with complex numbers; 0 where it takes none"""
        if self.function.way in ("differentiable", "compiled"):
            one = evidence.seconds(self.function, self.arrays)
            return one, COMPLEX * one
        vector = evidence.vector_of(self.function, self.arrays)
        with float64(), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            phi = evidence.phi_of(self.function, self.arrays, self.cotangent)
            one = _timed(phi, vector)
            try:
                return one, _timed(phi, vector + TINY * 1j * vector)
            except Exception:
                return one, 0.0

    # how far a derivative moves

    def response(self, probes: Probes) -> Any:
        """How far each derivative moves when the inputs move in their last place; NaN where that
        cannot be told, the function ending too near.

        Of central differences, whose steps are shortened, and at last are to one side, where the
        function ends within them.
        """
        found = np.full(len(probes.rows), np.nan)
        for h, one_sided in ((STEPS[0], False), (STEPS[1], False), (STEPS[1], True)):
            unknown = np.isnan(found)
            if unknown.any():
                found[unknown] = self._moves(probes.only(unknown), h, one_sided)
        return found / self.over

    def _moves(self, probes: Probes, h: float, one_sided: bool) -> Any:
        here = self._slopes(self.arrays, self.cotangent, probes, h, one_sided)
        there = [self._slopes(*change, probes, h, one_sided) for change in self.changes()]
        return np.fmax.reduce([np.abs(x - here) for x in there])

    def _slopes(
        self, arrays: Leaves, cotangent: Leaves, probes: Probes, h: float, one_sided: bool
    ) -> Any:
        steps = np.array([h, -h])
        ahead, behind = evidence.differences(self.function, arrays, cotangent, probes, steps).T
        with np.errstate(invalid="ignore"):
            two, one = (ahead - behind) / (2 * h), np.where(np.isfinite(ahead), ahead, -behind) / h
        found = one if one_sided else two
        return np.where(np.isfinite(found), found, np.nan)


def _timed(phi: Callable[[Any], Any], vector: Any) -> float:
    """The mean of several calls after a first, for so many as are soon over"""
    phi(vector)
    start, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - start < SOON:
        phi(vector)
        count += 1
    return (time.perf_counter() - start) / count
