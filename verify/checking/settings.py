"""What a user may choose, for every kind of check."""

import dataclasses
import secrets
from collections.abc import Collection
from typing import Any, TypedDict

from verify.checking.judge import FACTOR

ORACLES = ("same dtype", "differences", "complex step", "many digits")


class Options(TypedDict, total=False):
    """The keyword arguments of every check: the fields of Settings."""

    factor: float
    bound: Any
    zeros_ok: bool
    any_tie: bool
    oracles: Collection[str]
    seed: int | None


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a user may choose, for every kind of check.

    factor     c of the bound c (u · largest + response) on every entry, which `verify.judge` states
    bound      absolute bounds in its place: a number, or a tree like the gradient
    zeros_ok   a gradient that is all zeros is the answer, not an empty check
    any_tie    on a kink, any derivative between those from the left and the right will do
    oracles    those to use beside `jax.grad` in float64, by name; all by default
    seed       of every random direction, cotangent and change; a fresh one by default
    """

    factor: float = FACTOR
    bound: Any = None
    zeros_ok: bool = False
    any_tie: bool = False
    oracles: Collection[str] = ORACLES
    seed: int | None = None

    def __post_init__(self) -> None:
        unknown = set(self.oracles) - set(ORACLES)
        if unknown:
            raise ValueError(
                f"oracles: expected some of {', '.join(ORACLES)}, got {', '.join(sorted(unknown))}"
            )
        if not self.factor > 0:
            raise ValueError(f"factor: expected a positive number, got {self.factor}")
        if self.seed is None:
            object.__setattr__(self, "seed", secrets.randbelow(2**32))


def chosen(options: Options) -> Settings:
    """TypeError: an option that there is not."""
    known = [field.name for field in dataclasses.fields(Settings)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(f"expected options among {', '.join(known)}, got {', '.join(unknown)}")
    return Settings(**options)
