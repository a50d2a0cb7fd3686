"""The hand-written side with more digits: whether rounding explains its error."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from verify.checking import better, calls
from verify.checking.findings import Judge
from verify.checking.hands import Read
from verify.checking.problem import Case, Problem
from verify.derivatives import manydigits
from verify.derivatives.interpreter import Numbers
from verify.derivatives.manydigits import EIGHTY, NotApplicable
from verify.derivatives.primal import widened
from verify.derivatives.programs import Leaves, as_given, float64
from verify.report import Finding, Verdict, badness

LARGEST = 3e5  # of a NumPy function's entries times the longest axis, for many digits
SHRINKS = 256.0  # 80 bits have eleven more than float64: a rounding error is 2048 times less
MILD, SMALL = 32.0, 2.0**-10  # bounds, and of the largest entry: a sum may lose so much and be ok
LOST = {
    "ok": "rounding takes a few of its digits, which is let pass",
    "inaccurate": "rounding takes its digits",
}


def explained(
    problem: Problem, case: Case, judge: Judge, found: Sequence[Finding]
) -> tuple[list[Finding], list[str], bool]:
    """Where the same program with more digits is right, digits were lost: it is "inaccurate", or
    where a sum lost but few, ok. At last, whether that is certain: many digits did tell."""
    result, notes, tried, certain = list(found), list[str](), False, False
    for name, read in _more(problem, case, judge):
        tried = True
        certain = certain or (name == manydigits.MANY and not _is_deaf(read, case))
        for k, finding in enumerate(result):
            is_off = finding.verdict == "wrong" and not finding.comparison.fault
            if is_off and judge.agrees(k, read, case.reference, _slack(name, finding)):
                verdict: Verdict = "ok" if _is_mild(finding, case) else "inaccurate"
                result[k] = dataclasses.replace(finding, verdict=verdict)
                notes = [f"with more digits ({name}) the same program is right: {LOST[verdict]}"]
        if all(finding.verdict != "wrong" for finding in result):
            break
    return (*((result, notes) if tried else _unexplained(result, case)), certain)


def _is_deaf(read: Read, case: Case) -> bool:
    """Whether more digits make no difference: it returns what was computed elsewhere, or rounds"""
    return all(
        np.array_equal(np.asarray(x, np.float64), np.asarray(y).astype(np.float64), equal_nan=True)
        for x, y in zip(jax.tree.leaves(read), jax.tree.leaves(case.read), strict=True)
    )


def _unexplained(found: list[Finding], case: Case) -> tuple[list[Finding], list[str]]:
    """No arithmetic of more digits takes the program: what a sum may lose is let pass."""
    mild = [x.verdict == "wrong" and not x.comparison.fault and _is_mild(x, case) for x in found]
    result = [
        dataclasses.replace(x, verdict="ok") if m else x for x, m in zip(found, mild, strict=True)
    ]
    return result, ["no arithmetic of more digits takes the program"] * any(mild)


def lost(problem: Problem, case: Case, found: Sequence[Finding]) -> list[str]:
    """Where the digits of the worst one went, and what to write instead"""
    bad = [(badness(x), k) for k, x in enumerate(found) if x.verdict == "inaccurate"]
    if not bad:
        return []
    _, k = max(bad)
    return [x for x in [better.told(problem, case, k, found[k].comparison.index)] if x]


def _is_mild(finding: Finding, case: Case) -> bool:
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


# the same program, run in the same way


def _more(problem: Problem, case: Case, judge: Judge) -> Iterator[tuple[str, Read]]:
    """Value and gradient with more digits, by every arithmetic that applies"""
    arrays, cotangent = (widened(part) for part in case.inputs)
    run = functools.partial(_run, problem, case)
    attempts = [_in_many_digits, _in_80_bits] if case.how == "eager" else []
    attempts += [_traced] if case.how != "eager" or _is_lossy_traced(problem, case, judge) else []
    attempts += [_in_float64] if problem.given.dtype != np.float64 else []
    for attempt in attempts:
        try:
            with float64(), np.errstate(all="ignore"):
                found = attempt(run, arrays, cotangent)
        except Exception:  # whatever it is that the program does not take
            continue
        yield found


def _run(problem: Problem, case: Case, arrays: Leaves, cotangent: Leaves) -> Read:
    """As the case was run: eagerly, compiled, or compiled in its batch"""
    call = case.call or problem.call
    if case.how == "jit":
        compiled: Read = calls.compiled(call, arrays, cotangent)
        return compiled
    if case.how == "vmap":
        batch = calls.batched(call, problem.given.wanted, arrays, cotangent)
        one: Read = jax.tree.map(lambda x: x[case.number], batch)
        return one
    copies = [x.copy() if isinstance(x, np.ndarray) else x for x in arrays]
    called: Read = call.f(call.arguments(copies), cotangent)
    return called


def _is_lossy_traced(problem: Problem, case: Case, judge: Judge) -> bool:
    """Whether what JAX traces has the error too: a function can tell that it is traced"""
    try:
        with as_given(problem.given.wide):
            read = calls.compiled(problem.call, *case.inputs)
    except Exception:  # it is not traced
        return False
    found = judge.all("jit", read, case.reference)
    return any(each.verdict == "wrong" and not each.comparison.fault for each in found)


def _traced(run: Any, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    counts: list[int] = []

    def leaves(arrays: Leaves, cotangent: Leaves) -> list[Any]:
        value, gradient = run(arrays, cotangent)
        counts.append(len(value))
        return [*value, *gradient]

    program = jax.make_jaxpr(leaves)(arrays, cotangent)
    name, found = manydigits.exactly(manydigits.of_jaxpr(program, [*arrays, *cotangent]), True)
    return name, _read(found, counts[0])


def _in_many_digits(run: Any, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    longest = max((max(np.shape(x), default=1) for x in arrays), default=1)
    if sum(np.size(x) for x in arrays) * longest > LARGEST:
        raise NotApplicable("too large")
    count = len(run(arrays, cotangent)[0])
    found = manydigits.settled(functools.partial(_with, run, arrays, cotangent), True)
    return manydigits.MANY, _read(found, count)


def _in_80_bits(run: Any, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    count = len(run(arrays, cotangent)[0])
    return EIGHTY, _read(_with(run, arrays, cotangent, manydigits.eighty_bits()), count)


def _in_float64(run: Any, arrays: Leaves, cotangent: Leaves) -> tuple[str, Read]:
    return "float64", run(arrays, cotangent)


def _with(run: Any, arrays: Leaves, cotangent: Leaves, numbers: Numbers) -> list[Any]:
    value, gradient = run([numbers.given(x) for x in arrays], [numbers.given(x) for x in cotangent])
    return [np.asarray(x) for x in (*value, *gradient)]


def _read(leaves: Sequence[Any], count: int) -> Read:
    wide = [np.asarray(x, np.float64) for x in leaves]
    return wide[:count], wide[count:]
