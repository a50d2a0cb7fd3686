"""What a run leaves can be read again, says what happened, and is the same for the same seed."""

import dataclasses
import itertools
import json
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import pure_nn
from experiments import digits, runs
from experiments.digits import Config

QUICK = Config(sizes=(64, 32, 10), learning_rate=0.01, epochs=3)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """one/ and again/: the same run; two/seed-1 and two/seed-2: seeds 1 and 2."""
    place = tmp_path_factory.mktemp("runs")
    for name, seed, seeds in (("one", 1, 1), ("again", 1, 1), ("two", 1, 2)):
        digits.run(dataclasses.replace(QUICK, seed=seed, seeds=seeds, out=place / name))
    return place


def metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def without_seconds(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k != "seconds"} for line in metrics(folder)]


def bits(folder: Path) -> list[bytes]:
    return [np.asarray(x).tobytes() for x in jax.tree.leaves(runs.read_parameters(folder))]


@pytest.mark.parametrize("name", ["one", "two/seed-1", "two/seed-2"])
def test_everything_is_there(place: Path, name: str) -> None:
    left = ["config.json", "figure.png", "metrics.jsonl", "parameters.npz"]
    assert sorted(os.listdir(place / name)) == left


@pytest.mark.parametrize(
    ("name", "seed", "seeds"), [("one", 1, 1), ("two", 1, 2), ("two/seed-2", 2, 1)]
)
def test_the_config_is_what_was_asked_for(place: Path, name: str, seed: int, seeds: int) -> None:
    read = json.loads((place / name / "config.json").read_text(encoding="utf-8"))
    config = Config(**read | {"sizes": tuple(read["sizes"]), "out": Path(read["out"])})
    assert config == dataclasses.replace(QUICK, seed=seed, seeds=seeds, out=place / name)


def test_a_line_of_metrics_per_epoch(place: Path) -> None:
    lines = metrics(place / "one")
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert {name for line in lines for name in line} == {
        *("epoch", "cost", "test_cost", "train_accuracy", "test_accuracy", "seconds")
    }
    assert lines[-1]["cost"] < lines[0]["cost"]
    assert all(0 < line["test_accuracy"] <= 1 and line["seconds"] > 0 for line in lines)


@pytest.mark.parametrize(("name", "seed"), [("one", 1), ("two/seed-2", 2)])
def test_the_parameters_have_the_accuracy_of_the_last_line(
    place: Path, name: str, seed: int
) -> None:
    key, *_ = jax.random.split(jax.random.key(seed), 3)
    params: Any = runs.read_parameters(place / name)
    last = metrics(place / name)[-1]
    for part, (X, Y) in zip(("train", "test"), digits.load(key), strict=True):
        Yhat = pure_nn.predict(QUICK.network, params, X)
        right = np.argmax(np.asarray(Yhat), axis=0) == np.argmax(np.asarray(Y), axis=0)
        assert last[f"{part}_accuracy"] == np.mean(right)


def test_parameters_are_named_and_shaped_as_on_the_page(place: Path) -> None:
    with np.load(place / "one" / "parameters.npz", allow_pickle=False) as arrays:
        shapes = {name: arrays[name].shape for name in arrays.files}
    assert shapes == {"W1": (32, 64), "b1": (32, 1), "W2": (10, 32), "b2": (10, 1)}


@pytest.mark.parametrize("other", ["again", "two/seed-1"])
def test_the_same_seed_gives_the_same_bits(place: Path, other: str) -> None:
    assert bits(place / "one") == bits(place / other)
    assert without_seconds(place / "one") == without_seconds(place / other)


def test_another_seed_gives_others(place: Path) -> None:
    for x, y in zip(bits(place / "one"), bits(place / "two/seed-2"), strict=True):
        assert x != y


def test_the_default_folder_is_the_next_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [str(runs.create("digits")) for _ in range(3)]
    assert names == [os.path.join("runs", f"digits-{n}") for n in (1, 2, 3)]
    assert str(runs.create("other")) == os.path.join("runs", "other-1")


def test_the_split_is_by_class_and_by_seed() -> None:
    (X, Y), (X_test, Y_test) = one = digits.load(jax.random.key(0))
    assert (X.shape, Y.shape) == ((64, digits.TRAINING_EXAMPLES), (10, digits.TRAINING_EXAMPLES))
    assert (X_test.shape[1], float(X.min()), float(X.max())) == (1797 - X.shape[1], 0, 1)
    shares = np.asarray(Y_test.sum(axis=1) / (Y.sum(axis=1) + Y_test.sum(axis=1)))
    assert np.all(np.abs(shares - 0.2) < 0.5 / 170)
    same, other = digits.load(jax.random.key(0)), digits.load(jax.random.key(1))
    for a, b, c in zip(*map(jax.tree.leaves, (one, same, other)), strict=True):
        assert np.array_equal(a, b)
        assert not np.array_equal(a, c)


def test_no_digit_is_on_both_sides() -> None:
    (X, _), (X_test, _) = digits.load(jax.random.key(0))
    columns = [{x.tobytes() for x in np.asarray(part).T} for part in (X, X_test)]
    assert sum(map(len, columns)) == 1797
    assert not [a for a, b in itertools.product(*columns) if a == b]
