"""A gradient that is right on paper and stores its values in the dtype: inaccurate, not wrong."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from verify.checking.better import FORMS
from verify.checking.findings import Judge
from verify.checking.problem import Case
from verify.derivatives import onpaper
from verify.derivatives.primal import Primal
from verify.report import Finding

WIDER = 4.0  # than c: so many responses
NOTE = (
    "what is off is no more than a right equation loses that keeps its values in {dtype}; where a "
    f"unit saturates, {FORMS['1 − A²']}; {FORMS['1 − A']}; of softmax, take the dA of the largest "
    "class off all dA first"
)


def excused(
    function: Primal, case: Case, judge: Judge, found: Sequence[Finding], rng: Any
) -> tuple[list[Finding], list[str]]:
    """The leaves that are off by no more than is lost on paper; nothing where the user has bounds
    of their own."""
    count, u = len(case.read[0]), judge.gradient.u
    most = u ** (1 / 3) * (1 + max(x.largest for x in case.reference.value))
    off = [k for k, x in enumerate(found) if k >= count and _may_be_lost(x, most)]
    if judge.gradient.absolute is not None or not off:
        return list(found), []
    lost = onpaper.response(function, case.at.given, case.at.arrays, case.at.cotangent, rng)
    result, is_any = list(found), False
    for k in off if lost else ():
        if _is_within(case, judge, k - count, lost[k - count]):
            result[k] = dataclasses.replace(found[k], verdict="inaccurate")
            is_any = True
    return result, [NOTE.format(dtype=case.at.given.dtype)] if is_any else []


def _may_be_lost(finding: Finding, most: float) -> bool:
    """Of what is off by more, no rounding is to blame: there is no need to compute how much"""
    compared = finding.comparison
    is_wrong = finding.verdict == "wrong" and not compared.fault
    return is_wrong and abs(compared.got - compared.expected) <= most


def _is_within(case: Case, judge: Judge, i: int, lost: Any) -> bool:
    expected = case.reference.gradient[i]
    allowed = judge.allowed(i, expected) + WIDER * judge.gradient.factor * lost
    return judge.within("", i, case.read[1][i], expected, allowed).verdict == "ok"
