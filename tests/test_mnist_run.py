"""A run on images from IDX files: what it reads, leaves, refuses, and goes on from."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest

from experiments.mnist import command
from experiments.mnist.command import main
from experiments.mnist.config import LARGE, Config
from experiments.mnist.files import PIXELS, SIDE, TEST, TRAIN, load
from experiments.mnist.shifts import shifted
from pure_nn import interop, training
from pure_nn.training.interrupt import Interrupt

QUICK = ["--sizes", "784", "8", "10", "--epochs", "3", "--batch-size", "8", "--validation", "10"]
QUICK += ["--no-verify", "--dropout", "0.2"]


def idx(array: npt.NDArray[np.uint8]) -> bytes:
    """IDX: two zeros, unsigned bytes, axes, the length of each, the bytes."""
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def write(folder: Path, names: tuple[str, str], images: Any, labels: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{names[0]}.gz").write_bytes(gzip.compress(idx(images)))
    (folder / names[1].replace("-idx", ".idx")).write_bytes(idx(labels))


def drawn(m: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(m)
    return rng.integers(0, 256, (m, SIDE, SIDE), np.uint8), rng.integers(0, 10, m, np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 and 20 images, gzipped; their labels are not, and named as other tools do."""
    folder = tmp_path_factory.mktemp("idx")
    for names, m in ((TRAIN, 50), (TEST, 20)):
        write(folder, names, *drawn(m))
    return folder


def test_columns_in_order(data: Path) -> None:
    images, labels = drawn(50)
    X, Y = load(data, TRAIN)
    np.testing.assert_array_equal(X, (images.reshape(50, PIXELS).T / np.float32(255)))
    np.testing.assert_array_equal(np.argmax(Y, axis=0), labels)
    assert X.dtype == np.float32
    assert Y.shape == (10, 50)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a break."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert main([*QUICK, "--data", str(data), "--out", str(folder)]) == 0
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_what_a_run_leaves(whole: Path) -> None:
    left = {"checkpoints", "config.json", "environment.json", "figure.png", "figure.svg"}
    left |= {"metrics.jsonl", "test.json", "weights.safetensors"}
    assert left <= set(os.listdir(whole))
    assert 0 <= json.loads((whole / "test.json").read_text())["test_accuracy"] <= 1
    names = {"epoch", "cost", "validation_cost", "validation_accuracy", "seconds"}
    assert all(set(line) == names | {"examples_per_second"} for line in lines(whole))


def test_the_weights_have_the_accuracy_that_was_said(data: Path, whole: Path) -> None:
    net, params = interop.load_weights(whole / "weights.safetensors")
    found = training.evaluate(net, params, *load(data, TEST))
    assert json.loads((whole / "test.json").read_text())["test_accuracy"] == float(found.accuracy)


def test_a_run_goes_on_to_the_same_bits(
    data: Path,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cut = tmp_path / "cut"
    with monkeypatch.context() as patch:
        patch.setattr(Interrupt, "__bool__", lambda self: True)
        assert main([*QUICK, "--data", str(data), "--out", str(cut)]) == 1
    assert "saved after epoch 1; go on from there by --resume" in capsys.readouterr().err
    assert main(["--resume", str(cut)]) == 0
    said = capsys.readouterr().out
    assert "epoch 3/3   cost " in said
    assert "examples/s" in said
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (whole, cut)]
    assert weights[0] == weights[1]
    assert [line["epoch"] for line in lines(cut)] == [1, 2, 3]


REFUSED: list[tuple[list[str], str]] = [
    (["--sizes", "784", "9"], "--sizes: expected positive sizes from 784 pixels to 10 classes"),
    (["--dropout", "1"], "--dropout: expected a share in [0, 1), got 1.0"),
    (["--input-dropout", "-0.1"], "--input-dropout: expected a share in [0, 1), got -0.1"),
    (["--shift", "5"], "--shift: expected 0 to 4 pixels"),
    (["--epochs", "0"], "--epochs: expected at least 1, got 0"),
    (["--learning-rate", "nan"], "--learning-rate: expected a positive number, got nan"),
    (["--batch-size", "41"], "--batch-size: expected at most 40, the images to train on, got 41"),
    (["--validation", "60"], "--batch-size: expected at most 0, the images to train on, got 8"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[" ".join(r[0]) for r in REFUSED])
def test_refused(
    arguments: list[str],
    message: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    assert main([*QUICK, "--data", str(data), "--out", str(out), *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"mnist: {message}")
    assert (said.count("\n"), out.exists()) == (1, False)


def test_files_that_are_missing_or_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert f"expected {TRAIN[0]}.gz, or {TRAIN[0]}, in {tmp_path}" in capsys.readouterr().err
    images, labels = drawn(5)
    write(tmp_path, TRAIN, images, labels[:4])
    assert main(["--data", str(tmp_path)]) == 2
    assert "expected images of 28 × 28 bytes, as many as there are labels" in (
        capsys.readouterr().err
    )
    write(tmp_path, TRAIN, images, labels + np.uint8(7))
    assert main(["--data", str(tmp_path)]) == 2
    assert "labels: expected integers from 0 to 9" in capsys.readouterr().err


def test_a_folder_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--resume", str(tmp_path)]) == 2
    assert "expected the folder of a run of mnist" in capsys.readouterr().err


def test_the_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Config] = []
    monkeypatch.setattr(command, "run", lambda config, folder: asked.append(config))
    assert main(["--large"]) == main(["--large", "--epochs", "5"]) == main([]) == 0
    assert asked[0] == LARGE
    assert (asked[1].sizes, asked[1].epochs) == (LARGE.sizes, 5)
    assert asked[2] == Config()


def test_shifts() -> None:
    """Every image is one of nine, and all nine occur."""
    image = np.zeros((SIDE, SIDE), np.float32)
    image[3:9, 4:7] = np.arange(1, 19).reshape(6, 3)
    X = jnp.asarray(np.repeat(image.reshape(-1, 1), 200, axis=1))
    moved = np.asarray(shifted(jax.random.key(0), X, 1)).T.reshape(-1, SIDE, SIDE)
    by = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    found = [[np.array_equal(x, np.roll(image, step, (0, 1))) for step in by] for x in moved]
    assert np.all(np.sum(found, axis=1) == 1)
    assert np.all(np.any(found, axis=0))
    assert np.array_equal(shifted(jax.random.key(0), X, 0), X)
