"""What one check is about."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from verify.checking.calls import eagerly
from verify.checking.findings import Judge
from verify.checking.hands import Read
from verify.checking.inplace import copies, differing
from verify.checking.references import Label, Point, Reference
from verify.checking.settings import Settings
from verify.derivatives.arguments import Arguments, Call
from verify.derivatives.programs import Leaves, outputs
from verify.derivatives.refusals import dtype_of


class Function(NamedTuple):
    """What is differentiated; `out` is what it returns of the arguments, called eagerly."""

    f: Callable[..., Any]
    name: str
    out: Leaves
    labels: Sequence[Label]


class Hand(NamedTuple):
    """What is checked: it gives the value, and pulls a cotangent back.

    is_linear   it takes a cotangent of its own, so that it has laws to keep
    """

    pull: Callable[[tuple[Any, ...], Leaves], Read]
    name: str
    is_linear: bool


@dataclasses.dataclass(frozen=True)
class Problem:
    """The hand beside the function, at some arguments and for some cotangents"""

    name: str
    function: Function
    hand: Hand
    given: Arguments
    cotangents: Sequence[Leaves]
    settings: Settings
    net: Any = None

    @property
    def names(self) -> list[str]:
        return [self.given.names[i] for i in self.given.wanted]

    @property
    def wanted(self) -> list[Any]:
        return [self.given.arrays[i] for i in self.given.wanted]

    @property
    def call(self) -> Call:
        return self.given.call(self.hand.pull)

    def at(self, arrays: Leaves, cotangent: Leaves) -> Point:
        dtypes = map(dtype_of, self.wanted)
        gradient = list(zip(self.names, dtypes, strict=True))
        return Point(self.given, arrays, cotangent, self.function.labels, gradient)

    def eager(self, arrays: Leaves, cotangent: Leaves) -> tuple[Read, list[str]]:
        """What the hand gives, and which arrays it changed in place"""
        handed = copies(cotangent)

        def called(*args: Any) -> Read:
            value, gradient = self.hand.pull(args, handed)
            return copies(value), copies(gradient)

        read, changed = eagerly(self.hand.name, called, self.given, arrays)
        names = ["the cotangent"] * len(handed)
        return read, [*changed, *dict.fromkeys(differing(names, cotangent, handed))]

    def called_again(self) -> Leaves:
        return outputs(
            eagerly(self.function.name, self.function.f, self.given, self.given.arrays)[0]
        )

    def bounds(self) -> list[Any] | None:
        """A user's own, one for each differentiated array"""
        given, bound = self.given, self.settings.bound
        if bound is None or isinstance(bound, int | float):
            return None if bound is None else [bound] * len(given.wanted)
        leaves, structure = jax.tree.flatten(bound)
        if str(structure) != str(given.gradient):
            raise ValueError(
                f"bound: expected a number, or the structure of the gradient, {given.gradient}, "
                f"got {structure}"
            )
        return leaves


@dataclasses.dataclass(frozen=True)
class Case:
    """One cotangent at some arrays: the reference there, and what the hand gave, and how.

    call, batch, number   what was compiled; the stacked arrays and cotangents that it was run
                          with under vmap, and the place of this one among them
    """

    at: Point
    reference: Reference
    read: Read
    how: str = "eager"
    call: Call | None = None
    batch: tuple[Leaves, Leaves] | None = None
    number: int = 0

    @property
    def inputs(self) -> tuple[Leaves, Leaves]:
        return self.batch or (self.at.arrays, self.at.cotangent)

    def is_numeric(self) -> bool:
        return all(np.asarray(x).dtype.kind not in "OSUc" for x in self.read[1])

    def vector(self) -> Any:
        """The hand-written gradient as one, or None where a shape is wrong"""
        return flat(self.read[1], [x.value for x in self.reference.gradient])

    def errors(self, judge: Judge) -> Any:
        """Of every entry, as a multiple of its bound; 0 where nothing can be compared"""
        pairs = enumerate(zip(self.read[1], self.reference.gradient, strict=True))
        return np.concatenate(
            [
                judge.excess(i, x, y).ravel() if _comparable(x, y.value) else np.zeros(y.value.size)
                for i, (x, y) in pairs
            ]
        )


def flat(gradient: Leaves, like: Leaves) -> Any:
    """All of its leaves as one vector, or None where one has not the shape of `like`"""
    if not all(map(_comparable, gradient, like)):
        return None
    return np.concatenate([np.asarray(x).astype(np.float64).ravel() for x in gradient])


def _comparable(x: Any, value: Any) -> bool:
    return np.shape(x) == np.shape(value) and np.asarray(x).dtype.kind not in "OSUc"
