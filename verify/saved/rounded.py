"""Numbers that were printed with few digits, and read again."""

import numpy as np

from verify.saved.fit import gradients
from verify.saved.readings import Reading

PLACES = range(2, 10)
LAST = 2.0**-50  # relative to the number, the last bits of what was a decimal


def decimals(reading: Reading) -> int:
    """How many all gradients are rounded to, of which nothing else is wrong; 0 if they are not"""
    for places in PLACES:
        half = 0.5 * 10.0**-places
        if all(
            got.shape == right.shape
            and np.all(np.abs(got - np.round(got, places)) <= LAST * np.abs(got))
            and np.all(np.abs(got - right) <= half * 1.001)
            for got, right in gradients(reading)
        ):
            return places if _are_seen(reading, half) else 0
    return 0


def _are_seen(reading: Reading, half: float) -> bool:
    """Whether most of the gradient is above that rounding"""
    return any(np.max(np.abs(right)) > 20 * half for _, right in gradients(reading))
