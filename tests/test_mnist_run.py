"""A run on images from IDX files: what it reads, leaves, refuses, and goes on from."""

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from helpers import assert_same, deviation

from experiments.engine import job
from experiments.mnist import command, loop
from experiments.mnist.command import main
from experiments.mnist.config import LARGE, Config, optimizer, steps
from experiments.mnist.files import PIXELS, SIDE, TEST, TRAIN, Images, load
from experiments.mnist.shifts import Moved
from pure_nn import interop, training
from pure_nn.checkpoint import Folder
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
    """From the first step on, in calls of one step, where the whole run had an epoch in a call."""
    cut = tmp_path / "cut"
    with monkeypatch.context() as patch:
        patch.setattr(job, "FLOPS_PER_CALL", 0)
        patch.setattr(Interrupt, "__bool__", lambda self: True)
        assert main([*QUICK, "--data", str(data), "--out", str(cut)]) == 1
        said = capsys.readouterr().err
        assert f"saved at step 1 of epoch 1; go on with: mnist --resume {cut}" in said
        assert main(["--resume", str(cut)]) == 1
        assert "saved at step 2 of epoch 1" in capsys.readouterr().err
    assert main(["--resume", str(cut)]) == 0
    said = capsys.readouterr().out
    assert "epoch 3/3   cost " in said
    assert "examples/s" in said
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (whole, cut)]
    assert weights[0] == weights[1]
    assert [line["epoch"] for line in lines(cut)] == [1, 2, 3]
    assert main([*QUICK, "--data", str(data), "--out", str(tmp_path / "other"), "--seed", "1"]) == 0
    assert (tmp_path / "other" / "weights.safetensors").read_bytes() != weights[0]


def test_an_epoch_is_that_of_training(data: Path, tmp_path: Path) -> None:
    """Over all images, moved by the key of the epoch, in one call"""
    config = Config(data, sizes=(PIXELS, 8, 10), batch_size=8, dropout=0.2, epochs=1, validation=0)
    images = load(data, TRAIN)
    begun = loop.begin(config, images)
    rate = optimizer(config.learning_rate, steps(config, 50))
    key = jax.random.fold_in(begun.key, 1)
    moved = Moved(images, 1).by(jax.random.fold_in(key, 2))
    expected, _, _ = training.epoch(
        config.network,
        jax.tree.map(jnp.copy, begun.params["now"]),
        rate.init(begun.params["now"]),
        moved.taken(np.arange(50)[None])[0].X,
        images.Y,
        optimizer=rate,
        batch_size=8,
        key=key,
    )
    with Folder(tmp_path) as folder:
        found = loop.run(config, images, None, folder, lambda metrics: None, Interrupt())
    assert_same(found.params["now"], expected, rtol=0)
    assert deviation(begun.params["now"], expected) > 0


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # 1e39 to float32
@pytest.mark.parametrize(
    ("more", "first"),
    [
        (["--learning-rate", "1e30"], r"Z\[2\] at step [2-7] of epoch 1 \("),
        (["--learning-rate", "1e39", "--batch-size", "50"], r"W\[1\] at step 1 of epoch 1 \("),
        (
            ["--learning-rate", "1e39", "--batch-size", "40", "--validation", "10"],
            r"W\[1\] at step 1 of epoch 1 \(",
        ),
    ],
    ids=["many steps", "one step", "and images to judge by"],
)
def test_a_run_that_diverges_says_where(
    more: list[str],
    first: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    asked = [*QUICK, "--validation", "0", "--data", str(data), "--out", str(out), *more]
    assert main(asked) == 1
    said = capsys.readouterr().err
    assert re.search("; first not finite: " + first, said)
    assert f"the last finite checkpoint, of epoch 0, is kept in {out / 'checkpoints'}" in said
    config = command.read_config(out)
    images, _ = command._held_out(config, load(data, TRAIN))
    with Folder(out / "checkpoints") as folder:
        kept = folder.latest(loop.begin(config, images))
    assert kept is not None
    assert all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves(kept.params))


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
    moved = Moved(Images(X, X[:10]), 1)
    some = np.asarray([[3, 199], [0, 17]])

    def taken(moved: Moved, batches: Any) -> npt.NDArray[Any]:
        return np.asarray(moved.taken(batches)[0].X).T.reshape(-1, SIDE, SIDE)

    images = taken(moved.by(jax.random.key(0)), np.arange(200)[None])
    by = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    found = [[np.array_equal(x, np.roll(image, step, (0, 1))) for step in by] for x in images]
    assert np.all(np.sum(found, axis=1) == 1)
    assert np.all(np.any(found, axis=0))
    assert np.array_equal(taken(moved.by(jax.random.key(0)), some), images[some.reshape(-1)])
    assert not np.array_equal(taken(moved.by(jax.random.key(1)), some), images[some.reshape(-1)])
    for still in (moved, Moved(Images(X, X[:10]), 0).by(jax.random.key(0))):
        assert np.array_equal(taken(still, some), np.repeat(image[None], 4, axis=0))
