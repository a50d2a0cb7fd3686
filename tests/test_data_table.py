"""One matrix from the arrays of a file, and what is said where that cannot be."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pure_nn import data

NAN = float("nan")
ARRAYS: dict[str, Any] = {
    "age": np.array([1, 2, 3]),
    "size": np.array([0.5, 1.5, 2.5]),
    "name": np.array(["x", "y", "z"]),
    "pixels": np.arange(12, dtype=np.uint8).reshape(3, 2, 2),
    "label": np.array([0, 1, 0]),
    "classes": np.array(["no", "yes"]),
}


def without(*names: str) -> dict[str, Any]:
    return {name: x for name, x in ARRAYS.items() if name not in names}


def test_all_but_the_target() -> None:
    found = data.table(without("name", "classes", "pixels"), "label")
    assert found.names == ("age", "size")
    assert found.rows.tolist() == [[1, 0.5], [2, 1.5], [3, 2.5]]
    assert found.rows.dtype == np.float64
    assert found.target is not None
    assert found.target.tolist() == [0, 1, 0]


def test_the_entries_of_an_example_become_its_row() -> None:
    found = data.table(ARRAYS, "label", ["pixels"])
    assert found.names == ("pixels[0]", "pixels[1]", "pixels[2]", "pixels[3]")
    assert found.rows.dtype == np.float32  # exact for uint8, in half the room
    np.testing.assert_array_equal(found.rows, np.arange(12).reshape(3, 4))


def test_the_order_is_that_asked_for_down_to_single_columns() -> None:
    found = data.table(ARRAYS, None, ["size", "pixels[3]", "pixels[0]", "age"])
    assert found.names == ("size", "pixels[3]", "pixels[0]", "age")
    assert found.rows[1].tolist() == [1.5, 7, 4, 2]
    assert found.target is None


def test_names_of_a_table_take_the_same_from_another_file() -> None:
    first = data.table(ARRAYS, None, ["pixels", "age"])
    again = data.table(ARRAYS, None, first.names)
    assert again.names == first.names
    np.testing.assert_array_equal(again.rows, first.rows)


@pytest.mark.parametrize("target", [[7, 8, 9], np.array([[7], [8], [9]])], ids=["list", "column"])
def test_the_target_may_be_given(target: Any) -> None:
    found = data.table(ARRAYS, target, ["age"])
    assert found.target is not None
    assert found.target.tolist() == [7, 8, 9]


def test_the_target_may_be_one_column() -> None:
    """The others of its array are features, and it is none."""
    found = data.table({"data": np.arange(12).reshape(3, 4), "age": ARRAYS["age"]}, "data[2]")
    assert found.names == ("data[0]", "data[1]", "data[3]", "age")
    assert found.rows.tolist() == [[0, 1, 3, 1], [4, 5, 7, 2], [8, 9, 11, 3]]
    assert found.target is not None
    assert found.target.tolist() == [2, 6, 10]
    chosen = data.table(ARRAYS, "pixels[3]", ["pixels[0]"])
    assert chosen.names == ("pixels[0]",)


def test_bytes_are_text() -> None:
    found = data.table(ARRAYS, np.array([b"a", b"\xc3\xa9", b"c"]), ["age"])
    assert found.target is not None
    assert found.target.tolist() == ["a", "é", "c"]


@pytest.mark.parametrize(
    ("target", "features", "message"),
    [
        ("lable", None, "target: found no 'lable'; there are 'age' (3,), 'size' (3,), 'name'"),
        ("lable", None, ". Did you mean 'label'?"),
        ("label", ["sise"], "features: found no 'sise'; there are 'age' (3,)"),
        ("label", ["pixels[4]"], "features: found no 'pixels[4]'; 'pixels' (3, 2, 2)"),
        ("label", ["age[0]"], "features: found no 'age[0]'; 'age' (3,)"),
        ("label", [], "features: expected at least one, got none of 'age' (3,)"),
        ("label", ["label"], "features: expected others than the target, got 'label'"),
        ("pixels[1]", ["pixels"], "expected others than the target 'pixels[1]', got 'pixels'"),
        ("pixels[1]", ["pixels[01]"], "others than the target 'pixels[1]', got 'pixels[01]'"),
        ("pixels[4]", ["age"], "target: found no 'pixels[4]'; 'pixels' (3, 2, 2)"),
        ("label[0]", ["age"], "target: found no 'label[0]'; 'label' (3,)"),
        ("label", ["age", "size", "age"], "expected each of them once, got 'age' 2 times"),
        ("label", ["pixels", "pixels[1]"], "expected each of them once, got 'pixels[1]' 2 times"),
        (
            "label",
            ["age", "classes"],
            "one length, 3 as the target has, got 'classes' of shape (2,)",
        ),
        (
            None,
            ["age", "classes"],
            "one length, 3, got 'classes' of shape (2,); name those that be",
        ),
        (
            np.ones((3, 2)),
            ["age"],
            "got shape (3, 2); of one-hot rows, the labels are target.argma",
        ),
        ([1.0, NAN, 3.0], ["age"], "target: expected a value for every example, got nan in row 1"),
        (["a", "", "b"], ["age"], "target: expected a value for every example, got '' in row 1"),
    ],
)
def test_refused(target: Any, features: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        data.table(ARRAYS, target, features)


@pytest.mark.parametrize(
    ("target", "features", "message"),
    [
        ("label", ["name"], "feature 'name': expected numbers, got 'x' in row 0 (from 0); mend it"),
        (
            "label",
            ["name"],
            "the column out and name the features: 'age', 'size', 'pixels' hold num",
        ),
        ("label", "age", "features: expected several names, got one text; write ['age']"),
        ([1j, 2, 3], ["age"], "target: expected numbers or text, got dtype complex128"),
    ],
)
def test_other_types_are_refused(target: Any, features: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        data.table(ARRAYS, target, features)


def test_text_in_bytes_is_named() -> None:
    with pytest.raises(TypeError, match=r"expected numbers, got '1_0' in row 1 \(from 0\)"):
        data.table({"x": np.array([b"1", b"1_0"])})


def test_no_examples() -> None:
    with pytest.raises(ValueError, match=r"rows: expected at least one entry, got shape \(0, 2\)"):
        data.table({"x": np.empty((0, 2))})


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("a,b,y\n\n1,2,x\n3,,y\n", ValueError, "feature 'b': expected finite numbers, got nan in"),
        ("a,b,y\n\n1,2,x\n3,,y\n", ValueError, "in row 1 (from 0), line 4 of the file, column 1;"),
        ("a,b,y\n1,inf,x\n", ValueError, "got inf in row 0 (from 0), line 2 of the file, column 1"),
        ("a,b,y\n1,2,x\n\n3,o,y\n", TypeError, "feature 'b': expected numbers, got 'o' in row 1"),
        ("a,b,y\n1,2,x\n\n3,o,y\n", TypeError, "line 4 of the file; mend it, or leave the colum"),
        ('a;b;y\n1;"2,5";x\n', TypeError, "got '2,5' in row 0 (from 0), line 2 of the file; write"),
        ("a,b,y\n1,1,x\n1,NA,x\n3,1_0,y\n", TypeError, "got '1_0' in row 2 (from 0), line 4 of"),
        ("a,b,y\n1,1e5,x\n3,1e,y\n", TypeError, "got '1e' in row 1 (from 0), line 3 of the file; "),
        ("a,b,y\n1,o,x\n", TypeError, "and name the features: 'a' holds numbers"),
        ("b,y\n7,1\no,1\n", TypeError, "mend it, as no other column holds numbers"),
        (
            "a,b,y\n1,2,x\n3,4,\n",
            ValueError,
            "target 'y': expected a value for every example, got ''",
        ),
        ("a,b,z\n1,2,x\n", ValueError, "target: found no 'y'; there are 'a' (1,), 'b' (1,), 'z'"),
    ],
)
def test_of_a_text_file_the_line_is_named(
    tmp_path: Path, content: str, error: type[Exception], message: str
) -> None:
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(error, match=re.escape(message)):
        data.table(data.read(tmp_path / "a.csv"), "y")
