"""All rows of the proof, by number, so that another process can be told which one to check."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from verify import lawful, networks, public, quantities, regularized, rules, stacks
from verify.cases import HOWS, Case, How, Judged
from verify.lawful import Lawful

COMPILED = tuple(how for how in HOWS if how.compiled)
ONCE_EAGERLY = (*COMPILED, How("float32", compiled=False))
IN_FLOAT64 = tuple(how for how in COMPILED if how.dtype == "float64")
LAWS = "Laws, which need no oracle: the errors are those of jit and eager calls together"


class Row(NamedTuple):
    """A case and the ways in which it is checked."""

    section: str
    case: Case | Lawful
    hows: tuple[How, ...]

    @property
    def shares(self) -> bool:
        """What it computes with the other rows of its section"""
        return isinstance(self.case, Lawful)

    def of(self, dtypes: Sequence[str]) -> tuple[How, ...]:
        """The ways in these dtypes, whichever the row has by itself."""
        compiled = dict.fromkeys(how.compiled for how in self.hows)
        return tuple(itertools.starmap(How, itertools.product(dtypes, compiled)))


@functools.cache
def rows() -> tuple[Row, ...]:
    """Rules in every way; what is made of them eagerly in one dtype, a scan never; quantities in
    float64, compiled; each law and each network of the design in one way."""
    design = (
        (networks.network_case(row), (How(row["dtype"], row["compiled"]),))
        for row in networks.design()
    )
    return (
        *(Row("Rules", case, HOWS) for case in rules.all_rules()),
        *(Row("Public functions", case, ONCE_EAGERLY) for case in public.all_public()),
        *(Row("Public functions", case, COMPILED) for case in stacks.all_stacked()),
        *(Row("Dropout and L2", case, ONCE_EAGERLY) for case in regularized.all_regularized()),
        *(Row("Quantities", case, IN_FLOAT64) for case in quantities.all_quantities()),
        *(Row(LAWS, case, (How("float32", compiled=True),)) for case in lawful.all_laws()),
        *(Row("Networks: every pair of values occurs", *network) for network in design),
    )


def check(number: int, hows: Sequence[How]) -> list[Judged]:
    return [rows()[number].case.check(how) for how in hows]


def check_together(numbers: Sequence[int], hows: Sequence[How]) -> list[list[Judged]]:
    return [check(number, hows) for number in numbers]


def jobs(
    numbers: Sequence[int], dtypes: Sequence[str] = ()
) -> Iterator[tuple[tuple[int, ...], list[How]]]:
    """The rows of these numbers, dtype by dtype, in the dtypes given or else in their own.

    A process is given one row; but all that share what they compute.
    """
    for _, alike in itertools.groupby(numbers, lambda i: -1 if rows()[i].shares else i):
        together = tuple(alike)
        hows = rows()[together[0]].of(dtypes) if dtypes else rows()[together[0]].hows
        for _, of_dtype in itertools.groupby(hows, lambda how: how.dtype):
            yield together, list(of_dtype)
