"""Predict with a finished run: classes and probabilities, or numbers."""

import csv
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro

from experiments.command import refusals_said, with_its_dtype
from experiments.runs import RefusedError
from experiments.tabular.trained import Trained, trained
from pure_nn import data


@dataclasses.dataclass(frozen=True)
class Config:
    """Predict with a finished run of train."""

    run: tyro.conf.Positional[Path]
    """Folder of the run."""
    data: Path
    """File with one example per row, and the features of training by name."""
    out: Path
    """New file: .csv or .npz."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 2 refused."""
    config = tyro.cli(Config, prog="python -m experiments predict", args=arguments)
    with refusals_said("predict") as outcome:
        run(config)
    return outcome.code


def run(config: Config) -> None:
    """RefusedError, ValueError, TypeError: what cannot be predicted, or not be written."""
    if config.out.suffix not in (".csv", ".npz"):
        raise RefusedError(f"--out: expected a name that ends in .csv or .npz, got {config.out}")
    if config.out.exists():
        raise RefusedError(f"--out: {config.out} exists and is not overwritten; give a new name")
    with with_its_dtype(config.run):
        found = trained(config.run)
        arrays = data.read(config.data)
        table = data.table(arrays, features=found.preparation.names)
        predicted = predictions(found, found.predict(table.rows, table.lines))
    write = _write_csv if config.out.suffix == ".csv" else _write_npz
    write(config.out, predicted)
    print(f"{len(table.rows)} predictions are in {config.out}", file=sys.stderr)


def predictions(found: Trained, Yhat: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """`predicted`, and p(class) for each class; of numbers, `predicted` alone"""
    preparation = found.preparation
    columns = {"predicted": preparation.labels(Yhat)}
    if preparation.task == "classes":
        columns |= {f"p({c})": p for c, p in zip(preparation.classes, Yhat, strict=True)}
    if preparation.task == "binary":
        columns[f"p({preparation.classes[1]})"] = Yhat[0]
    return columns


def _write_csv(path: Path, columns: dict[str, npt.NDArray[Any]]) -> None:
    with path.open("x", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(x.tolist() for x in columns.values()), strict=True))


def _write_npz(path: Path, columns: dict[str, npt.NDArray[Any]]) -> None:
    with path.open("xb") as file:
        np.savez(file, allow_pickle=False, **columns)
