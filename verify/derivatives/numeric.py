"""Derivatives from values alone: central differences, extrapolated, and what they say of kinks.

The steps are relative to the size of the numbers that move, and directions have unit norm: a step
along 10⁵ coordinates at once is no longer than a step along one.
"""

import dataclasses
from typing import Any

import numpy as np

Array = Any  # of NumPy, which makes a number of an array without axes

LEVELS = 9
STEPS = 2.0**-4 / 4.0 ** np.arange(LEVELS)  # from 6 % to a millionth
SHORT = np.array([2.0**-44, 2.0**-43])  # so short that φ bends by no last place
SIGNED = np.stack([[*STEPS, *SHORT], [*-STEPS, *-SHORT]], axis=1).ravel()
ROUNDOFF = 2.0**-53
FEW = 100  # coordinates: all of them are probed
SAFETY = 16.0  # times the estimate; see verify/checking/calibration.py


@dataclasses.dataclass(frozen=True)
class Derivatives:
    """Along each probe: the derivative, its uncertainty (∞ where there is none), those from the
    left and the right, whether these two differ, and whether a step crossed such a kink."""

    value: Array
    uncertainty: Array
    left: Array
    right: Array
    kink: Array
    crossed: Array


def extrapolated(differences: Array, magnitude: float) -> Derivatives:
    """From φ(x + hd) − φ(x) at the SIGNED steps, where φ is a result of this `magnitude`.

        D(h) = (φ(x + hd) − φ(x − hd))/2h = φ′ + c₂h² + c₄h⁴ + …
        T[k](h) = (16ᵏ T[k−1](h/4) − T[k−1](h))/(16ᵏ − 1)

    Of all T that with the least |T[k](h) − T[k−1]| and rounding error, magnitude · u/h, or what
    φ(x + hd) − 2φ(x) + φ(x − hd) is at the SHORT steps if that is more (Ridders, Accurate
    computation of F′(x) and F′(x)F″(x), Advances in Engineering Software 4, 1982); no less
    uncertain than its distance from T[1] at the finest step, where that is no rounding error.
    """
    with np.errstate(all="ignore"):
        pairs = differences.reshape(len(differences), -1, 2)
        sides = pairs[:, :LEVELS] / [1, -1] / STEPS[:, None]
        right, left = sides[..., 0], sides[..., 1]
        size = np.max(np.abs(sides), axis=2) * STEPS
        noise = (np.maximum(ROUNDOFF * magnitude, _seen(pairs)) + ROUNDOFF * size) / STEPS
        value, uncertainty = _best((right + left) / 2, noise)
        kink, level = _kinks(left, right, noise)
        crossed = _crossings(left, right, noise) & ~kink
    rows = np.arange(len(level))
    return Derivatives(
        value, SAFETY * uncertainty, left[rows, level], right[rows, level], kink, crossed
    )


def _seen(pairs: Array) -> float:
    """The rounding error of φ, as the short steps show it, kinks apart"""
    bends = np.abs(np.sum(pairs[:, LEVELS:], axis=2))
    return float(np.quantile(bends[np.isfinite(bends)], 0.9)) if np.isfinite(bends).any() else 0.0


def _best(table: Array, noise: Array) -> tuple[Array, Array]:
    values, errors = [], []
    for k in range(1, 4):
        finer = (16**k * table[:, 1:] - table[:, :-1]) / (16**k - 1)
        off = np.maximum(np.abs(finer - table[:, 1:]), np.abs(finer - table[:, :-1]))
        errors.append(off + 2 * noise[:, k:])
        values.append(finer)
        table = finer
    value, error = np.concatenate(values, axis=1), np.concatenate(errors, axis=1)
    error = np.where(np.isfinite(error), error, np.inf)
    best = np.argmin(error, axis=1)
    value, error = _at(value, best), _at(error, best)
    off = np.abs(value - values[0][:, -1])
    return value, np.where(off > 16 * noise[:, -1], np.maximum(error, off), error)


def _kinks(left: Array, right: Array, noise: Array) -> tuple[Array, Array]:
    """Where the slopes from the left and right differ, as much at a quarter of the step; and the
    level, the finest at which their difference stands out of the rounding errors.

    Of a smooth function they differ a quarter as much at a quarter of the step.
    """
    jump = np.abs(right - left)
    clear = jump > 64 * noise
    level = LEVELS - 1 - np.argmax(clear[:, ::-1], axis=1)
    level = np.maximum(level, 2)
    at, before, first = (_at(jump, level - k) for k in (0, 1, 2))
    size = _at(np.abs(right) + np.abs(left), level)
    persists = (at > before / 2) & (before > first / 2) & (at < 2 * before)
    unseen = at < 256 * _at(noise, np.minimum(level + 1, LEVELS - 1))
    persists &= (level == LEVELS - 1) | unseen
    return clear.any(axis=1) & persists & (at > 1e-4 * size), level


def _crossings(left: Array, right: Array, noise: Array) -> Array:
    """Where φ″ = (right − left)/h is not of one size at all steps."""
    curvature, floor = np.abs(right - left) / STEPS, 64 * noise / STEPS
    finer = np.maximum(curvature[:, 1:], floor[:, 1:])
    found = curvature[:, :-1] > 32 * np.maximum.accumulate(finer[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.any(found, axis=1))


def _at(x: Array, level: Array) -> Array:
    return np.asarray(x[np.arange(len(level)), level])
