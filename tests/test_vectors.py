"""The conformance vectors: the same bytes everywhere, three formats of the same exact doubles."""

import dataclasses
import hashlib
import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import safetensors.numpy
from helpers import ACTIVATIONS, PAIRS

from verify import vectors
from verify.vectors.designs import DESIGNS
from verify.vectors.networks import Design, inputs
from verify.vectors.recipe import compute
from verify.vectors.rules import LEAKY_SLOPE

NAMES = [design.name for design in DESIGNS]
PARTS = ("inputs", "expected", "bound", "sharp")
DATA = "2e1afb297b36b3752798ee64af1aa16f7c1dd405f43e25f4ced5643ca16d444b"

networks = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def folder(vectors_folder: Path) -> Path:
    return vectors_folder


def as_json(folder: Path, name: str) -> Any:
    return json.loads((folder / "json" / f"{name}.json").read_text(encoding="utf-8"))


def blocks(text: str) -> dict[str, list[list[float]]]:
    """As a reader that knows nothing but the README: NAME ROWS COLUMNS, and the entries."""
    tokens = iter(text.split())
    found = {}
    for name in tokens:
        rows, columns = int(next(tokens)), int(next(tokens))
        found[name] = [[float.fromhex(next(tokens)) for _ in range(columns)] for _ in range(rows)]
    return found


def test_what_is_said_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors.main(tmp_path / "out")
    assert f"25 networks written: read {tmp_path}/out/README.md, write" in capsys.readouterr().out


# the same bytes


def test_the_bytes_are_those_of_every_other_machine(folder: Path) -> None:
    """Other bytes are other vectors: raise `version` in verify/vectors/formats.py with them."""
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines(keepends=True)
    data = "".join(line for line in lines if not line.endswith(("README.md\n", "schema.json\n")))
    assert hashlib.sha256(data.encode()).hexdigest() == DATA


def test_checksums_are_of_all_files(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    stated = {path: digest for digest, path in (line.split("  ") for line in lines)}
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    del files["SHA256SUMS"]
    assert stated == {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in files.items()}
    assert len(stated) == 3 + 6 * len(DESIGNS)


@pytest.mark.parametrize("name", ["binary-softmax", "four", "saturated", "kink"])
def test_more_digits_round_to_the_same_doubles(name: str) -> None:
    design = DESIGNS[NAMES.index(name)]
    assert compute(design, digits=180) == compute(design)


def test_too_few_digits_are_noticed() -> None:
    with pytest.raises(ArithmeticError, match="a value is 0, or all but: its terms cancel"):
        compute(DESIGNS[0], digits=15)


def test_inputs_follow_from_the_stated_recurrence() -> None:
    """The first entry of X, from 53 bits k: k/2⁵² − 1, times 2"""
    s = (6364136223846793005 * 1 + 1442695040888963407) % 2**64
    assert inputs(DESIGNS[0])["X"][0][0] == float(Fraction(s >> 11, 2**52) - 1) * 2


# the same doubles


@networks
def test_text_is_json(folder: Path, name: str) -> None:
    loaded = as_json(folder, name)
    header = (
        f"network {name} layers {len(loaded['activations'])} activations "
        f"{' '.join(loaded['activations'])} loss {loaded['loss']}"
    )
    text = {part: folder / "text" / f"{name}.{part}.txt" for part in PARTS}
    first, _, rest = text["inputs"].read_text(encoding="utf-8").partition("\n")
    assert first == header
    assert blocks(rest) == loaded["inputs"]
    others = {part: blocks(text[part].read_text(encoding="utf-8")) for part in PARTS[1:]}
    assert others == {part: loaded[part] for part in PARTS[1:]}


@networks
def test_safetensors_are_json(folder: Path, name: str) -> None:
    loaded = as_json(folder, name)
    tensors = safetensors.numpy.load_file(folder / "safetensors" / f"{name}.safetensors")
    expected = loaded["inputs"] | loaded["expected"]
    expected |= {f"bound/{key}": rows for key, rows in loaded["bound"].items()}
    expected |= {f"sharp/{key}": rows for key, rows in loaded["sharp"].items()}
    assert {key: x.tolist() for key, x in tensors.items()} == expected
    with safetensors.safe_open(folder / "safetensors" / f"{name}.safetensors", "np") as opened:
        described = json.loads(opened.metadata()["network"])
    assert described == {key: loaded[key] for key in described}


@networks
def test_decimals_are_exact(folder: Path, name: str) -> None:
    text = (folder / "json" / f"{name}.json").read_text(encoding="utf-8")
    numbers = re.findall(r"-?\d+(?:\.\d+)?(?:E-?\d+)?", text)
    assert len(numbers) > 10
    assert all(Decimal(number) == Decimal(float(number)) for number in numbers)
    assert json.loads(text, parse_float=Decimal)["constants"]["leaky_relu"]["a"] == Decimal(
        LEAKY_SLOPE
    )


# what the files say


@networks
def test_schema(folder: Path, name: str) -> None:
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(as_json(folder, name), schema)


BROKEN: dict[str, Any] = {
    "no gradient": lambda loaded: loaded["expected"].pop("dW[1]"),
    "a loss of no name": lambda loaded: loaded.update(loss="hinge"),
    "another array": lambda loaded: loaded["sharp"].update(dX=[[1.0]]),
    "text for a number": lambda loaded: loaded["inputs"].update(X=[["0.5"]]),
    "a bound below 0": lambda loaded: loaded["bound"].update(J=[[-1.0]]),
    "another slope": lambda loaded: loaded["constants"].update(leaky_relu={"a": 0.2}),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_the_schema_would_refuse(folder: Path, broken: str) -> None:
    loaded = as_json(folder, "logistic")
    BROKEN[broken](loaded)
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError, match=r"hinge|dX|0\.5|dW\[1\]|-1|0\.2"):
        jsonschema.validate(loaded, schema)


def test_the_readme_lists_every_network(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z-]+) \| \d+(?:-\d+)+ \|", text, re.MULTILINE)
    assert listed == NAMES == (folder / "text/networks.txt").read_text().split()
    assert "TABLE_OF_NETWORKS" not in text


# what is covered


def test_everything_of_pure_nn_occurs() -> None:
    assert {g for design in DESIGNS for g in design.activations} == set(ACTIVATIONS)
    assert {(design.activations[-1], design.loss) for design in DESIGNS} == set(PAIRS)
    assert {len(design.activations) for design in DESIGNS} == {1, 2, 3, 4}
    assert {design.B for design in DESIGNS} >= {1, 2**5, 7}
    assert {design.targets for design in DESIGNS} >= {"bits", "one-hot", "between", "shares"}
    hidden = {g for design in DESIGNS for g in design.activations[:-1]}
    assert hidden == set(ACTIVATIONS)


@pytest.mark.parametrize("name", ["kink", "kink-leaky", "kink-deep"])
def test_units_on_the_kink_are_there_in_any_order_of_the_sum(folder: Path, name: str) -> None:
    loaded = as_json(folder, name)
    Z, bound = loaded["expected"]["Z[1]"], loaded["bound"]["Z[1]"]
    assert [row[0] for row in Z] == [0.0] * len(Z)
    assert Z[0][1] == 0.0 != loaded["inputs"]["X"][0][1]
    assert all(b == 0.0 for row in bound for b in row)


SURE = {"saturated": "A[3]", "saturated-binary": "A[2]", "saturated-tanh": "A[2]"}


@pytest.mark.parametrize("name", SURE)
def test_units_saturate(folder: Path, name: str) -> None:
    A = [a for row in as_json(folder, name)["expected"][SURE[name]] for a in row]
    assert any(0 < 1 - abs(a) < 1e-9 for a in A) or 1.0 in A


def test_shares_sum_to_one_exactly(folder: Path) -> None:
    columns = zip(*as_json(folder, "classes-soft")["inputs"]["Y"], strict=True)
    assert {sum(map(Fraction, column)) for column in columns} == {Fraction(1)}


# refused


def test_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("")
    with pytest.raises(NotADirectoryError, match="expected a folder to write vectors to, got a f"):
        vectors.write(path)


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(FileExistsError, match="expected a new or empty folder, or earlier vectors"):
        vectors.write(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_earlier_vectors_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "DESIGNS", DESIGNS[:1])
    vectors.write(tmp_path)
    damaged = tmp_path / "json" / f"{NAMES[0]}.json"
    right = damaged.read_bytes()
    damaged.write_bytes(b"")
    vectors.write(tmp_path)
    assert damaged.read_bytes() == right


def test_a_unit_within_rounding_of_its_kink_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """W = (0.1, 0.2, −0.3) on ones: 0 on paper, and what it is in double hangs on the order."""
    design = Design("ill", ("relu",), "squared_error", (3, 1), 1, "real", "")
    given = {"X": [[1.0]] * 3, "Y": [[1.0]], "W[1]": [[0.1, 0.2, -0.3]], "b[1]": [[0.0]]}
    monkeypatch.setattr("verify.vectors.recipe.inputs", lambda design: given)
    with pytest.raises(ArithmeticError, match="a unit of relu is within rounding of the kink"):
        compute(design)
    linear = compute(dataclasses.replace(design, activations=("identity",)))
    exact = Fraction(0.1) + Fraction(0.2) - Fraction(0.3)
    assert linear.expected["Z[1]"] == [[float(exact)]]
