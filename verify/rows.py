"""All rows of the proof, by number, so that another process can be told which one to check."""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from verify import networks, public, regularized, rules
from verify.cases import HOWS, Case, How, Judged


class Row(NamedTuple):
    """A case and the ways in which it is checked."""

    section: str
    case: Case
    hows: tuple[How, ...]

    def of(self, dtypes: Sequence[str]) -> tuple[How, ...]:
        """The ways in these dtypes, whichever the row has by itself."""
        compiled = dict.fromkeys(how.compiled for how in self.hows)
        return tuple(itertools.starmap(How, itertools.product(dtypes, compiled)))


@functools.cache
def rows() -> tuple[Row, ...]:
    """Rules and public functions in every way, each network of the design in one."""
    design = (
        (networks.network_case(row), (How(row["dtype"], row["compiled"]),))
        for row in networks.design()
    )
    return (
        *(Row("Rules", case, HOWS) for case in rules.all_rules()),
        *(Row("Public functions", case, HOWS) for case in public.all_public()),
        *(Row("Dropout and L2", case, HOWS) for case in regularized.all_regularized()),
        *(Row("Networks: every pair of values occurs", *network) for network in design),
    )


def check(number: int, hows: Sequence[How]) -> list[Judged]:
    return [rows()[number].case.check(how) for how in hows]


def jobs(numbers: Sequence[int], dtypes: Sequence[str] = ()) -> Iterator[tuple[int, list[How]]]:
    """The rows of these numbers, dtype by dtype, in the dtypes given or else in their own."""
    for i in numbers:
        hows = rows()[i].of(dtypes) if dtypes else rows()[i].hows
        for _, of_dtype in itertools.groupby(hows, lambda how: how.dtype):
            yield i, list(of_dtype)
