"""Arithmetic in many digits: mpmath's numbers in NumPy's arrays, and the 80 bits of long double.

Sixty digits, and then as many as it takes until twice as many change nothing, because 1 − A² of a
saturated unit loses any fixed number of them.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr

from verify.derivatives.interpreter import Numbers, TooLong, evaluate
from verify.derivatives.primitives import NotInTheTable

try:
    from mpmath import mp

    MPContext: Any = type(mp)
except ModuleNotFoundError:
    MPContext = None

LIMIT = 100_000.0  # operations in many digits: about a second
LIMIT_80_BITS = 1e8  # the same in 80 bits
DIGITS = (60, 120, 240, 480, 960)
AGREED = 1e-25
NOTHING = 5e-324  # in float64
MANY, EIGHTY = "many digits", "80 bits"
LEFT = {MANY: 0.0, EIGHTY: 2.0**-8}  # of an error in float64, at most: 80 bits have 11 more

Leaves = list[Any]
Run = Callable[[Numbers], Leaves]


class NotApplicable(Exception):
    """Why an oracle cannot judge the function."""


@functools.cache
def context(digits: int) -> Any:
    """Its numbers have the methods that NumPy's functions call on objects."""
    if MPContext is None:
        raise NotApplicable("mpmath is not installed: pip install 'pure_nn[verify]'")
    made = MPContext()
    made.dps = digits
    for name, f in _methods(made).items():
        setattr(made.mpf, name, f)
    return made


def _methods(m: Any) -> dict[str, Callable[..., Any]]:
    """By the names that NumPy calls; outside a domain they are NaN, as in floating point."""

    def within(low: Any, high: Any, f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: f(x) if low <= x <= high else m.nan

    everywhere = ("exp", "expm1", "tanh", "sinh", "cosh", "sin", "cos", "tan", "erf", "erfc")
    found = {name: _bound(getattr(m, name)) for name in (*everywhere, "digamma")}
    found |= {"exp2": lambda x: m.mpf(2) ** x, "cbrt": lambda x: m.sign(x) * m.cbrt(abs(x))}
    found |= {"log": within(0, math.inf, m.ln), "sqrt": within(0, math.inf, m.sqrt)}
    found |= {"log2": within(0, math.inf, lambda x: m.log(x, 2))}
    found |= {"log10": within(0, math.inf, m.log10), "log1p": within(-1, math.inf, m.log1p)}
    found |= {"lgamma": _bound(m.loggamma), "erf_inv": within(-1, 1, m.erfinv)}
    found |= {"arcsin": within(-1, 1, m.asin), "arccos": within(-1, 1, m.acos)}
    found |= {"arctanh": within(-1, 1, m.atanh), "arccosh": within(1, math.inf, m.acosh)}
    found |= {"arctan": _bound(m.atan), "arcsinh": _bound(m.asinh), "rint": _bound(m.nint)}
    return found | {"polygamma": lambda x, n: m.psi(int(n), x)}


def _bound(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: f(x)


def many_digits(digits: int) -> Numbers:
    return Numbers(object, np.frompyfunc(context(digits).mpf, 1, 1), LIMIT)


def eighty_bits() -> Numbers:
    if np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant:
        raise NotApplicable("long double has no more bits than float64 here")
    return Numbers(np.longdouble, lambda x: np.asarray(x, np.longdouble), LIMIT_80_BITS)


def of_jaxpr(closed: ClosedJaxpr, arrays: Sequence[Any]) -> Run:
    """What the program returns of these numbers, all of them exact"""
    return lambda numbers: evaluate(closed, numbers, [numbers.given(x) for x in arrays])


def exactly(run: Run, entrywise: bool = False) -> tuple[str, Leaves]:
    """The results in many digits, or where that takes too long in 80 bits; and in which.

    NotApplicable: why in neither.
    """
    try:
        return MANY, settled(run, entrywise)
    except TooLong:
        pass
    except NotInTheTable as error:
        raise NotApplicable(f"it has no form for {error}") from None
    try:
        return EIGHTY, run(eighty_bits())
    except NotInTheTable as error:
        raise NotApplicable(f"too long in many digits; 80 bits have no form for {error}") from None
    except TooLong:
        raise NotApplicable("the program is too long for it") from None


def settled(run: Run, entrywise: bool) -> Leaves:
    """With so many digits that twice as many change nothing, of each entry or of each leaf."""
    before = run(many_digits(DIGITS[0]))
    for digits in DIGITS[1:]:
        now = run(many_digits(digits))
        same = all(_agree(x, y, entrywise) for x, y in zip(before, now, strict=True))
        if same and (digits == DIGITS[-1] or not any(_may_be_lost(x, entrywise) for x in now)):
            return now
        before = now
    raise NotApplicable(f"{DIGITS[-1]} digits are not enough")


def _may_be_lost(x: Any, entrywise: bool) -> bool:
    """Whether there is a 0 that all digits of a difference may be lost in"""
    zero = np.asarray(x) == 0
    return bool(np.any(zero) if entrywise else np.all(zero))


def _agree(x: Any, y: Any, entrywise: bool) -> bool:
    """NaN agrees with NaN: it does not come from too few digits."""
    known = (x == x) & (y == y)
    off, size = np.abs(np.where(known, y - x, 0)), np.abs(np.where(known, y, 0))
    largest = size if entrywise else np.max(size, initial=0)
    return bool(np.all((x == x) == (y == y)) and np.all(off <= AGREED * largest + NOTHING))


def split(x: Any) -> tuple[Any, Any]:
    """Numbers of more digits as sums of two float64"""
    high = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        low = np.asarray(x - high, np.float64)
    return high, np.where(np.isfinite(low), low, 0)
