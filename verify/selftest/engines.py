"""The judges of a gradient: what each says of it, in the same words."""

import dataclasses
from collections.abc import Callable

from verify.mistakes import diagnose
from verify.selftest.task import Task, column, columns, in_columns
from verify.selftest.trial import Gradient

Explanation = tuple[frozenset[str], ...]


@dataclasses.dataclass(frozen=True)
class Said:
    """The verdict, the first array that is wrong, and the kinds that fit, of each explanation"""

    verdict: str
    first: str = ""
    kinds: tuple[Explanation, ...] = ()
    text: str = ""


Engine = Callable[[Task, Gradient], Said]


def by_diagnosis(task: Task, gradient: Gradient) -> Said:
    """`verify.mistakes.diagnose`, which is given the network"""
    found = diagnose(
        task.network(),
        task.params(),
        column(task.X),
        column(task.Y),
        in_columns(*gradient),
        l2=task.l2,
        masks=columns(task.masks),
        dtype=task.dtype,
    )
    return Said(found.verdict, found.first, found.kinds, str(found))
