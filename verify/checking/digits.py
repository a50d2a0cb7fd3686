"""The hand-written side with more digits: whether rounding explains its error."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from verify.checking import better
from verify.checking.findings import Judge
from verify.checking.hands import Read
from verify.checking.problem import Case, Problem
from verify.derivatives import manydigits
from verify.derivatives.arguments import Call
from verify.derivatives.interpreter import Numbers
from verify.derivatives.manydigits import EIGHTY, NotApplicable
from verify.derivatives.primal import widened
from verify.derivatives.programs import Leaves, float64
from verify.report import Finding, Verdict, badness

LARGEST = 3e5  # of a NumPy function's entries times the longest axis, for many digits
SHRINKS = 256.0  # 80 bits have eleven more than float64: a rounding error is 2048 times less
MILD, SMALL = 32.0, 2.0**-10  # bounds, and of the largest entry: a sum may lose so much and be ok
FLOAT64 = "float64"
LOST = {
    "ok": "rounding takes a few of its digits, which is let pass",
    "inaccurate": "rounding takes its digits",
}


def explained(
    problem: Problem, case: Case, judge: Judge, found: Sequence[Finding]
) -> tuple[list[Finding], list[str]]:
    """Where the same program with more digits is right, digits were lost: it is "inaccurate", or
    where a sum lost but few, ok."""
    result, notes = list(found), list[str]()
    for name, read in _more(problem.call, case, problem.given.dtype):
        for k, finding in enumerate(result):
            is_off = finding.verdict == "wrong" and not finding.comparison.fault
            if is_off and judge.agrees(k, read, case.reference, _slack(name, finding)):
                verdict: Verdict = "ok" if _is_mild(finding, case, judge) else "inaccurate"
                result[k] = dataclasses.replace(finding, verdict=verdict)
                notes = [f"with more digits ({name}) the same program is right: {LOST[verdict]}"]
        if all(finding.verdict != "wrong" for finding in result):
            break
    return result, notes


def lost(problem: Problem, case: Case, found: Sequence[Finding]) -> list[str]:
    """Where the digits of the worst one went, and what to write instead"""
    bad = [(badness(x), k) for k, x in enumerate(found) if x.verdict == "inaccurate"]
    if not bad:
        return []
    _, k = max(bad)
    return [x for x in [better.told(problem, case, k, found[k].comparison.index)] if x]


def _is_mild(finding: Finding, case: Case, judge: Judge) -> bool:
    """Whether what a sum lost is little beside its largest entry"""
    compared = finding.comparison
    leaves = [*case.reference.value, *case.reference.gradient]
    largest = max(x.largest for x in leaves if x.name == compared.where)
    off = abs(compared.got - compared.expected)
    return finding.unit == "leaf" and compared.error <= MILD and off <= SMALL * largest


def _slack(name: str, finding: Finding) -> float:
    """So many bounds are allowed of the program with more digits"""
    error = finding.comparison.error
    return max(1.0, error / SHRINKS) if name == EIGHTY and np.isfinite(error) else 1.0


def _more(call: Call, case: Case, dtype: Any) -> Iterator[tuple[str, Read]]:
    """Value and gradient by the same program with more digits, in every way that applies"""
    arrays, cotangent = widened(case.at.arrays), widened(case.at.cotangent)
    for attempt in (_traced, _in_many_digits, _in_80_bits, _in_float64):
        if attempt is _in_float64 and dtype == np.float64:
            return
        try:
            with float64(), np.errstate(all="ignore"):
                found = attempt(call, arrays, cotangent)
        except Exception:  # whatever it is that the program does not take
            continue
        yield found


def _traced(call: Call, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    counts: list[int] = []

    def leaves(arrays: Leaves, cotangent: Leaves) -> list[Any]:
        value, gradient = call.f(call.arguments(arrays), cotangent)
        counts.append(len(value))
        return [*value, *gradient]

    program = jax.make_jaxpr(leaves)(arrays, cotangent)
    name, found = manydigits.exactly(manydigits.of_jaxpr(program, [*arrays, *cotangent]), True)
    return name, _read(found, counts[0])


def _in_many_digits(call: Call, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    longest = max((max(np.shape(x), default=1) for x in arrays), default=1)
    if sum(np.size(x) for x in arrays) * longest > LARGEST:
        raise NotApplicable("too large")
    run = functools.partial(_with, call, arrays, cotangent)
    count = len(_called(call, arrays, cotangent)[0])
    return manydigits.MANY, _read(manydigits.settled(run, True), count)


def _in_80_bits(call: Call, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    count = len(_called(call, arrays, cotangent)[0])
    return EIGHTY, _read(_with(call, arrays, cotangent, manydigits.eighty_bits()), count)


def _in_float64(call: Call, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    return FLOAT64, _called(call, arrays, cotangent)


def _with(call: Call, arrays: Leaves, cotangent: Leaves, numbers: Numbers) -> list[Any]:
    lifted = [numbers.given(x) for x in arrays], [numbers.given(x) for x in cotangent]
    value, gradient = _called(call, *lifted)
    return [np.asarray(x) for x in (*value, *gradient)]


def _called(call: Call, arrays: Leaves, cotangent: Leaves) -> Read:
    copies = [x.copy() if isinstance(x, np.ndarray) else x for x in arrays]
    read: Read = call.f(call.arguments(copies), cotangent)
    return read


def _read(leaves: Sequence[Any], count: int) -> Read:
    wide = [np.asarray(x, np.float64) for x in leaves]
    return wide[:count], wide[count:]
