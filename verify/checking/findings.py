"""A hand-written gradient beside its reference, leaf by leaf."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from verify.checking import judge, silent
from verify.checking.hands import Read
from verify.checking.judge import Bounds, Expected
from verify.checking.references import Reference
from verify.derivatives.programs import Leaves
from verify.errors import ALL_ZEROS, Comparison
from verify.report import Finding, Unit, Verdict, badness


@dataclasses.dataclass(frozen=True)
class Judge:
    """The bounds of every leaf, and the unit of its errors."""

    gradient: Bounds
    value: Bounds
    units: Sequence[Unit]
    zeros_ok: bool

    def all(self, how: str, read: Read, reference: Reference) -> list[Finding]:
        """First of the value, where there is one, then of the gradient, leaf by leaf"""
        values, gradient = read
        found = [self.of_value(how, x, y) for x, y in zip(values, reference.value, strict=False)]
        pairs = zip(gradient, reference.gradient, strict=True)
        return found + [self.of_leaf(how, i, x, y) for i, (x, y) in enumerate(pairs)]

    def of_value(self, how: str, got: Any, expected: Expected) -> Finding:
        """A value may be zero, and of another floating dtype than the arguments."""
        got = as_array(got, expected)
        if jnp.issubdtype(getattr(got, "dtype", object), jnp.floating):
            expected = dataclasses.replace(expected, dtype=got.dtype)
        allowed = self.value.of(0, expected, "leaf")
        return _judged(how, judge.compare(got, expected, allowed, "leaf"), "leaf")

    def of_leaf(self, how: str, number: int, got: Any, expected: Expected) -> Finding:
        found = self.within(how, number, got, expected, self.allowed(number, expected))
        if found.verdict == "ok" and expected.is_zero and not self.zeros_ok:
            fault = Comparison(expected.name, fault=ALL_ZEROS)
            return dataclasses.replace(found, comparison=fault, verdict="undecided")
        return found

    def within(self, how: str, number: int, got: Any, expected: Expected, bounds: Any) -> Finding:
        unit, got = self.units[number], as_array(got, expected)
        found = _judged(how, judge.compare(got, expected, bounds, unit), unit)
        if found.verdict == "ok" or found.comparison.fault == judge.NOTHING:
            left = silent.unjudged(got, expected, found.comparison)
            fault = left or found.comparison
            verdict: Verdict = "undecided" if fault.fault else "ok"
            found = dataclasses.replace(found, comparison=fault, verdict=verdict)
        return found

    def allowed(self, number: int, expected: Expected) -> Any:
        return self.gradient.of(number, expected, self.units[number])

    def excess(self, number: int, got: Any, expected: Expected) -> Any:
        """The error of every entry, as a multiple of what is allowed"""
        return _excess(got, expected, self.allowed(number, expected))

    def agrees(self, k: int, read: Read, reference: Reference, slack: float) -> bool:
        """Whether the k-th of all findings would be fine, with so many bounds"""
        values, gradient = read
        i = k - len(values)
        if i < 0:
            expected = reference.value[k]
            errors = _excess(values[k], expected, self.value.of(0, expected, "leaf"))
        else:
            errors = self.excess(i, gradient[i], reference.gradient[i])
        return bool(np.all(errors <= slack))

    def is_value(self, out: Leaves, reference: Reference) -> bool:
        """Whether these are the values of the reference, to within rounding"""
        pairs = zip(out, reference.value, strict=True)
        bounds = [4 * self.value.of(0, expected, "leaf") for expected in reference.value]
        errors = [_excess(x, y, bound) for (x, y), bound in zip(pairs, bounds, strict=True)]
        return all(np.all(error <= 1) for error in errors)


def _excess(got: Any, expected: Expected, bounds: Any) -> Any:
    with np.errstate(all="ignore"):
        off = np.abs((np.asarray(got).astype(np.float64) - expected.value) - expected.low)
        errors = np.where(off == 0, 0, off / bounds)
    return np.where(expected.known, np.where(np.isnan(errors), np.inf, errors), 0)


def _judged(how: str, compared: Comparison, unit: Unit) -> Finding:
    empty = not compared.fault and compared.entries == 0
    return Finding(how, compared, "ok" if compared.ok or empty else "wrong", unit)


def as_array(got: Any, expected: Expected) -> Any:
    """A Python number is of the dtype of its argument."""
    if isinstance(got, int | float) and not isinstance(got, bool | np.generic):
        return np.asarray(got, expected.dtype)
    return got


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """The worst for each way and leaf, with the entries of all, in the order of the first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.how, finding.comparison.where), []).append(finding)
    return [_worst(group) for group in groups.values()]


def _worst(group: list[Finding]) -> Finding:
    found = max(group, key=badness)
    count = sum(finding.comparison.entries for finding in group)
    return dataclasses.replace(
        found, comparison=dataclasses.replace(found.comparison, entries=count)
    )
