"""Whether what was said of a mistake is right.

The layer is right if the first array that is called wrong is of the layer of the first that is; or
above it, where rounding could have hidden the mistake: of the layer where it was made, or of one
that is off by more than was measured of rounding.
The kind is right if, in one of the explanations that give the same numbers, every mistake that is
named may be one that was planted, and all that were planted are named. It is wrong if anything is
named that was not planted; if only some is named, rightly, it is some; and unknown otherwise. What
only describes the numbers, as «one entry alone is wrong», and truly so, is no wrong name.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from verify.selftest.engines import Explanation, Said
from verify.selftest.task import Floats
from verify.selftest.trial import EQUAL, VISIBLE, Trial

Naming = Literal["right", "some", "unknown", "wrong"]


@dataclasses.dataclass(frozen=True)
class Score:
    """What was said of one trial, judged"""

    detected: bool
    layer: bool
    array: bool
    naming: Naming
    choices: int  # how many kinds could not be told apart


def score(trial: Trial, said: Said) -> Score:
    choices = {kind for explanation in said.kinds for group in explanation for kind in group}
    return Score(
        detected=said.verdict == "wrong",
        layer=_layer(said.first) in {_layer(trial.wrong[0]), *_above(trial)},
        array=said.first in _first(trial),
        naming=naming(trial, said.kinds),
        choices=len(choices),
    )


def _above(trial: Trial) -> set[int]:
    made = {k for mistake, k in trial.planted if mistake.step != "task"}
    off = {_layer(name) for name, error in trial.errors.items() if np.max(error) > EQUAL}
    return {k for k in made | off if k > _layer(trial.wrong[0])}


def _first(trial: Trial) -> set[str]:
    """The first array that is wrong, and Δ[k], if it was planted there"""
    first = trial.wrong[0]
    planted = {f"Δ[{k}]" for mistake, k in trial.planted if mistake.array == "Δ"}
    return {first, *(planted & {f"Δ[{_layer(first)}]"})}


def _layer(array: str) -> int:
    found = re.search(r"\[(\d+)\]", array)
    return int(found[1]) if found else 0


def naming(trial: Trial, explanations: tuple[Explanation, ...]) -> Naming:
    names = trial.names()
    said = [_of_explanation(trial, names, explanation) for explanation in explanations]
    return "right" if "right" in said else said[0] if said else "unknown"


def _of_explanation(trial: Trial, names: list[tuple[str, ...]], explanation: Explanation) -> Naming:
    planted = [
        {i for i, kinds in enumerate(names) if _any_of(kinds, group)} for group in explanation
    ]
    if all(planted) and set().union(*planted) == set(range(len(names))):
        return "right"
    rest = [group for group, found in zip(explanation, planted, strict=True) if not found]
    true = all("unknown" in group or any(_describes(trial, k) for k in group) for group in rest)
    if not true:
        return "wrong"
    return "some" if any(planted) else "unknown"


def _any_of(kinds: tuple[str, ...], group: frozenset[str]) -> bool:
    """The very kind, but of a factor what is said of it"""
    factors = [kind for kind in group if kind.startswith("factor ")]
    return bool(group.intersection(kinds)) or any(
        part in kind for part in kinds for kind in factors
    )


def _describes(trial: Trial, kind: str) -> bool:
    """Whether a kind is no more than what the numbers of an array that is wrong are"""
    holds = [check for start, check in DESCRIPTIONS.items() if kind.startswith(start)]
    arrays = [(trial.got[name], trial.right[name], trial.errors[name]) for name in trial.wrong]
    return any(check(*array) for check in holds for array in arrays)


def _zero(got: Floats, right: Floats, error: Floats) -> bool:
    return not np.any(got)


def _infinite(got: Floats, right: Floats, error: Floats) -> bool:
    return not np.all(np.isfinite(got.astype(np.float64)))


def _entry(got: Floats, right: Floats, error: Floats) -> bool:
    return error.ndim > 0 and int(np.sum(error > VISIBLE)) == 1


def _line(got: Floats, right: Floats, error: Floats) -> bool:
    return error.ndim > 0 and any(len(set(at)) == 1 for at in np.nonzero(error > VISIBLE))


def _multiple(got: Floats, right: Floats, error: Floats) -> bool:
    if got.shape != right.shape or not np.any(right):
        return False
    off = got - np.sum(got * right) / np.sum(right * right) * right
    return bool(np.max(np.abs(off)) <= 1e-6 * np.max(np.abs(got)))


def _clipped(got: Floats, right: Floats, error: Floats) -> bool:
    limit = np.max(np.abs(got))
    return error.ndim > 0 and bool(np.allclose(got, np.clip(right, -limit, limit), rtol=1e-6))


DESCRIPTIONS: Mapping[str, Callable[[Floats, Floats, Floats], bool]] = {
    "zero": _zero,
    "not finite": _infinite,
    "one entry": _entry,
    "one line": _line,
    "factor is": _multiple,
    "clipped": _clipped,
}
