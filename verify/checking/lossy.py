"""Numbers that are what the machine computes and what is exact, side by side.

In NumPy's arrays of objects they go through a function as floats do, by the same branches. Each
remembers of which it was made, so that from a result with few digits the way leads back to the
operation that lost them.
"""

import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.derivatives import manydigits

DIGITS = 80
GROWS = 2.0**6  # so many times the error of its operands: an operation that loses digits


@dataclasses.dataclass(frozen=True)
class Ledger:
    """The dtype of the machine with its u, and `line`, which says where the program is."""

    dtype: Any
    u: float
    line: Callable[[], str]

    def number(self, x: Any) -> "Lossy":
        low = self.dtype.type(float(x))
        return Lossy(self, low, manydigits.context(DIGITS).mpf(float(low)), "given", ())


class Lossy:
    """`low` as the machine has it, `high` exactly, and by which operation of which others"""

    __slots__ = ("error", "high", "ledger", "line", "low", "name", "of")

    def __init__(
        self, ledger: Ledger, low: Any, high: Any, name: str, of: tuple["Lossy", ...]
    ) -> None:
        self.ledger, self.low, self.high, self.name, self.of = ledger, low, high, name, of
        self.error = _relative(low, high)
        self.line = ledger.line() if self.loses else ""

    @property
    def loses(self) -> bool:
        """Whether it is much less exact than those that it is made of"""
        before = [x.error for x in self.of]
        return bool(before) and self.error > GROWS * max(self.ledger.u, *before)

    @property
    def off(self) -> float:
        return float(abs(float(self.low) - self.high)) if self.error < np.inf else np.inf

    def __float__(self) -> float:
        return float(self.low)

    def __bool__(self) -> bool:
        return bool(self.low)

    def conjugate(self) -> "Lossy":
        return self


def _relative(low: Any, high: Any) -> float:
    """The relative error; ∞ where only one of the two is finite or 0"""
    x = float(low)
    if not np.isfinite(x):
        return np.inf
    if high == 0:
        return 0.0 if x == 0 else np.inf
    return np.inf if x == 0 else float(abs(x - high) / abs(high))


def culprit(x: Lossy) -> list[Lossy]:
    """The way from a result back to the operation that lost its digits, which is the last"""
    path = [x]
    while path[-1].of and not path[-1].loses:
        last = path[-1]
        by_size = last.name in ("add", "sub")
        path.append(max(last.of, key=lambda y: y.off if by_size else y.error))
    return path


# arithmetic


def _operation(name: str, low: Callable[..., Any], high: Callable[..., Any]) -> Any:
    def apply(self: Lossy, *rest: Any) -> Any:
        ledger = self.ledger
        operands = (self, *(_lossy(ledger, x) for x in rest))
        with np.errstate(all="ignore"):
            machine = ledger.dtype.type(low(*(x.low for x in operands)))
        return Lossy(ledger, machine, _safely(high, operands), name, operands)

    return apply


def _safely(high: Callable[..., Any], operands: tuple[Lossy, ...]) -> Any:
    try:
        return high(*(x.high for x in operands))
    except ZeroDivisionError:
        return manydigits.context(DIGITS).inf


def _lossy(ledger: Ledger, x: Any) -> Lossy:
    return x if isinstance(x, Lossy) else ledger.number(x)


def _reflected(apply: Any) -> Any:
    return lambda self, other: apply(_lossy(self.ledger, other), self)


def _compared(compare: Callable[[Any, Any], Any]) -> Any:
    return lambda self, other: bool(compare(self.low, _lossy(self.ledger, other).low))


def _method(name: str) -> Any:
    return _operation(name, getattr(np, name), lambda x: getattr(x, name)())


def _fill() -> None:
    """The operators of floats, and the methods that NumPy calls on objects"""
    for name in ("add", "sub", "mul", "truediv", "pow"):
        apply = _operation(name, getattr(operator, name), getattr(operator, name))
        setattr(Lossy, f"__{name}__", apply)
        setattr(Lossy, f"__r{name}__", _reflected(apply))
    for name in ("neg", "abs"):
        f = getattr(operator, name)
        setattr(Lossy, f"__{name}__", _operation(name, f, f))
    for name in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Lossy, f"__{name}__", _compared(getattr(operator, name)))
    for name in ("exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "tanh", "sinh"):
        setattr(Lossy, name, _method(name))
    for name in ("cosh", "sin", "cos", "tan", "arctan", "rint"):
        setattr(Lossy, name, _method(name))


_fill()
