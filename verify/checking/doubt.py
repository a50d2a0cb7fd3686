"""Oracles that disagree with one another: nothing is decided, and why that may be."""

import dataclasses
from collections.abc import Sequence

import jax

from verify.checking.witnesses import Witnesses
from verify.derivatives.primal import primitives
from verify.derivatives.programs import float64
from verify.report import Finding, Oracle

CUSTOM = {"custom_vjp_call": "a custom_vjp", "stop_gradient": "a stop_gradient"}
NEAR = 1e-3  # of the largest distance


def doubted(finding: Finding) -> Finding:
    """What depends on the reference is not wrong, but undecided."""
    if finding.verdict != "wrong" or finding.comparison.fault or finding.how.startswith("law"):
        return finding
    return dataclasses.replace(finding, verdict="undecided")


def note(f: str, witnesses: Witnesses, oracles: Sequence[Oracle]) -> str:
    used = [oracle for oracle in oracles if oracle.compared]
    furthest = max(oracle.by_hand for oracle in used)
    near = [oracle.name for oracle in used if oracle.by_hand <= NEAR * furthest]
    told = f"; by hand agrees with: {', '.join(near)}" if near else ""
    inside = [text for name, text in CUSTOM.items() if name in _inside(witnesses)]
    why = "is it smooth here?"
    if inside:
        there = f"there is {' and '.join(inside)} inside"
        why = f"{there}: is that what is meant? then choose oracles=['same dtype']"
    return f"the oracles disagree about the derivative of {f}{told}; {why}"


def _inside(witnesses: Witnesses) -> set[str]:
    """The primitives of the function itself"""
    try:
        with float64():
            traced = jax.make_jaxpr(witnesses.call)(witnesses.function.arrays)
    except Exception:  # it is not traced: then nothing is seen
        return set()
    return set(primitives(traced.jaxpr))
