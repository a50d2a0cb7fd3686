"""One matrix with an example per row, from the arrays of a file."""

import difflib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Shaped

from pure_nn.data.matrices import require_numbers

Arrays = Mapping[str, npt.NDArray[Any]]
ONE_COLUMN = re.compile(r"(.+)\[(\d+)\]")  # of an array with more than one


class Table(NamedTuple):
    """The features of m examples, one example per row, their names, and every example's target."""

    rows: Float[np.ndarray, "m n"]
    names: tuple[str, ...]
    target: Shaped[np.ndarray, " m"] | None


def table(
    arrays: Arrays,
    target: str | npt.ArrayLike | None = None,
    features: Sequence[str] | None = None,
) -> Table:
    """The matrix of `features`, each an array by its name or one column as "name[3]".

    Without `features`, of all arrays but the target, which is one of them or given itself. An
    array with more axes than two gives every example's entries in one row, as "name[0]", ….

    ValueError: arrays or columns that are not there, arrays of other lengths, an entry that is
    missing, NaN or infinite, no examples. TypeError: text where a number has to be.
    """
    y = _target(arrays, target)
    chosen = _names(arrays, target, features)
    lines = getattr(arrays, "lines", None)
    m = _examples(arrays, chosen, y)
    parts = [_part(arrays, name, group, m, lines) for name, group in _grouped(arrays, chosen)]
    names = tuple(name for _, columns in parts for name in columns)
    rows = np.concatenate([part for part, _ in parts], axis=1)
    if rows.size == 0:
        raise ValueError(f"rows: expected at least one entry, got shape {rows.shape}")
    _require_finite(rows, names, lines)
    if y is not None:
        _require_target(y, "target" if not isinstance(target, str) else f"target {target!r}", lines)
    return Table(rows, names, y)


def place(row: int, lines: Any = None) -> str:
    """A row as a reader finds it: by its line in a text file, else by its number from 0"""
    return f"row {row} (from 0)" + ("" if lines is None else f", line {lines[row]} of the file")


def _target(arrays: Arrays, target: str | npt.ArrayLike | None) -> npt.NDArray[Any] | None:
    if target is None:
        return None
    y = np.asarray(_found(arrays, target, "target") if isinstance(target, str) else target)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        hint = "; of one-hot rows, the labels are target.argmax(axis=1)" if y.ndim == 2 else ""
        raise ValueError(f"target: expected one value per example, got shape {y.shape}{hint}")
    return np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y


def _names(
    arrays: Arrays, target: str | npt.ArrayLike | None, features: Sequence[str] | None
) -> list[str]:
    """The arrays and single columns to take, known to be there"""
    if isinstance(features, str):
        raise TypeError(f"features: expected several names, got one text; write [{features!r}]")
    left = [name for name in arrays if not (isinstance(target, str) and name == target)]
    chosen = left if features is None else list(features)
    if not chosen:
        raise ValueError(f"features: expected at least one, got none of {_listed(arrays)}")
    if isinstance(target, str) and target in chosen:
        raise ValueError(f"features: expected others than the target, got {target!r}")
    for name in chosen:
        _found(arrays, _base(arrays, name), "features")
    return chosen


def _found(arrays: Arrays, name: str, what: str) -> npt.NDArray[Any]:
    if name not in arrays:
        near = difflib.get_close_matches(name, arrays, 1)
        raise ValueError(
            f"{what}: found no {name!r}; there {'is' if len(arrays) == 1 else 'are'} "
            f"{_listed(arrays)}" + (f". Did you mean {near[0]!r}?" if near else "")
        )
    return np.asarray(arrays[name])


def _listed(arrays: Arrays, most: int = 20) -> str:
    names = ", ".join(
        f"{name!r} {np.shape(x)}" for name, x in itertools.islice(arrays.items(), most)
    )
    return names + (f" and {len(arrays) - most} more" if len(arrays) > most else "")


def _base(arrays: Arrays, name: str) -> str:
    """The array that a name is a column of, if it is none itself"""
    match = None if name in arrays else ONE_COLUMN.fullmatch(name)
    return match[1] if match and match[1] in arrays else name


def _examples(arrays: Arrays, chosen: list[str], y: npt.NDArray[Any] | None) -> int:
    """The one length of all"""
    lengths = {name: np.shape(arrays[name])[:1] for name in {_base(arrays, n): 0 for n in chosen}}
    m = next(iter(lengths.values())) if y is None else y.shape
    other = {name: n for name, n in lengths.items() if n != m}
    if other or m == ():
        name = next(iter(other or lengths))
        raise ValueError(
            f"features: expected arrays of one length, {m[0] if m else 'the number of examples'}"
            f"{'' if y is None else ' as the target has'}, got {name!r} of shape "
            f"{np.shape(arrays[name])}; name those that belong together, from {_listed(arrays)}"
        )
    return int(m[0])


def _grouped(arrays: Arrays, chosen: list[str]) -> Iterator[tuple[str, list[int] | None]]:
    """Every array with the columns of it, in the order asked for; None for all of them"""
    for base, group in itertools.groupby(chosen, lambda name: _base(arrays, name)):
        names = list(group)
        if names[0] == base:
            yield from ((name, None) for name in names)
        else:
            yield base, [int(name[len(base) + 1 : -1]) for name in names]


def _part(
    arrays: Arrays, name: str, columns: list[int] | None, m: int, lines: Any
) -> tuple[npt.NDArray[Any], list[str]]:
    x = np.asarray(arrays[name])
    _require_numeric(arrays, name, x, lines)
    flat = x.reshape(m, math.prod(x.shape[1:]))
    names = [name] if x.ndim == 1 else [f"{name}[{c}]" for c in range(flat.shape[1])]
    if columns is not None:
        if max(columns) >= len(names) or x.ndim == 1:
            raise ValueError(f"features: found no '{name}[{max(columns)}]'; {_listed({name: x})}")
        flat, names = flat[:, columns], [names[c] for c in columns]
    return flat.astype(np.result_type(flat.dtype, np.float32)), names


def _require_numeric(arrays: Arrays, name: str, x: npt.NDArray[Any], lines: Any) -> None:
    if x.dtype.kind not in "US" or x.size == 0:
        return require_numbers(f"feature {name!r}", x)
    row, value = _first_text(x.ravel())
    comma = "; write decimals with a point" if re.fullmatch(r"\s*[+-]?\d+,\d+\s*", value) else ""
    numeric = [n for n, other in arrays.items() if np.asarray(other).dtype.kind in "biuf"]
    raise TypeError(
        f"feature {name!r}: expected numbers, got {value!r} in "
        f"{place(row // (x.size // len(x)), lines)}{comma}; mend it, or leave the column out and "
        f"name the features: {', '.join(map(repr, numeric[:10]))} hold numbers"
    )


def _first_text(x: npt.NDArray[Any]) -> tuple[int, str]:
    """The first entry that is no number, or the first of all"""
    for i, value in enumerate(x.tolist()):
        try:
            float(value)
        except ValueError:
            return i, str(value)
    return 0, str(x[0])


def _require_finite(rows: npt.NDArray[Any], names: Sequence[str], lines: Any) -> None:
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


def _require_target(y: npt.NDArray[Any], name: str, lines: Any) -> None:
    if y.dtype.kind not in "biufU":
        raise TypeError(f"{name}: expected numbers or text, got dtype {y.dtype}")
    bad = np.flatnonzero(y == "" if y.dtype.kind == "U" else ~np.isfinite(y))
    if len(bad):
        got = repr(str(y[bad[0]])) if y.dtype.kind == "U" else y[bad[0]]
        raise ValueError(
            f"{name}: expected a value for every example, got {got} in "
            f"{place(int(bad[0]), lines)}; {len(bad)} such in all: fill them or drop their rows"
        )
