"""The folder of a run: made at the start, written as the run goes, never overwritten.

config.json       what was asked for
metrics.jsonl     one line per epoch, on disk as soon as it is known
parameters.npz    W1, b1, … WL, bL
figure.png        the run at a glance
"""

import contextlib
import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pure_nn.network import Params


class RefusedError(ValueError):
    """What was asked for cannot be run, and nothing has been."""


class StoppedError(RuntimeError):
    """The run ended before its end, for the reason that the message gives."""


def create(name: str, out: Path | None = None) -> Path:
    """The new folder `out`, or else the first free one of runs/name-1, runs/name-2, …

    RefusedError: `out` exists, or the folder cannot be made.
    """
    if out is None:
        return _first_free(Path("runs"), name)
    try:
        return _made(out)
    except FileExistsError:
        raise RefusedError(
            f"--out: {out} exists and is not overwritten; give a new folder, or none for the next "
            "free one under runs/"
        ) from None


def write_config(folder: Path, config: Any) -> None:
    text = json.dumps(dataclasses.asdict(config), indent=2, default=str)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def append_metrics(folder: Path, metrics: Any) -> None:
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(metrics), allow_nan=False) + "\n")


def write_parameters(folder: Path, params: Params) -> None:
    layers = enumerate(params, start=1)
    arrays: dict[str, Any] = {f"{k}{l}": np.asarray(x) for l, p in layers for k, x in p.items()}
    np.savez(folder / "parameters.npz", **arrays)


def read_parameters(folder: Path) -> tuple[dict[str, npt.NDArray[Any]], ...]:
    with np.load(folder / "parameters.npz", allow_pickle=False) as arrays:
        L = len(arrays.files) // 2
        return tuple({k: arrays[f"{k}{l}"] for k in ("W", "b")} for l in range(1, L + 1))


def _first_free(parent: Path, name: str) -> Path:
    for n in itertools.count(1):
        with contextlib.suppress(FileExistsError):
            return _made(parent / f"{name}-{n}")
    raise AssertionError("unreachable: the numbers do not end")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise RefusedError(f"--out: cannot make the folder {folder}: {error.strerror}") from None
    return folder
