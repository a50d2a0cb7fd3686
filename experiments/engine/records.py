"""What a run leaves beside its checkpoints: metrics line by line, events, and its environment.

config.json       what was asked for
environment.json  versions and machine
metrics.jsonl     one line per epoch, on disk as soon as it is known
events.out.…      the same for TensorBoard
"""

import contextlib
import dataclasses
import json
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from experiments.engine.loop import Metrics

METRICS, CONFIG, ENVIRONMENT = "metrics.jsonl", "config.json", "environment.json"
PACKAGES = ("pure_nn", "jax", "jaxlib", "numpy", "optax", "orbax-checkpoint")


class Records:
    """The metrics of a run as they come, in its folder and for TensorBoard."""

    def __init__(self, folder: Path, score: str, epochs_done: int = 0) -> None:
        self._path, self._score = folder / METRICS, score
        self.history = _kept(self._path, epochs_done)
        self._events = _event_writer(folder, epochs_done)

    def add(self, metrics: Metrics) -> None:
        line = _named(metrics, self._score)
        self.history.append(line)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        for name, value in line.items():
            if name != "epoch" and self._events is not None:
                self._events.add_scalar(name, value, metrics.epoch)

    def close(self) -> None:
        if self._events is not None:
            self._events.close()


@contextlib.contextmanager
def recording(folder: Path, score: str, epochs_done: int = 0) -> Iterator[Records]:
    """The records of the folder, without what was noted after the epoch to go on from."""
    records = Records(folder, score, epochs_done)
    try:
        yield records
    finally:
        records.close()


def history(folder: Path) -> list[dict[str, Any]]:
    """The metrics of a run, one entry per epoch; a last line that was cut off does not count."""
    path = folder / METRICS
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise ValueError(f"{path}: expected a JSON object in each line: {error}") from None


def environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "devices": [str(d) for d in jax.devices()],
        "x64": jax.dtypes.canonicalize_dtype(float).name == "float64",
        **{name: _version(name) for name in PACKAGES},
    }


def write_json(path: Path, content: Any) -> None:
    """Whole or not at all"""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _kept(path: Path, epochs_done: int) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    kept = [line for line in history(path.parent) if line["epoch"] <= epochs_done]
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
    os.replace(partial, path)
    return kept


def _named(metrics: Metrics, score: str) -> dict[str, Any]:
    line = dataclasses.asdict(metrics)
    line[f"validation_{score}"] = line.pop("validation_score")
    return {name: value for name, value in line.items() if value is not None}


def _event_writer(folder: Path, epochs_done: int) -> Any:
    """None where tensorboardX is not installed"""
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError:
        return None
    return SummaryWriter(str(folder), purge_step=epochs_done + 1 if epochs_done else None)


def _version(name: str) -> str | None:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None
