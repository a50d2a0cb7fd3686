"""A slip: a mistake in Δ[ℓ], as what Δ[ℓ] becomes when it is made.

It is made with the pass and with all that the backward pass did above it; None, or an array of
another shape, where it cannot be made. A fitted slip is a line Δ(θ) = Δ(0) + θ(Δ(1) − Δ(0)), of
which the gradients at hand tell θ.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from verify.mistakes import forms
from verify.mistakes.forms import F64
from verify.mistakes.recipe import Pass, Run

Delta = Callable[[Pass, Run, int], F64 | None]


@dataclasses.dataclass(frozen=True)
class Slip:
    """The kind, what to say, the Δ[ℓ] it makes, and of a fitted slip Δ(1)."""

    kind: str
    text: str
    delta: Delta
    toward: Delta | None = None
    least: float = -np.inf  # that θ may be
    most: float = np.inf


def dA(c: Pass, run: Run, l: int) -> F64:
    """∂𝓛/∂A[ℓ], of the output by the loss"""
    if l == c.L:
        return forms.loss_dA(c.net.loss.name, c.G[l], c.Y)
    return c.W[l + 1].T @ run.Δ[l + 1] * c.M.get(l, 1.0)


def through(c: Pass, l: int, pulled: Callable[[], F64]) -> F64 | None:
    """What is pulled, rightly or wrongly, through mask and g′"""
    try:
        error = pulled()
    except ValueError:  # shapes that do not multiply
        return None
    return c.pull(l, error * c.M.get(l, 1.0)) if np.shape(error) == c.Z[l].shape else None
