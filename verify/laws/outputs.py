"""The law of softmax with cross-entropy: 1ᵀΔ[L] = 0 where the columns of Y sum to 1.

    Δ[L] = A(1ᵀY) − Y,  and so  1ᵀ ∂J/∂W[L] = 0  and  1ᵀ ∂J/∂b[L] = 0

as the same number added to all logits of an example changes nothing.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from verify.errors import Comparison, entries, ulp_of, unit_roundoff
from verify.laws.judge import Subject, finding
from verify.laws.program import is_array, is_floating
from verify.report import Finding


def sum_to_zero(s: Subject, axes: Mapping[str, int]) -> list[Finding]:
    """Of each leaf, over the axis of the output's units"""
    law = "columns of Δ[L] sum to 0"
    return [finding(law, _sums(s, name, axis)) for name, axis in axes.items()]


def _sums(s: Subject, name: str, axis: int) -> Comparison:
    """ULPs are those of the largest sum of absolute values."""
    x = s.result[name]
    total, terms = np.sum(x, axis), np.sum(np.abs(x), axis)
    bound = s.bounds[name] * x.shape[axis]
    found = entries(f"1ᵀ{name}", total, np.zeros_like(total), bound, s.dtype)
    ulps = abs(found.got) / ulp_of(np.max(terms, initial=0), s.dtype)
    return dataclasses.replace(found, ulps=ulps)


def axes(
    result: Mapping[str, Any], into: Mapping[str, int], arguments: Iterable[str], example_axis: int
) -> dict[str, int]:
    """What has one entry for each unit of the output: W[L], b[L], and Δ[L] if it is known"""
    found = {f"{a}{name}": axis for name, axis in into.items() for a in ("", *arguments)}
    of_examples = [name for name in result if name.startswith("Δ")][-1:]
    found |= dict.fromkeys(of_examples, 0 if example_axis == -1 else -1)
    return {name: axis for name, axis in found.items() if name in result}


def no_distribution(Y: Any, example_axis: int) -> str:
    """Why Y are no distributions over the classes, if they are not; integers (B,) are labels."""
    if not is_array(Y):
        return f"the targets are no array but {type(Y).__name__}; say targets="
    if not is_floating(Y) and Y.ndim == 1:
        return ""
    total = np.ravel(np.sum(Y, 0 if example_axis == -1 else -1, dtype=np.float64))
    off = np.abs(total - 1)
    i = int(np.argmax(off))
    u = unit_roundoff(Y.dtype) if is_floating(Y) else 0.0
    return (
        "" if off[i] <= Y.size * u else f"the targets of example {i} sum to {total[i]:.6g}, not 1"
    )
