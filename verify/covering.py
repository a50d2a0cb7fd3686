"""Few rows in which every pair of values occurs: a covering design of strength two.

Cohen, Dalal, Fredman & Patton, The AETG system, IEEE Trans. Software Eng. 23 (1997): each new row
starts from a pair that is still missing and takes, factor by factor, the value that brings most.
"""

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]
Pair = frozenset[tuple[str, Any]]


def pairwise(
    factors: Mapping[str, Sequence[Any]],
    allowed: Callable[[Row], bool],
    cheap: Callable[[Row], bool] = bool,
    tries: int = 20,
) -> list[Row]:
    """Rows that hold every pair of values which `allowed` admits; it is given parts of rows too.

    Of rows that bring as much, a `cheap` one is taken.
    """
    missing, rng, rows = dict.fromkeys(pairs(factors, allowed)), random.Random(0), []
    while missing:
        first = next(iter(missing))
        candidates = [_complete(dict(first), factors, allowed, missing, rng) for _ in range(tries)]
        row = max(candidates, key=lambda row: (len(pairs_of(row) & missing.keys()), cheap(row)))
        missing = {pair: None for pair in missing if pair not in pairs_of(row)}
        rows.append(row)
    return rows


def pairs(factors: Mapping[str, Sequence[Any]], allowed: Callable[[Row], bool]) -> list[Pair]:
    """Every pair of values of two factors that may stand in one row."""
    values = [[(name, value) for value in factors[name]] for name in factors]
    couples = itertools.chain(
        *itertools.starmap(itertools.product, itertools.combinations(values, 2))
    )
    return [frozenset(couple) for couple in couples if allowed(dict(couple))]


def pairs_of(row: Row) -> set[Pair]:
    return {frozenset(couple) for couple in itertools.combinations(row.items(), 2)}


def _complete(
    row: Row,
    factors: Mapping[str, Sequence[Any]],
    allowed: Callable[[Row], bool],
    missing: Mapping[Pair, None],
    rng: random.Random,
) -> Row:
    open_factors = [name for name in factors if name not in row]
    for name in rng.sample(open_factors, len(open_factors)):
        values = [v for v in factors[name] if allowed({**row, name: v})]
        gains = {
            v: sum(frozenset([(name, v), old]) in missing for old in row.items()) for v in values
        }
        best = [v for v in values if gains[v] == max(gains.values())]
        row = {**row, name: rng.choice(best)}
    return {name: row[name] for name in factors}
