"""Text becomes columns: what is a header, a number or missing, and which line is at fault."""

import csv
import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pure_nn import data
from pure_nn.data import text

NAN = float("nan")
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
FLOATS = st.floats(allow_nan=False)


def written(folder: Path, content: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def plain(found: Any) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in found.items()}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2.5\n3,4\n", {"a": [1, 3], "b": [2.5, 4.0]}),
        ("1,2\n3,4\n", {"0": [1, 3], "1": [2, 4]}),
        ("5.1,setosa\n4.9,other\n", {"0": [5.1, 4.9], "1": ["setosa", "other"]}),
        ("name,kind\nx,y\n", {"name": ["x"], "kind": ["y"]}),
        ("0,1,label\n3,4,5\n", {"0": [3], "1": [4], "label": [5]}),
        (",a\n0,2\n1,3\n", {"0": [0, 1], "a": [2, 3]}),
        ("\ufeffa,b\r\n1,2\r\n", {"a": [1], "b": [2]}),
        ("a,b\r1,2\r", {"a": [1], "b": [2]}),
        ("\n\na,b\n\n1,2\n   \n3,4", {"a": [1, 3], "b": [2, 4]}),
        ('"a ""x""",b\n"1","two, or\nmore"\n', {'a "x"': [1], "b": ["two, or\nmore"]}),
        ("a;b\n1;2\n", {"a": [1], "b": [2]}),
        ("a\tb,c\n1\t2\n", {"a": [1], "b,c": [2]}),
        ("a|b\n1|2\n", {"a": [1], "b": [2]}),
        ('"a;b;c",d\n1,2\n', {"a;b;c": [1], "d": [2]}),
        ("y\n1\n0\n", {"y": [1, 0]}),
        (" a , b \n 1 , x \n", {"a": [1], "b": ["x"]}),
        ("a,b\n1e3,-.5\n+2,inf\n", {"a": [1000.0, 2.0], "b": [-0.5, float("inf")]}),
        ("a,b\n1_0,007\nx,8\n", {"a": ["1_0", "x"], "b": [7, 8]}),
        ("a,b\n1,NA\n2,none\n3,N\n", {"a": [1, 2, 3], "b": ["NA", "none", "N"]}),
        ("a\n9007199254740993\n", {"a": [9007199254740992.0]}),
    ],
    ids=[
        *("header", "no header", "labels last", "all text", "numbers as names", "no name"),
        *("mark, CRLF", "CR", "empty lines", "quoted", "semicolon", "tab", "bar", "separator"),
        *("one column", "blanks", "floats", "grouped", "names like missing", "beyond 2**53"),
    ],
)
def test_columns(tmp_path: Path, content: str, expected: dict[str, list[Any]]) -> None:
    found = data.read(written(tmp_path, content))
    assert plain(found) == expected
    assert list(map(type, plain(found).values())) == list(map(type, expected.values()))


@pytest.mark.parametrize("mark", ["", "NA", "nan", "NaN", "?", "null", " "])
def test_a_missing_number_is_nan(tmp_path: Path, mark: str) -> None:
    found = data.read(written(tmp_path, f"a,b\n1,x\n{mark},y\n3,z\n"))
    np.testing.assert_array_equal(found["a"], [1, NAN, 3])


@pytest.mark.parametrize(
    ("header", "expected"),
    [(True, {"1": [3], "2": [4]}), (False, {"0": [1, 3], "1": [2, 4]})],
)
def test_the_caller_may_say_what_the_first_row_is(
    tmp_path: Path, header: bool, expected: dict[str, list[int]]
) -> None:
    assert plain(data.read(written(tmp_path, "1,2\n3,4\n"), header=header)) == expected


def test_the_line_of_every_row_is_kept(tmp_path: Path) -> None:
    found: Any = data.read(written(tmp_path, 'a,b\n\n1,"x\ny"\n2,z\n\r\n3,z\n'))
    assert found.lines.tolist() == [3, 5, 7]


def test_gzipped(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"a\tb\n1\t2\n"), "a.tsv.gz")
    assert plain(data.read(path)) == {"a": [1], "b": [2]}


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(FLOATS, CELLS), min_size=1, max_size=5))
def test_what_is_written_is_read(tmp_path: Path, rows: list[tuple[float, str]]) -> None:
    """Numbers to the last bit; "t" keeps the second column from being one of numbers."""
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("x", "name"), *((x, "t" + cell) for x, cell in rows)])
    found = data.read(tmp_path / "a.csv")
    assert found["x"].tolist() == [x for x, _ in rows]
    assert found["name"].tolist() == [("t" + cell).strip() for _, cell in rows]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n\n3\n", "expected 2 fields in every row, got 1 in line 4; complete or drop"),
        ("a,b\n1,2\n3,4,5\n", "got 3 in line 3; complete or drop the row, and quote text that"),
        ("1,2\n3,4,5\n", "expected 2 fields in every row, got 3 in line 2"),
        ('a,b\n"x\ny",2\n3\n', "expected 2 fields in every row, got 1 in line 4"),
        ("a,b\n", "expected rows below the header ['a', 'b'], got none"),
        ("\n\n", "expected rows, got only empty lines"),
        ("a,b,a\n1,2,3\n", "got 'a' 2 times in line 1; rename them, or, if there is no header, r"),
        ("a,b\n1,2\n3,2\0\n", "expected text in UTF-8, got a byte 0 in line 3; save it anew as"),
        (b"a,b\n1,2\n3,\xe9\n", "expected text in UTF-8, got byte 0xe9 in or after line"),
        ("a,b\n1,2\n".encode("utf-16"), "expected text in UTF-8, got byte 0xff in or after line 1"),
        ('a,b\n1,2\n3,"4\n5,6\n', "cannot read the row that begins in line 3: unexpected end of"),
        ('a,b\n1,2\n3,"4"5\n', "cannot read the row that begins in line 3: ',' expected after"),
        ('a,b\n1,"' + "x" * 140_000, "line 2: field larger than field limit (131072); is a quot"),
        ("a\n" + "t" * 100_000 + "\n" + "t\n" * 99, "column 'a': expected labels, got a text of 1"),
    ],
    ids=[
        *("short", "long", "no header", "after quoted lines", "only a header", "empty lines"),
        *(
            "twice",
            "byte 0",
            "latin-1",
            "utf-16",
            "open quote",
            "after a quote",
            "long field",
            "long text",
        ),
    ],
)
def test_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(data.DataError, match=re.escape(message)) as caught:
        data.read(path)
    assert str(path) in str(caught.value)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "LONGEST_LINE", 1000)
    with pytest.raises(data.DataError, match="expected lines of text, got 1000 characters in lin"):
        data.read(written(tmp_path, "a,b\n" + "1," * 999))


def test_only_text_has_a_header(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones(2))
    with pytest.raises(ValueError, match=r"header: expected None, as .* is no CSV or TSV file"):
        data.read(tmp_path / "a.npy", header=True)
