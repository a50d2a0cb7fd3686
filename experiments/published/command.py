"""`python -m experiments published`: the recipes run, their numbers printed and figures drawn."""

import contextlib
import dataclasses
import importlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import tyro
from matplotlib.figure import Figure
from rich.console import Console

from experiments import figures, runs
from experiments.progress import say
from experiments.published import table
from experiments.published.recipe import Outcome, Recipe
from experiments.runs import RefusedError
from pure_nn.data import DataError

RECIPES = ("logistic", "planar", "two_layer", "circles", "gradient_checking", "moons", "nielsen")
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclasses.dataclass(frozen=True)
class Config:
    """Published training runs, reproduced: the printed numbers beside ours, and their figures."""

    filter: tuple[str, ...] = ()
    """Recipes to run, by parts of their names: logistic, planar, two_layer, circles,
    gradient_checking, moons, nielsen; all unless given."""
    data: Path = DATA
    """Folder with the files that some recipes need: cats/train_catvnoncat.h5 and
    cats/test_catvnoncat.h5, and MNIST's four in mnist/."""
    json: Path | None = None
    """File to write all numbers to."""
    out: Path | None = None
    """New folder for the figures; the next free runs/published-N unless given."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a recipe; without an outcome, `skipped` says why."""

    recipe: Recipe
    outcome: Outcome | None = None
    seconds: float = 0.0
    skipped: str = ""

    @property
    def reproduced(self) -> bool:
        return self.outcome is None or all(row.reproduced for row in self.outcome.rows)

    def as_json(self) -> dict[str, Any]:
        rows = [] if self.outcome is None else self.outcome.rows
        return {
            "name": self.recipe.name,
            "about": self.recipe.about,
            "source": self.recipe.source,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "rows": [row.as_json() for row in rows],
        }


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 all that was run is reproduced, 1 something is not, 2 refused."""
    config = tyro.cli(Config, prog="python -m experiments published", args=arguments)
    try:
        return 0 if all(result.reproduced for result in run(config)) else 1
    except RefusedError as error:
        print(f"published: {error}", file=sys.stderr)
        return 2


def run(config: Config) -> list[Result]:
    """The results of the recipes that were asked for.

    RefusedError, a ValueError: no recipe of such a name, a folder that exists, a file that is
    damaged or cannot be written.
    """
    names, console = chosen(config.filter), Console()
    folder = runs.create("published", config.out)
    runs.write_config(folder, config)
    with jax.enable_x64(True):
        results = [_one(name, config, folder, console) for name in names]
    for line in summary(results):
        say(console, line)
    say(console, f"figures are in {folder}")
    if config.json is not None:
        _write(config.json, [result.as_json() for result in results])
    return results


def chosen(parts: Sequence[str]) -> list[str]:
    for part in parts:
        if not any(part in name for name in RECIPES):
            raise RefusedError(f"--filter: expected parts of {', '.join(RECIPES)}, got {part}")
    return [name for name in RECIPES if not parts or any(part in name for part in parts)]


def require_files(recipe: Recipe, data: Path) -> None:
    files = [file for file in recipe.needs if not (data / file).is_file()]
    if files:
        found = f"expected {' and '.join(files)} in {data}"
        raise FileNotFoundError(f"{found}; give the folder that has them by --data")


def summary(results: Sequence[Result]) -> Iterator[str]:
    """A line for each recipe."""
    for result in results:
        if result.outcome is None:
            yield f"{result.recipe.name:<18} skipped: {result.skipped}"
        else:
            rows = result.outcome.rows
            right = sum(row.reproduced for row in rows)
            yield f"{result.recipe.name:<18} {right} of {len(rows)} reproduced"


def _one(name: str, config: Config, folder: Path, console: Console) -> Result:
    recipe: Recipe = importlib.import_module(f"experiments.published.{name}").RECIPE
    for line in (f"{recipe.name}: {recipe.about}", recipe.source):
        say(console, line)
    start = time.perf_counter()
    try:
        require_files(recipe, config.data)
        with _working(console, recipe.name):
            outcome = recipe.run(config.data)
    except (FileNotFoundError, ImportError) as error:
        say(console, f"  skipped: {error}\n")
        return Result(recipe, skipped=str(error))
    except DataError as error:
        raise RefusedError(str(error)) from error
    for line in (*table.text(outcome.rows), ""):
        say(console, line)
    if outcome.draw is not None:
        figure = Figure(layout="constrained")
        outcome.draw(figure)
        figures.write(figure, folder / recipe.name, dpi=110)
    return Result(recipe, outcome, time.perf_counter() - start)


def _working(console: Console, name: str) -> contextlib.AbstractContextManager[Any]:
    """Something that moves on a terminal: a recipe is few compiled calls, of seconds each."""
    return console.status(f"running {name}") if console.is_terminal else contextlib.nullcontext()


def _write(path: Path, results: list[dict[str, Any]]) -> None:
    try:
        path.write_text(json.dumps(results, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise RefusedError(f"--json: cannot write {path}: {error.strerror}") from None
