"""The metrics come one epoch late, so that the device does not wait, and all of them come."""

import io
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest
from rich.console import Console

from experiments.progress import Log, Metrics, shown
from experiments.runs import StoppedError

EPOCHS = [Metrics(i, 1 / i, 2 / i, 0.5, 0.25, 0.1) for i in (1, 2, 3)]


def values(*numbers: float) -> Any:
    return jnp.array(numbers, "float32")


def test_one_epoch_late(tmp_path: Path) -> None:
    heard: list[Metrics] = []
    log = Log(tmp_path, (8, 4), heard.append)
    counts = []
    for i in (1, 2, 3):
        log.put(i, values(i, 0.5, 4, 3))
        counts.append(len(heard))
    log.flush()
    log.flush()
    assert counts == [0, 1, 2]
    assert [(m.epoch, m.cost) for m in heard] == [(1, 1), (2, 2), (3, 3)]
    assert {(m.test_cost, m.train_accuracy, m.test_accuracy) for m in heard} == {(0.5, 0.5, 0.75)}
    assert log.history == heard
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("at", [0, 1], ids=["cost", "test cost"])
def test_what_is_not_finite_is_not_written(tmp_path: Path, bad: float, at: int) -> None:
    heard: list[Metrics] = []
    costs = [1.0, 1.0]
    costs[at] = bad
    log = Log(tmp_path, (8, 4), heard.append)
    log.put(1, values(1, 1, 4, 3))
    log.put(2, values(*costs, 4, 3))
    with pytest.raises(StoppedError, match="the cost of epoch 2 is"):
        log.flush()
    assert [m.epoch for m in heard] == [1]
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1


def test_lines_where_there_is_no_terminal() -> None:
    file = io.StringIO()
    with shown(Console(file=file, width=20), "seed 7", 3) as show:
        for metrics in EPOCHS:
            show(metrics)
    first, *_, last = file.getvalue().splitlines()
    assert first == "seed 7   epoch   1/3   cost 1.00000   test accuracy  25.00%"
    assert last == "seed 7   epoch   3/3   cost 0.33333   test accuracy  25.00%"


def test_a_bar_on_a_terminal() -> None:
    file = io.StringIO()
    with shown(Console(file=file, width=100, force_terminal=True), "seed 7", 3) as show:
        for metrics in EPOCHS:
            show(metrics)
    assert "3/3" in file.getvalue()
    assert "cost 0.33333   test accuracy  25.00%" in file.getvalue()
