"""CSV and TSV: a column of numbers for every column that holds only numbers, else one of text."""

import csv
import dataclasses
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pure_nn.data.damage import DataError, damage_named, opened
from pure_nn.data.fields import Column, is_missing, is_number, short_text

SEPARATORS = ",;\t|"
ROWS_AT_ONCE, LONGEST_LINE = 4096, 1 << 24


class Row(NamedTuple):
    """The fields of a row, and the line of the file on which it begins, from 1."""

    line: int
    fields: list[str]


class Columns(dict[str, npt.NDArray[Any]]):
    """The columns of a text file by name, and the line of the file on which every row begins."""

    lines: npt.NDArray[np.int64]


def read_text(path: Path, header: bool | None = None) -> Columns:
    """The columns by name; of a file without a header, named "0", "1", ….

    A first row is the header if it holds no number, or if it holds text where the second row holds
    a number; `header` says so otherwise. Empty lines are skipped. Where a number is missing (an
    empty field, NA, ?, …), NaN stands; where text is, "".
    """
    with damage_named(path, "text in UTF-8"):
        file = _TextFile(path, _separator(path))
        names, first = _header(file, header)
        columns = [Column() for _ in names]
        lines: list[int] = []
        body = file.body(len(names), first)
        while rows := list(itertools.islice(body, ROWS_AT_ONCE)):
            lines += [row.line for row in rows]
            for column, fields in zip(
                columns, zip(*(r.fields for r in rows), strict=True), strict=True
            ):
                column.add(fields)
        if not lines:
            raise DataError(f"{path}: expected rows below the header {names}, got none")
        text = _text(file, names, first, [c for c, x in enumerate(columns) if not x.numeric])
        found = Columns({n: text.get(n, c.numbers()) for n, c in zip(names, columns, strict=True)})
        found.lines = np.array(lines)
    return found


def _text(
    file: "_TextFile", names: list[str], first: int, which: list[int]
) -> dict[str, npt.NDArray[Any]]:
    """The columns of text, by a second reading: only now is it known which they are."""
    texts: list[list[str]] = [[] for _ in which]
    if which:
        for row in file.body(len(names), first):
            for column, c in zip(texts, which, strict=True):
                column.append(row.fields[c].strip())
    return {
        names[c]: short_text(f"{file.path}, column {names[c]!r}", column)
        for c, column in zip(which, texts, strict=True)
    }


def _header(file: "_TextFile", header: bool | None) -> tuple[list[str], int]:
    """The names, and which row is the first below them"""
    top, second = itertools.islice(itertools.chain(file.rows(), [Row(0, []), Row(0, [])]), 2)
    if not top.line:
        raise DataError(f"{file.path}: expected rows, got only empty lines")
    if not (_is_header(top.fields, second.fields) if header is None else header):
        return list(map(str, range(len(top.fields)))), 0
    names = [name.strip() or str(c) for c, name in enumerate(top.fields)]
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise DataError(
            f"{file.path}: expected a name of its own for every column, got {name!r} {times} times "
            f"in line {top.line}; rename them, or, if there is no header, read with header=False"
        )
    return names, 1


def _is_header(top: list[str], second: list[str]) -> bool:
    if not any(map(is_number, top)):
        return not all(map(is_missing, top))
    pairs = zip(top, second, strict=False)
    return any(is_number(y) and not is_number(x) and not is_missing(x) for x, y in pairs)


@dataclasses.dataclass(frozen=True)
class _TextFile:
    path: Path
    separator: str

    def rows(self) -> Iterator[Row]:
        """The rows that are no empty lines"""
        reader = csv.reader(_lines(self.path), delimiter=self.separator, strict=True)
        before = 0
        while True:
            try:
                fields = next(reader, None)
            except csv.Error as error:
                raise _unreadable(self.path, before + 1, str(error)) from error
            if fields is None:
                return
            if len(fields) > 1 or (fields and fields[0].strip()):
                yield Row(before + 1, fields)
            before = reader.line_num

    def body(self, width: int, first: int) -> Iterator[Row]:
        """The rows from `first` on, each known to have as many fields as there are columns"""
        for i, row in enumerate(self.rows()):
            if len(row.fields) != width:
                raise DataError(
                    f"{self.path}: expected {width} fields in every row, got {len(row.fields)} in "
                    f"line {row.line}; complete or drop the row, and quote text that holds "
                    f"{self.separator!r}"
                )
            if i >= first:
                yield row


def _separator(path: Path) -> str:
    """That of , ; tab and | which the first line has most of, and the second as many."""
    two = itertools.islice((line for line in _lines(path) if line.strip()), 2)
    top, second = [*("".join(line.split('"')[::2]) for line in two), "", ""][:2]

    def fitness(separator: str) -> tuple[bool, int]:
        count = top.count(separator)
        return 0 < count == second.count(separator), count

    return max(SEPARATORS, key=fitness)


def _lines(path: Path) -> Iterator[str]:
    with io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as file:
        for number in itertools.count(1):
            try:
                line = file.readline(LONGEST_LINE)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}: expected text in UTF-8, got byte {error.object[error.start]:#04x} in "
                    f"or after line {number}; save it anew as UTF-8"
                ) from error
            if not line:
                return
            _require_line(path, number, line)
            yield line


def _require_line(path: Path, number: int, line: str) -> None:
    if len(line) == LONGEST_LINE:
        raise DataError(
            f"{path}: expected lines of text, got {LONGEST_LINE} characters in line {number}"
        )
    if "\0" in line:  # at the end of a text in an array it would be lost
        raise DataError(
            f"{path}: expected text in UTF-8, got a byte 0 in line {number}; save it anew as UTF-8"
        )


def _unreadable(path: Path, line: int, why: str) -> DataError:
    hint = "; is a quotation mark never closed?" if '"' in why or "limit" in why else ""
    return DataError(f"{path}: cannot read the row that begins in line {line}: {why}{hint}")
