"""`verify conform`: right results conform, wrong ones are named, bad files are said to be bad."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from verify.conform import conform

Arrays = dict[str, list[list[float]]]
Write = Callable[[Path, str, Arrays], None]


@pytest.fixture
def folder(vectors_folder: Path, tmp_path: Path) -> Path:
    """The vectors, with their own values as results."""
    shutil.copytree(vectors_folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "results").mkdir()
    for name in names(tmp_path):
        as_text(tmp_path / "results", name, expected(tmp_path, name))
    return tmp_path


def names(folder: Path) -> list[str]:
    return (folder / "text/networks.txt").read_text(encoding="utf-8").split()


def loaded(folder: Path, name: str) -> Any:
    return json.loads((folder / "json" / f"{name}.json").read_text(encoding="utf-8"))


def expected(folder: Path, name: str) -> Arrays:
    arrays: Arrays = loaded(folder, name)["expected"]
    return arrays


def as_text(folder: Path, name: str, arrays: Arrays) -> None:
    blocks = [
        f"{key} {len(rows)} {len(rows[0])}\n" + "\n".join(repr(x) for row in rows for x in row)
        for key, rows in arrays.items()
    ]
    (folder / f"{name}.txt").write_text("\n".join(blocks), encoding="utf-8")


def as_json(folder: Path, name: str, arrays: Arrays) -> None:
    (folder / f"{name}.json").write_text(json.dumps(arrays), encoding="utf-8")


def as_safetensors(folder: Path, name: str, arrays: Arrays) -> None:
    tensors = {key: np.array(rows) for key, rows in arrays.items()}
    safetensors.numpy.save_file(tensors, folder / f"{name}.safetensors")


def line_of(printed: str, name: str) -> str:
    """What is said of one network"""
    (found,) = re.findall(rf"^{name} +(.*(?:\n    .*)*)", printed, re.MULTILINE)
    return str(found)


def worst_of_json(folder: Path, name: str, change: Callable[[Arrays], object]) -> None:
    arrays = expected(folder, name)
    change(arrays)
    as_text(folder / "results", name, arrays)


# right


@pytest.mark.parametrize("write", [as_text, as_json, as_safetensors])
def test_right_results_conform_in_every_format(
    folder: Path, capsys: pytest.CaptureFixture[str], write: Write
) -> None:
    """Of the gradients alone"""
    for name in names(folder):
        arrays = expected(folder, name)
        (folder / "results" / f"{name}.txt").unlink()
        write(folder / "results", name, {k: arrays[k] for k in arrays if k[:2] in ("dW", "db")})
    assert conform(folder) == 0
    printed = capsys.readouterr().out
    assert len(re.findall(r"^[a-z-]+ +ok ", printed, re.MULTILINE)) == len(names(folder)) == 25
    assert "\n25 of 25 networks conform; 0 inaccurate, 0 wrong, 0 not read" in printed


def test_results_without_vectors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(folder / "results") == 0
    assert "\n25 of 25 networks conform; 0 inaccurate, 0 wrong" in capsys.readouterr().out


def test_results_beside_the_vectors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(folder) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_a_network_of_the_page_is_inaccurate(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 − A² is 0 where A is 1"""

    def saturate(arrays: Arrays) -> None:
        i, j = np.argwhere(np.abs(np.array(arrays["A[2]"])) == 1)[0]
        arrays["delta[2]"][i][j] = 0.0

    worst_of_json(folder, "saturated-tanh", saturate)
    assert conform(folder) == 1
    printed = capsys.readouterr().out
    assert line_of(printed, "saturated-tanh").startswith("inaccurate  delta[2][")
    assert "24 of 25 networks conform; 1 inaccurate (the right equations, but A(1" in printed


# wrong


def twice(name: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name] = (2 * np.array(arrays[name])).tolist()

    return change


def with_nan(arrays: Arrays) -> None:
    arrays["db[2]"][0][0] = float("nan")


def transposed(arrays: Arrays) -> None:
    arrays["dW[2]"] = np.array(arrays["dW[2]"]).T.tolist()


def last_bits(arrays: Arrays) -> None:
    arrays["db[2]"][0][0] *= 1 + 1e-12


WRONG: Mapping[str, tuple[Callable[[Arrays], object], str]] = {
    "a gradient": (twice("dW[1]"), r"dW\[1\]\n +dW\[1\]\[\d, \d\]: got (?s:.)*2 times too large"),
    "Δ alone": (twice("delta[1]"), r"delta\[1\]\n +delta\[1\]\[\d, \d\]: got"),
    "the cost alone": (twice("J"), r"J\n +J\[0, 0\]: got (?s:.)*delta and the gradients are right"),
    "Z alone": (twice("Z[2]"), r"Z\[2\]\n +Z\[2\]\[\d, \d\]: got (?s:.)*the gradients are right"),
    "the first of two": (
        lambda arrays: [twice(name)(arrays) for name in ("dW[1]", "A[1]")],
        r"A\[1\], dW\[1\]\n +A\[1\]\[\d, \d\]: got",
    ),
    "NaN": (with_nan, r"db\[2\]\n +db\[2\]\[0, 0\]: got nan"),
    "a transpose": (transposed, r"dW\[2\]\n +dW\[2\]: expected shape \(2, 4\), got \(4, 2\)"),
    "the last bits": (last_bits, r"db\[2\]\n +db\[2\]\[0, 0\]: got .* off by .* ULP"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_what_is_wrong_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    change, said = WRONG[mistake]
    worst_of_json(folder, "binary", change)
    assert conform(folder) == 1
    printed = capsys.readouterr().out
    assert re.match(f"WRONG +{said}", line_of(printed, "binary"))
    assert "24 of 25 networks conform; 0 inaccurate, 1 wrong, 0 not read" in printed


# not read


def edited(pattern: str, by: str) -> Callable[[Path], object]:
    def edit(path: Path) -> object:
        text, count = re.subn(pattern, by, path.read_text(encoding="utf-8"), count=1)
        assert count == 1
        return path.write_text(text, encoding="utf-8")

    return edit


def instead(suffix: str, content: bytes) -> Callable[[Path], object]:
    """Another file in place of the text"""

    def write(path: Path) -> object:
        path.unlink()
        return path.with_suffix(suffix).write_bytes(content)

    return write


def tensors(**arrays: Any) -> bytes:
    written: bytes = safetensors.numpy.save({k.replace("_1", "[1]"): x for k, x in arrays.items()})
    return written


HALF = tensors(dW_1=np.zeros((1, 3), np.float32), db_1=np.zeros((1, 1)))
FLAT = tensors(dW_1=np.zeros(3), db_1=np.zeros((1, 1)))
HEADER = b'{"dW[1]":{"dtype":"BF16","shape":[1,3],"data_offsets":[0,6]}}'
BRAIN = len(HEADER).to_bytes(8, "little") + HEADER + bytes(6)
UNREADABLE: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, r"expected a file logistic\.txt, or another format"),
    "empty": (lambda path: path.write_bytes(b""), r"expected every gradient, got no dW\[1\], db\["),
    "cut short": (
        edited(r"(dW\[1\] 1 3\n\S+)(?s:.*)", r"\1"),
        r"expected 1 × 3 = 3 numbers of dW\[1\], .* got 1 before the file ends; was the program",
    ),
    "a gradient missing": (edited(r"db\[1\] 1 1\n\S+", ""), r"every gradient, got no db\[1\]"),
    "unknown": (edited(r"db\[1\]", "grad_b1"), r"expected some of Z\[1\], .*, got also grad_b1"),
    "an input": (edited(r"Z\[1\]", "W[1]"), r"got also W\[1\]"),
    "twice": (edited(r"Z\[1\]", "db[1]"), r"expected each array once, got db\[1\] twice"),
    "no number": (
        edited(r"(db\[1\] 1 1\n)\S+", r"\1o.5"),
        r"line \d+: expected a number of db\[1\] of 1 × 1 = 1 numbers, .* got o\.5",
    ),
    "too few numbers": (
        edited(r"(dW\[1\] 1 3\n\S+)\n\S+", r"\1"),
        r"expected a number of dW\[1\] of 1 × 3 = 3 numbers, .* got db\[1\]",
    ),
    "too many numbers": (
        edited(r"(dW\[1\] 1 )3", r"\g<1>2"),
        r"expected a block to begin with NAME ROWS COLUMNS, .* does the block before it hold more",
    ),
    "no shape": (edited(r"dW\[1\] 1 3", "dW[1] 1 x"), r"NAME ROWS COLUMNS, .* got dW\[1\] and th"),
    "a negative size": (edited(r"dW\[1\] 1 3", "dW[1] -1 3"), r"got dW\[1\] and then -1"),
    "binary as text": (
        lambda path: path.write_bytes(b"\xff\xfe\x00\x80"),
        r"expected text, got by",
    ),
    "JSON cut short": (
        instead(".json", b'{"dW[1]": [[0.5, '),
        r"expected JSON, got something else",
    ),
    "JSON, no object": (instead(".json", b"[1.0]"), r"expected an object such as"),
    "JSON, a bare number": (
        instead(".json", b'{"J": 0.5}'),
        r"J: expected rows of numbers, .* 0\.5",
    ),
    "JSON, ragged": (
        instead(".json", b'{"J": [[1], [1, 2]]}'),
        r"J: expected rows of .* one length",
    ),
    "JSON, text": (instead(".json", b'{"J": [["0.5"]]}'), r'J: expected rows of numbers, .*"0\.5"'),
    "JSON, true": (instead(".json", b'{"J": [[true]]}'), r"J: expected rows of numbers, .*true"),
    "JSON, null": (instead(".json", b'{"J": [[null]]}'), r"got \[\[null\]\]; null is how NaN is w"),
    "JSON, twice": (instead(".json", b'{"J": [[1]], "J": [[2]]}'), r"each array once, got J twice"),
    "safetensors cut short": (instead(".safetensors", HALF[:-9]), r"expected a whole safetensors"),
    "single precision": (instead(".safetensors", HALF), r"dW\[1\]: expected a matrix of F64, .*32"),
    "bfloat16": (instead(".safetensors", BRAIN), r"expected tensors of F64, got BF16"),
    "JSON, a long integer": (
        instead(".json", b'{"dW[1]": [[1, 0, 1%s]], "db[1]": [[1]], "W": [[1]]}' % (b"0" * 400)),
        r"got also W",
    ),
    "one axis": (instead(".safetensors", FLAT), r"dW\[1\]: expected a matrix of F64, got .*\(3,\)"),
}


@pytest.mark.parametrize("bad", UNREADABLE)
def test_what_cannot_be_read_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], bad: str
) -> None:
    spoil, said = UNREADABLE[bad]
    spoil(folder / "results/logistic.txt")
    assert conform(folder) == 1
    printed = capsys.readouterr().out
    assert re.match(f"UNREADABLE +.*{said}", line_of(printed, "logistic"))
    assert "24 of 25 networks conform; 0 inaccurate, 0 wrong, 1 not read" in printed


REFUSED: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "an altered input": (
        lambda folder: edited("0x1", "0x0")(folder / "text/kink.inputs.txt"),
        r"kink\.inputs\.txt: expected SHA-256 [0-9a-f]{64}, got .*: it was altered; write the vect",
    ),
    "a lost file": (
        lambda folder: (folder / "json/kink.json").unlink(),
        r"kink\.json: expected a file, got none; write the vectors anew: python -m verify vectors",
    ),
    "no checksums": (
        lambda folder: (folder / "SHA256SUMS").unlink(),
        r"SHA256SUMS: expected checksums, got no file; write the vectors anew",
    ),
    "no results": (
        lambda folder: shutil.rmtree(folder / "results"),
        r"results: expected a file of results for each network, such as logistic\.txt, .* got none",
    ),
    "two of a network": (
        lambda folder: (folder / "results/kink.json").write_text("{}"),
        r"expected one file for each network, got kink\.json and kink\.txt; remove all but one",
    ),
}


@pytest.mark.parametrize("bad", REFUSED)
def test_a_folder_that_is_not_as_it_should_be(
    folder: Path, capsys: pytest.CaptureFixture[str], bad: str
) -> None:
    spoil, said = REFUSED[bad]
    spoil(folder)
    assert conform(folder) == 2
    out, err = capsys.readouterr()
    assert re.search(said, err)
    assert out == ""


def test_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(tmp_path / "nowhere") == 2
    assert "nowhere: expected a folder of results, got no folder" in capsys.readouterr().err


def test_files_of_other_names_are_said_not_to_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "results/log.txt").write_text("done")
    assert conform(folder) == 0
    assert "not read, as no network has that name: log.txt" in capsys.readouterr().out
