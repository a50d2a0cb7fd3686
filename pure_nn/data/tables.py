"""One matrix with an example per row, from the arrays of a file."""

import difflib
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int, Shaped

from pure_nn.data.entries import require_finite_rows, require_numeric, require_target

Arrays = Mapping[str, npt.NDArray[Any]]
ONE_COLUMN = re.compile(r"(.+)\[(\d+)\]")  # of an array with more than one


class Table(NamedTuple):
    """The features of m examples, one example per row, their names, and every example's target;
    of a text file, the line on which each example begins.
    """

    rows: Float[np.ndarray, "m n"]
    names: tuple[str, ...]
    target: Shaped[np.ndarray, " m"] | None
    lines: Int[np.ndarray, " m"] | None = None


class _Named(NamedTuple):
    """An array, or one column of it."""

    array: str
    column: int | None

    def shares(self, other: "_Named") -> bool:
        """Whether an entry of one is an entry of the other"""
        same = None in (self.column, other.column) or self.column == other.column
        return self.array == other.array and same


def table(
    arrays: Arrays,
    target: str | npt.ArrayLike | None = None,
    features: Sequence[str] | None = None,
) -> Table:
    """The matrix of `features`, each an array by its name or one column as "name[3]".

    Without `features`, of all but the target, which is also a name, or is given itself. An
    array with more axes than two gives every example's entries in one row, as "name[0]", ….

    ValueError: arrays or columns that are not there, or named twice, arrays of other lengths, an
    entry that is missing, NaN or infinite, no examples. TypeError: text where a number has to be.
    """
    y = _target(arrays, target)
    others = _others(arrays, target)
    chosen = _chosen(arrays, target, others if features is None else features)
    lines = getattr(arrays, "lines", None)
    rows, names = _matrix(arrays, chosen, _examples(arrays, chosen, y), lines, others)
    if rows.size == 0:
        raise ValueError(f"rows: expected at least one entry, got shape {rows.shape}")
    require_finite_rows(rows, names, lines)
    if y is not None:
        require_target(y, "target" if not isinstance(target, str) else f"target {target!r}", lines)
    return Table(rows, names, y, lines)


def _target(arrays: Arrays, target: str | npt.ArrayLike | None) -> npt.NDArray[Any] | None:
    if target is None:
        return None
    y = _named_target(arrays, target) if isinstance(target, str) else np.asarray(target)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        hint = "; of one-hot rows, the labels are target.argmax(axis=1)" if y.ndim == 2 else ""
        if isinstance(target, str) and y.ndim == 2:
            hint += f"; one column is {target + '[0]'!r}"
        raise ValueError(f"target: expected one value per example, got shape {y.shape}{hint}")
    return np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y


def _named_target(arrays: Arrays, target: str) -> npt.NDArray[Any]:
    name, column = _named(arrays, target)
    x = _found(arrays, name, "target")
    return x if column is None else _columns("target", name, x, [column])[:, 0]


def _others(arrays: Arrays, target: str | npt.ArrayLike | None) -> list[str]:
    """All but the target; of an array of which it is one column, the other columns"""
    if not isinstance(target, str):
        return list(arrays)
    name, column = _named(arrays, target)
    width = 0 if column is None else math.prod(np.shape(arrays[name])[1:])
    rest = [f"{name}[{c}]" for c in range(width) if c != column]
    return [n for array in arrays for n in (rest if array == name else [array])]


def _chosen(
    arrays: Arrays, target: str | npt.ArrayLike | None, features: Sequence[str]
) -> list[_Named]:
    """The arrays and single columns to take, known to be there"""
    if isinstance(features, str):
        raise TypeError(f"features: expected several names, got one text; write [{features!r}]")
    if len(features) == 0:
        raise ValueError(f"features: expected at least one, got none of {_listed(arrays)}")
    chosen = [_named(arrays, name) for name in features]
    for feature, name in zip(chosen, features, strict=True):
        if isinstance(target, str) and feature.shares(_named(arrays, target)):
            which = "" if name == target else f" {target!r}"
            raise ValueError(f"features: expected others than the target{which}, got {name!r}")
        _found(arrays, feature.array, "features")
    return chosen


def _named(arrays: Arrays, name: str) -> _Named:
    """What is there by that name, else what it is a column of"""
    match = None if name in arrays else ONE_COLUMN.fullmatch(name)
    return _Named(match[1], int(match[2])) if match and match[1] in arrays else _Named(name, None)


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


def _examples(arrays: Arrays, chosen: list[_Named], y: npt.NDArray[Any] | None) -> int:
    """The one length of all"""
    lengths = {name: np.shape(arrays[name])[:1] for name in {n.array: 0 for n in chosen}}
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


def _matrix(
    arrays: Arrays, chosen: list[_Named], m: int, lines: Any, others: list[str]
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """All of them side by side, and a name for each column"""
    could_be = {name: np.asarray(arrays[_named(arrays, name).array]) for name in others}
    parts = []
    for name, columns in _grouped(chosen):
        x = np.asarray(arrays[name])
        require_numeric(name, x, lines, could_be)
        parts.append(_part(name, x, columns, m))
    names = tuple(name for _, columns in parts for name in columns)
    _require_once(names)
    return np.concatenate([part for part, _ in parts], axis=1), names


def _grouped(chosen: list[_Named]) -> Iterator[tuple[str, list[int] | None]]:
    """Every array with the columns of it, in the order asked for; None for all of them"""
    for (name, whole), group in itertools.groupby(chosen, lambda n: (n.array, n.column is None)):
        if whole:
            yield from ((name, None) for _ in group)
        else:
            yield name, [n.column for n in group if n.column is not None]


def _part(
    name: str, x: npt.NDArray[Any], columns: list[int] | None, m: int
) -> tuple[npt.NDArray[Any], list[str]]:
    if columns is None:
        flat = x.reshape(m, math.prod(x.shape[1:]))
        names = [name] if x.ndim == 1 else [f"{name}[{c}]" for c in range(flat.shape[1])]
    else:
        flat, names = _columns("features", name, x, columns), [f"{name}[{c}]" for c in columns]
    return flat.astype(np.result_type(flat.dtype, np.float32)), names


def _columns(what: str, name: str, x: npt.NDArray[Any], columns: list[int]) -> npt.NDArray[Any]:
    """Some of the entries of every example, which are one row of it"""
    if x.ndim < 2 or max(columns) >= math.prod(x.shape[1:]):
        raise ValueError(f"{what}: found no '{name}[{max(columns)}]'; {_listed({name: x})}")
    found: npt.NDArray[Any] = x.reshape(len(x), math.prod(x.shape[1:]))[:, columns]
    return found


def _require_once(names: Sequence[str]) -> None:
    name, times = Counter(names).most_common(1)[0] if names else ("", 1)
    if times > 1:
        raise ValueError(f"features: expected each of them once, got {name!r} {times} times")
