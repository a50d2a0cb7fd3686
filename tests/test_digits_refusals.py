"""Bad settings are refused before anything runs: one line, exit code 2, no folder."""

import re
from pathlib import Path
from typing import Any

import pytest

from experiments import digits
from experiments.digits import Config

FROM_64_TO_10 = "--sizes: expected positive sizes from 64 pixels to 10 classes, as 64 32 10, got "
REFUSED: list[tuple[str, Any, str]] = [
    ("sizes", (63, 10), f"{FROM_64_TO_10}(63, 10)"),
    ("sizes", (64, 9), f"{FROM_64_TO_10}(64, 9)"),
    ("sizes", (64,), f"{FROM_64_TO_10}(64,)"),
    ("sizes", (), f"{FROM_64_TO_10}()"),
    ("sizes", (64, 0, 10), f"{FROM_64_TO_10}(64, 0, 10)"),
    ("sizes", (64, -3, 10), f"{FROM_64_TO_10}(64, -3, 10)"),
    ("activation", "swish", "--activation: expected one of identity, leaky_relu, relu, sigmoid, "),
    ("init", "lecun", "--init: expected one of normal, he, xavier, xavier_fan_in, got lecun"),
    ("learning_rate", 0.0, "--learning-rate: expected a positive number, got 0.0"),
    ("learning_rate", -1.0, "--learning-rate: expected a positive number, got -1.0"),
    ("learning_rate", float("nan"), "--learning-rate: expected a positive number, got nan"),
    ("learning_rate", float("inf"), "--learning-rate: expected a positive number, got inf"),
    ("batch_size", 0, "--batch-size: expected 1 to 1438, the examples for training, got 0"),
    ("batch_size", 1439, "--batch-size: expected 1 to 1438, the examples for training, got 1439"),
    ("epochs", 0, "--epochs: expected at least 1, got 0"),
    ("seed", -1, "--seed: expected 0 to 2³² − 1, got -1"),
    ("seed", 2**32, "--seed: expected 0 to 2³² − 1, got 4294967296"),
    ("seeds", 0, "--seeds: expected 1 to 4294967296, as the last seed is 2³² − 1, got 0"),
    ("seeds", 2**32 + 1, "--seeds: expected 1 to 4294967296, as the last seed is"),
]
refused = pytest.mark.parametrize(
    ("name", "value", "message"), REFUSED, ids=[f"{name}={value}" for name, value, _ in REFUSED]
)


def flags(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [f"--{name.replace('_', '-')}", *map(str, values)]


@refused
def test_an_importer_gets_a_ValueError(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        digits.run(Config(**{name: value}))


@refused
def test_the_command_line_gets_a_line(
    name: str, value: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert digits.main([*flags(name, value), "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"digits: {message}")
    assert (said.err.count("\n"), said.out, out.exists()) == (1, "", False)


@pytest.mark.parametrize(
    "arguments", [["--epochs", "many"], ["--sizes", "64", "x"], ["--unknown", "1"]], ids=" ".join
)
def test_what_cannot_be_parsed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        digits.main(arguments)
    assert arguments[0] in capsys.readouterr().err


def test_a_folder_that_exists_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert digits.main(["--out", str(tmp_path)]) == 2
    assert f"--out: {tmp_path} exists and is not overwritten; give a new folder" in (
        capsys.readouterr().err
    )
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert digits.main(["--out", str(tmp_path / "file" / "out")]) == 2
    assert "--out: cannot make the folder" in capsys.readouterr().err


def test_the_edges_are_fine() -> None:
    digits.check(Config(learning_rate=1e-300, batch_size=1438, seed=2**32 - 1, sizes=(64, 10)))
