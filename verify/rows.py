"""All rows of the proof, by number, so that another process can be told which one to check."""

import functools
from typing import NamedTuple

from verify import networks, public, rules
from verify.cases import HOWS, Case, How
from verify.errors import Comparison


class Row(NamedTuple):
    """A case and the ways in which it is checked."""

    section: str
    case: Case
    hows: tuple[How, ...]


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
        *(Row("Networks: every pair of values occurs", *network) for network in design),
    )


def check(number: int, how: How) -> Comparison:
    return rows()[number].case.check(how)
