"""The studies of what Δ gives besides the gradient find what must hold; their controls do not."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.studies import dominate, kfac, noise, private
from experiments.studies.command import main

pytestmark = pytest.mark.slow

WAYS = (("accurate", "float64"), ("accurate", "bfloat16"), ("naive", "bfloat16"))


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


def test_kfac_needs_fewer_steps() -> None:
    config = kfac.Config(steps=100, every=50)
    ours, momentum = (
        kfac.trained(config, *way) for way in (("K-FAC", 1.0), ("SGD, momentum", 0.03))
    )
    assert ours.costs[0] == momentum.costs[0]
    assert ours.costs[-1] < momentum.costs[-1] - 1
    assert ours.steps_to(float(momentum.costs[-1]), config.every) <= 50
    assert np.isnan(momentum.steps_to(float(ours.costs[-1]), config.every))


def test_noise_scale_beside_steps(tmp_path: Path) -> None:
    *to_the_cost, critical, scale, first, last = fast("noise", tmp_path)
    small, large = to_the_cost
    assert small["steps"] > large["steps"]
    assert small["examples"] < large["examples"]
    assert min(x["batch"] for x in (critical, scale, first, last)) > 0


def test_the_law_of_steps_is_found_again() -> None:
    assert noise.fit({B: 20 + 300 / B for B in (2, 16, 128)}) == pytest.approx((20, 300))


def test_flipped_labels_have_the_largest_gradients(tmp_path: Path) -> None:
    before, early, late, *control = fast("dominate", tmp_path)
    assert before["precision at k"] < 0.2
    assert early["precision at k"] > 0.5 > 0.2 > max(x["precision at k"] for x in control)
    assert late["AUC"] > 0.9 > 0.6 > max(x["AUC"] for x in control)


@pytest.mark.parametrize(
    ("norms", "expected"),
    [((1, 2, 3, 4), (1, 1, 0.7)), ((4, 3, 2, 1), (0, 0, 0.3)), ((1, 1, 1, 1), (0, 0.5, 0.5))],
    ids=["above", "below", "ties"],
)
def test_how_well(norms: tuple[int, ...], expected: tuple[float, ...]) -> None:
    marked = np.array([False, False, True, True])
    assert dominate.how_well(np.array(norms, float), marked) == pytest.approx(expected)


def test_naive_derivatives_are_0_where_accurate_ones_are_not(tmp_path: Path) -> None:
    found = {
        (row["hidden layers"], row["weights"], row["derivatives"], row["dtype"]): row
        for row in fast("depth16", tmp_path)
    }
    ways = [found["tanh", "Xavier", *way] for way in WAYS]
    exact, accurate, naive = ways
    assert all(row["Δ[1] = 0"] == row["Δ[L] = 0"] == 0 for row in (exact, accurate))
    assert naive["Δ[1] = 0"] > 0.5
    assert naive["Δ[1] error"] > accurate["Δ[1] error"] > 0 == exact["Δ[1] error"]
