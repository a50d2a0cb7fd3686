"""Published numbers beside ours."""

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

EXACT = 1e-12  # relative; sources that print all digits differ among themselves by 1e-14


@dataclasses.dataclass(frozen=True)
class Row:
    """A number as it was printed, and ours.

    `published` is a number ("0.693147"), a range ("90.0–91.0") or a limit ("< 2e-7"). Unless
    `within` is given, a number may differ by half a unit of its last printed digit.
    """

    what: str
    published: str
    ours: float
    within: float | None = None
    step: int | None = None  # of a cost

    @property
    def difference(self) -> float:
        """ours − published, or 0 inside a range."""
        low, high = self._ends()
        return self.ours - float(np.clip(self.ours, low, high))

    @property
    def allowed(self) -> float:
        if self.within is not None:
            return self.within
        low, high = self._ends()
        return max(0.51 * 10.0**-self.decimals, EXACT * abs(low)) if low == high else 0.0

    @property
    def reproduced(self) -> bool:
        return abs(self.difference) <= self.allowed

    @property
    def decimals(self) -> int:
        *_, last = self.published.removeprefix("< ").split("–")
        exponent = Decimal(last).as_tuple().exponent
        assert isinstance(exponent, int), "a number is finite"
        return -exponent

    def as_json(self) -> dict[str, Any]:
        derived = {name: getattr(self, name) for name in ("difference", "allowed", "reproduced")}
        return dataclasses.asdict(self) | derived

    def _ends(self) -> tuple[float, float]:
        if self.published.startswith("< "):
            return 0.0, float(self.published.removeprefix("< "))
        low, *rest = map(float, self.published.split("–"))
        return low, (rest or [low])[0]


def costs(
    what: str,
    ours: npt.NDArray[Any],
    published: str,
    every: int,
    within: float | None = None,
    first: int = 0,
) -> list[Row]:
    """A row for each published cost that was reached: those at first, first + every, …"""
    labelled = zip(range(first, len(ours), every), published.split(), strict=False)
    return [Row(f"{what}{i}", text, float(ours[i]), within, i) for i, text in labelled]


def text(rows: Sequence[Row]) -> Iterator[str]:
    """Lines with what was published, ours, how far apart they are, and how far they may be."""
    width = max(len(row.what) for row in rows)
    yield f"  {'':{width}}{'published':>23}{'ours':>23}{'difference':>13}{'allowed':>10}"
    for row in rows:
        verdict = "" if row.reproduced else "   NOT REPRODUCED"
        yield (
            f"  {row.what:{width}}{row.published:>23}{_shown(row):>23}"
            f"{row.difference:>13.1e}{row.allowed:>10.1e}{verdict}"
        )


def _shown(row: Row) -> str:
    """Ours with as many digits as were printed, or two under a limit."""
    if "e" in row.published:
        digits = len(row.published.partition("e")[0].partition(".")[2])
        return f"{row.ours:.{digits or 1}e}"
    return f"{row.ours:.{row.decimals}f}"
