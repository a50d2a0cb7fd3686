"""The studies of what Δ gives besides the gradient find what must hold; their controls do not."""

import json
import os
from pathlib import Path
from typing import Any

from experiments.studies import private
from experiments.studies.command import main


def fast(name: str, folder: Path) -> list[dict[str, Any]]:
    """The rows that a run of seconds leaves, by the names of their columns"""
    assert main([name, "--fast", "--out", str(folder / "out")]) == 0
    assert set(os.listdir(folder / "out")) == {f"{name}.{kind}" for kind in ("json", "png", "svg")}
    left = json.loads((folder / "out" / f"{name}.json").read_text(encoding="utf-8"))
    return [dict(zip(left["columns"], row, strict=True)) for row in left["rows"]]


def test_random_feedback_comes_to_align(tmp_path: Path) -> None:
    page, random, direct, signs, nothing = fast("feedback", tmp_path)
    assert max(page["∠W[1] before"], page["at the end"]) < 0.05  # the rounding of a cosine of 1
    assert 80 < random["∠W[1] before"] < 100
    assert 80 < direct["∠W[1] before"] < 100
    assert max(random["at the end"], direct["at the end"]) < 80
    assert signs["∠W[1] before"] < 80
    assert nothing["at the end"] is None
    assert min(random["test acc."], direct["test acc."]) > nothing["test acc."] + 0.05


def test_no_more_privacy_is_spent_than_asked(tmp_path: Path) -> None:
    private_, clipped, free = fast("private", tmp_path)
    config = private.Config(**private.FAST)
    assert 1.94 < private_["ε spent"] <= 2 < 4 < private.spent(config, private_["σ"] / 2)
    assert clipped["ε spent"] is None  # all of it
    assert private_["clipped"] > 0.5 > 0 == free["clipped"]
    assert free["test acc."] > 0.7


def test_noise_costs_accuracy() -> None:
    config = private.Config(epochs=2, seeds=1)
    lost = private.compared(config, private.Way(0.01, 100.0, config.clip))
    assert lost.accuracies[0, -1] < 0.4
