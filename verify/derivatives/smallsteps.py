"""Derivatives of a function that is not traced, by a step of 10⁻⁴⁰ in arithmetic of 120 digits."""

from typing import Any

import numpy as np

from verify.derivatives import manydigits
from verify.derivatives.evidence import Evidence, phi_of, vector_of
from verify.derivatives.manydigits import NotApplicable
from verify.derivatives.numeric import Derivatives
from verify.derivatives.primal import Primal
from verify.derivatives.probes import Probes
from verify.derivatives.programs import Leaves
from verify.errors import unit_roundoff

DIGITS, SAME = 120, 1e-12
LARGEST = 2e6  # of the entries times the longest axis times the probes: some seconds


def in_many_digits(function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes) -> Evidence:
    """By a step of 10⁻⁴⁰ to either side. NotApplicable: why not."""
    longest = max((max(np.shape(x), default=1) for x in arrays), default=1)
    if sum(np.size(x) for x in arrays) * longest * len(probes.rows) > LARGEST:
        raise NotApplicable("that would take too long")
    try:
        with np.errstate(all="ignore"):
            left, right = _slopes(function, arrays, cotangent, probes)
    except Exception as error:
        why = f"it takes no numbers of many digits ({type(error).__name__})"
        raise NotApplicable(why) from None
    kink = ~(np.abs(right - left) <= SAME * (np.abs(right) + np.abs(left)))
    value, nothing = (right + left) / 2, np.zeros(len(left), bool)
    rounding = unit_roundoff("float64") * np.abs(value)
    derivatives = Derivatives(value, rounding, left, right, kink, nothing)
    return Evidence(manydigits.MANY, probes, derivatives)


def _slopes(function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes) -> Any:
    """From the left and from the right"""
    numbers, step = manydigits.many_digits(DIGITS), manydigits.context(DIGITS).mpf(10) ** -40
    vector = numbers.of(vector_of(function, arrays))
    phi = phi_of(function, [numbers.given(x) for x in arrays], cotangent)
    rays = [numbers.of(ray) for ray in probes.rays(vector.size)]
    sides = [(-phi(vector - step * ray) / step, phi(vector + step * ray) / step) for ray in rays]
    return np.array(sides, np.float64).T
