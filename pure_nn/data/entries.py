"""What is asked of the entries of a table, and where a reader finds the one that is not so."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pure_nn.data.fields import is_missing, is_number
from pure_nn.data.matrices import require_numbers

DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")


def place(row: int, lines: Any = None) -> str:
    """A row as a reader finds it: by its line in a text file, else by its number from 0"""
    return f"row {row} (from 0)" + ("" if lines is None else f", line {lines[row]} of the file")


def require_numeric(
    name: str, x: npt.NDArray[Any], lines: Any, others: dict[str, npt.NDArray[Any]]
) -> None:
    """Numbers, not text; `others` are what could be features instead."""
    if x.dtype.kind not in "US" or x.size == 0:
        return require_numbers(f"feature {name!r}", x)
    i, value = _first_text(x.ravel())
    comma = "; write decimals with a point" if DECIMAL_COMMA.fullmatch(value) else ""
    raise TypeError(
        f"feature {name!r}: expected numbers, got {value!r} in "
        f"{place(i // (x.size // len(x)), lines)}{comma}; mend it, {_instead(others)}"
    )


def _instead(others: dict[str, npt.NDArray[Any]]) -> str:
    numeric = [repr(name) for name, x in others.items() if x.dtype.kind in "biuf"]
    if not numeric:
        return "as no other column holds numbers"
    return (
        f"or leave the column out and name the features: {', '.join(numeric[:10])}"
        f"{', …' * (len(numeric) > 10)} hold{'s' * (len(numeric) == 1)} numbers"
    )


def _first_text(x: npt.NDArray[Any]) -> tuple[int, str]:
    """The first entry that keeps a column from being one of numbers, or the first of all"""
    texts = np.char.decode(x, "utf-8", "replace") if x.dtype.kind == "S" else x
    for i, value in enumerate(texts.tolist()):
        if not (is_number(value) or is_missing(value)):
            return i, value
    return 0, str(texts[0])


def require_finite_rows(rows: npt.NDArray[Any], names: Sequence[str], lines: Any) -> None:
    """Row by row in blocks, so that no second matrix is needed"""
    for start in range(0, len(rows), 4096):
        bad = np.argwhere(~np.isfinite(rows[start : start + 4096]))
        if len(bad):
            row, column = start + int(bad[0, 0]), int(bad[0, 1])
            raise ValueError(
                f"feature {names[column]!r}: expected finite numbers, got {rows[row, column]} in "
                f"{place(row, lines)}, column {column}; a missing entry is nan: fill it or drop "
                "the row"
            )


def require_target(y: npt.NDArray[Any], name: str, lines: Any) -> None:
    if y.dtype.kind not in "biufU":
        raise TypeError(f"{name}: expected numbers or text, got dtype {y.dtype}")
    bad = np.flatnonzero(y == "" if y.dtype.kind == "U" else ~np.isfinite(y))
    if len(bad):
        got = repr(str(y[bad[0]])) if y.dtype.kind == "U" else y[bad[0]]
        raise ValueError(
            f"{name}: expected a value for every example, got {got} in "
            f"{place(int(bad[0]), lines)}; {len(bad)} such in all: fill them or drop their rows"
        )
