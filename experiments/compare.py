"""Compare runs: settings that differ, metrics and curves."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from experiments import figures
from experiments.command import refusals_said
from experiments.engine.records import history
from experiments.runs import RefusedError
from experiments.tabular.asked import read_config

Metrics = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Config:
    """Compare runs of train."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Their folders."""
    out: Path | None = None
    """Where the figure goes, as .png and .svg; no figure unless given."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 2 refused."""
    config = tyro.cli(Config, prog="python -m experiments compare", args=arguments)
    with refusals_said("compare") as outcome:
        run(config)
    return outcome.code


def run(config: Config) -> None:
    """RefusedError: fewer than two runs, a folder that holds none."""
    if len(config.runs) < 2:
        raise RefusedError(f"expected at least two runs to compare, got {len(config.runs)}")
    rows = {folder: _row(folder) for folder in config.runs}
    Console(soft_wrap=True).print(_table(rows))
    if config.out is not None:
        _draw(config.out.with_suffix(""), {f: history(f) for f in config.runs})
        print(f"figures are in {config.out.with_suffix('')}.png and .svg")


def _row(folder: Path) -> dict[str, Any]:
    metrics = history(folder)
    if not metrics:
        raise RefusedError(f"{folder}: expected metrics of at least one epoch, got none")
    settings = dataclasses.asdict(read_config(folder))
    last = {f"last {k}": v for k, v in metrics[-1].items() if k not in ("seconds", "epoch")}
    costs = [m.get("validation_cost", m["cost"]) for m in metrics]
    best = int(min(range(len(costs)), key=costs.__getitem__))
    of_best = {"best epoch": metrics[best]["epoch"], "best cost": costs[best]}
    return settings | {"epochs run": len(metrics)} | last | of_best


def _table(rows: dict[Path, dict[str, Any]]) -> Table:
    """A row for each setting that differs, and for each metric"""
    names = list(dict.fromkeys(name for row in rows.values() for name in row if name != "out"))
    table = Table("", *(folder.name for folder in rows))
    for name in names:
        values = [row.get(name) for row in rows.values()]
        if " " in name or any(v != values[0] for v in values):
            table.add_row(name, *map(_shown, values))
    return table


def _shown(x: Any) -> str:
    return "" if x is None else f"{x:.6g}" if isinstance(x, float) else str(x)


def _draw(path: Path, metrics: dict[Path, Metrics]) -> None:
    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    axes = figure.subplots()
    for folder, lines in metrics.items():
        costs = [m.get("validation_cost", m["cost"]) for m in lines]
        axes.semilogy([m["epoch"] for m in lines], costs, label=folder.name)
    axes.set_xlabel("epoch")
    axes.set_title("validation cost, or the cost where nothing is held out")
    axes.grid(alpha=0.3)
    axes.legend()
    figures.write(figure, path)
