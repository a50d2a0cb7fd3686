"""The studies find what they are about, and leave a table and a figure."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from experiments.studies import activations, command, half_precision, initial_weights, vanishing
from experiments.studies import vectorised as loops
from experiments.studies.command import STUDIES, main
from experiments.studies.study import Outcome

pytestmark = pytest.mark.slow


def test_deltas_vanish_and_explode(x64: None) -> None:
    config = vanishing.Config(depth=8, epochs=1)
    found = [vanishing.trained(config, "relu", weights)[0] for weights in vanishing.SCHEMES]
    assert all(sizes.shape == (2, 8) for sizes in found)  # before training and after, by layer
    small, xavier, he, large = (sizes[0, 0] / sizes[0, -1] for sizes in found)
    assert small < 1e-8 < 1e-2 < xavier < 0.2 < he < 2 < 10 < large


def test_weights_that_are_small_do_not_train() -> None:
    config = initial_weights.Config(depth=6, width=16, epochs=3, seeds=2)
    small, he = (initial_weights.compared(config, "tanh", w) for w in ("0.01·randn", "He"))
    assert small.A.shape == small.Δ.shape == (2, 6)
    assert np.max(small.costs[:, -1]) > 2.25 > 2 > np.max(he.costs[:, -1])
    assert np.max(small.accuracies[:, -1]) < 0.3 < np.min(he.accuracies[:, -1])


def test_relu_stops_deltas_and_sigmoid_shrinks_them() -> None:
    config = activations.Config(depth=4, width=16, epochs=1, seeds=1)
    relu, sigmoid = (activations.compared(config, g) for g in ("relu", "sigmoid"))
    assert 0.2 < relu.zero[0, 0] < 0.8
    assert sigmoid.zero[0, 0] == 0
    assert sigmoid.let_through[0, 0] < relu.let_through[0, 0] / 5


@pytest.mark.parametrize("way", list(loops.WAYS)[:-1])
def test_every_way_finds_the_same_gradient(way: str, x64: None) -> None:
    config = loops.Config(width=4)
    found, jitted = (loops.timed(config, w, 3, lambda _: None).found for w in (way, "pure_nn, jit"))
    assert max(np.max(np.abs(x)) for x in jitted.values()) > 0.1
    assert loops.difference(found, jitted) < 1e-15


def test_naive_derivatives_lose_deltas_in_bfloat16() -> None:
    config = half_precision.Config(width=16, epochs=2, seeds=1)
    accurate, naive = (
        half_precision.compared(config, half_precision.Way("tanh", naive, "bfloat16"))
        for naive in (False, True)
    )
    assert naive.zero[0, -1] > 0.5 > 0.01 > accurate.zero[0, -1]
    assert naive.errors[0] > 1.5 * accurate.errors[0]


# the command line


def test_a_study_leaves_its_table_and_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activations, "ACTIVATIONS", ("relu", "tanh"))
    settings = ["--depth", "2", "--width", "8", "--epochs", "2", "--seeds", "2"]
    assert main(["activations", *settings, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == command.sentence("activations")
    assert [line.split()[0] for line in said[1:4]] == ["hidden", "relu", "tanh"]
    assert said[-1] == f"tables and figures are in {tmp_path / 'out'}"
    files = {f"activations.{kind}" for kind in ("json", "png", "svg")}
    assert set(os.listdir(tmp_path / "out")) == files
    left = json.loads((tmp_path / "out" / "activations.json").read_text(encoding="utf-8"))
    assert left["config"]["depth"] == 2
    assert [len(row) for row in left["rows"]] == [len(left["columns"])] * 2


def test_what_is_not_a_number_is_null(tmp_path: Path) -> None:
    found = Outcome(("of", "size"), [("relu", float("nan"))], lambda figure: None)
    command.leave(tmp_path, "vanishing", vanishing.Config(), found)
    left = json.loads((tmp_path / "vanishing.json").read_text(encoding="utf-8"))
    assert left["rows"] == [["relu", None]]


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(re.search(rf"^ +{name} +\S", said, re.MULTILINE) for name in STUDIES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["vanish"], "studies: unknown study 'vanish'; known: vanishing, initial_weights"),
        (["vanishing", "--depth", "1"], "studies: --depth: expected at least 2, got 1"),
        (["vectorised", "--examples", "0"], "studies: --examples: expected 1 to 1438, got 0"),
    ],
)
def test_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(said)


def test_a_folder_that_exists_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["activations", "--out", str(tmp_path)]) == 2
    assert "exists and is not overwritten" in capsys.readouterr().err
