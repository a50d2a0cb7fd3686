"""How much of a file one reading gives, and the diagnosis of the rest."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from verify.mistakes import Diagnosis, diagnose
from verify.saved import found
from verify.saved.closeness import close
from verify.saved.readings import Reading
from verify.saved.values import F64

CLOSE = {"float64": 1e-4, "float32": 1e-3, "bfloat16": 0.05, "float16": 0.02}  # to be a match
UNKNOWN, INACCURATE, UNUSUAL = 4.0, 0.5, 0.25  # costs, where a mistake costs 1


def matches(reading: Reading, J: float | None, tol: float) -> int:
    """How many of the file's quantities that are not zero the page gives, to a few digits"""
    pairs = [*_forward(reading), *gradients(reading)]
    return sum(_seen(got, right, tol) for got, right in pairs) + gives(reading, J, tol)


def _missed(reading: Reading, J: float | None, tol: float) -> int:
    """How many it does not give"""
    pairs = [*_forward(reading), *gradients(reading)]
    wrong_J = J is not None and not gives(reading, J, tol)
    return sum(not close(got, right, tol) for got, right in pairs) + wrong_J


def proportional(reading: Reading, tol: float) -> int:
    """How many of the file's gradients of several entries are multiples of the page's"""
    return sum(_is_multiple(got, right, tol) for got, right in gradients(reading))


def is_hinted_at(reading: Reading, tol: float) -> bool:
    """Whether one of those is that cost little: db, and dW of the output"""
    page, grads, L = reading.page, reading.at.grads, len(reading.at.grads)
    if _is_multiple(grads[-1]["W"], page("dW", L), tol):
        return True
    return any(_is_multiple(d["b"], page("db", l), tol) for l, d in enumerate(grads, 1))


def _is_multiple(got: F64, right: F64, tol: float) -> bool:
    if got.shape != right.shape or got.size < 3 or not np.any(right):
        return False
    θ = float(np.sum(got * right) / np.sum(right * right))
    return θ != 0 and close(got, θ * right, tol)


def gives(reading: Reading, J: float | None, tol: float) -> bool:
    """Whether J is what the reading says"""
    return J is not None and close(np.asarray(J), np.asarray(cost(reading)), tol)


def cost(reading: Reading) -> float:
    """J = s·(1/B) Σ𝓛 + (λ/2) Σ‖W‖²"""
    squares = sum(float(np.sum(layer["W"] ** 2)) for layer in reading.at.params)
    return reading.scale * reading.page.mean_loss + reading.l2 / 2 * squares


def _forward(reading: Reading) -> Iterator[tuple[F64, F64]]:
    for kind in ("Z", "A"):
        for l, got in enumerate(reading.at.found[kind], 1):
            if got is not None:
                yield got, reading.page(kind, l)


def gradients(reading: Reading) -> Iterator[tuple[F64, F64]]:
    """Each of the file's, and what it should be"""
    s, layers = reading.scale, zip(reading.at.grads, reading.at.params, strict=True)
    for l, (grads, layer) in enumerate(layers, 1):
        yield grads["W"], s * reading.page("dW", l) + reading.l2 * layer["W"]
        yield grads["b"], s * reading.page("db", l)


def _seen(got: F64, right: F64, tol: float) -> bool:
    """A match that is no accident"""
    return bool(np.any(right)) and close(got, right, tol)


@dataclasses.dataclass(frozen=True, eq=False)
class Judged:
    """A reading, what it does not explain, and what that costs.

    usual     J is the stated multiple, or the page's, of the mean of the page's 𝓛
    missed    so many quantities are not what the page gives
    """

    reading: Reading
    diagnosis: Diagnosis
    usual: bool
    missed: int
    notes: Mapping[str, str]

    @functools.cached_property
    def cost(self) -> float:
        unusual = UNUSUAL * (not self.usual) + UNUSUAL / 2 * (self.reading.l2 > 0)
        if self.diagnosis.verdict != "wrong":
            return unusual + INACCURATE * (not self.diagnosis.ok)
        kinds = self.diagnosis.kinds[0] if self.diagnosis.kinds else (frozenset({"unknown"}),)
        each = {k: UNKNOWN if "unknown" in k else 1.0 for k in kinds}
        return round(unusual + sum(each.values()) + 0.01 * len(kinds), 3)

    @property
    def worth(self) -> tuple[bool, float, int]:
        """The smaller, the better"""
        return self.missed > 0, self.cost, self.missed


def judge(reading: Reading, J: float | None, dtype: str, usual: bool) -> Judged:
    at, s = reading.at, reading.scale
    grads = [{name: x / s for name, x in layer.items()} for layer in at.grads]
    deltas, notes = found.deltas(reading)
    given = found.forward(reading) | deltas | ({} if J is None else {"J": J / s})
    extras: Any = {"l2": reading.l2 / s, "masks": at.masks, "found": given, "dtype": dtype}
    diagnosis = diagnose(reading.page.net, at.params, at.X, at.Y, grads, **extras)
    return Judged(reading, diagnosis, usual, _missed(reading, J, CLOSE[dtype]), notes)
