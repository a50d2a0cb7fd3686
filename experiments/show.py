"""Show a run: curves, settings and confusion matrix as a figure."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import tyro

from experiments.command import refusals_said
from experiments.engine.records import history
from experiments.runs import RefusedError
from experiments.tabular import curves
from experiments.tabular.asked import read_config
from experiments.tabular.problem import posed
from experiments.tabular.trained import trained


@dataclasses.dataclass(frozen=True)
class Config:
    """Show a run of train."""

    run: tyro.conf.Positional[Path]
    """Folder of the run."""
    out: Path | None = None
    """Where the figure goes, as .png and .svg; RUN/show unless given."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 2 refused."""
    config = tyro.cli(Config, prog="python -m experiments show", args=arguments)
    with refusals_said("show") as outcome:
        run(config)
    return outcome.code


def run(config: Config) -> None:
    """RefusedError, ValueError: a folder without a finished run, or without its data."""
    asked = read_config(config.run)
    with jax.enable_x64(asked.dtype == "float64"):
        found, metrics = trained(config.run), history(config.run)
        if not metrics:
            raise RefusedError(f"{config.run}: expected metrics of at least one epoch, got none")
        path = (config.out or config.run / "show").with_suffix("")
        settings = curves.settings(dataclasses.asdict(asked))
        curves.save(path, posed(asked), found.params, metrics, settings)
    for name, value in metrics[-1].items():
        print(f"{name:<22}{value:g}")
    print(f"figures are in {path}.png and {path}.svg")
