"""`python -m experiments studies [NAME]`: all of the studies, or one with its settings."""

import contextlib
import dataclasses
import importlib
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import tyro
from matplotlib.figure import Figure
from rich.console import Console

from experiments import figures, runs
from experiments.command import refusals_said
from experiments.digits import TRAINING_EXAMPLES
from experiments.progress import say
from experiments.runs import RefusedError
from experiments.studies.study import Note, Outcome, Settings

STUDIES = (
    "vanishing",
    "initial_weights",
    "activations",
    "vectorised",
    "half_precision",
    "feedback",
    "private",
    "kfac",
    "noise",
    "dominate",
    "depth16",
)


RANGES = {
    "depth": (2, math.inf),
    "width": (1, math.inf),
    "epochs": (1, math.inf),
    "learning_rate": (1e-12, 1e12),
    "seeds": (1, 2**32),
    "flipped": (0.001, 0.999),
    "seed": (0, 2**32 - 1),
    "examples": (1, TRAINING_EXAMPLES),
    "batch_size": (1, TRAINING_EXAMPLES),
    "batch_sizes": (2, 2**20),
}


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 2 refused."""
    name, *rest = list(arguments) or [""]
    if name in STUDIES:
        program = f"python -m experiments studies {name}"
        default = settings(name, fast="--fast" in rest)
        config = tyro.cli(type(default), prog=program, args=rest, default=default)
        return _run({name: config}, config.out)
    if name and not name.startswith("-"):
        print(f"studies: unknown study {name!r}; known: {', '.join(STUDIES)}", file=sys.stderr)
        return 2
    program, about = "python -m experiments studies [NAME]", "\n".join(listing())
    given = tyro.cli(Settings, prog=program, description=about, args=arguments)
    return _run({name: settings(name, given.fast) for name in STUDIES}, given.out)


def listing() -> Iterator[str]:
    yield "Studies of what autodiff hides. A NAME runs one of them; NAME --help has its settings:\n"
    for name in STUDIES:
        yield f"  {name:<17}{sentence(name)}\n"


def sentence(name: str) -> str:
    return (module(name).__doc__ or "").splitlines()[0]


def module(name: str) -> Any:
    return importlib.import_module(f"experiments.studies.{name}")


def settings(name: str, fast: bool) -> Any:
    """Those of the study, or its smaller ones for a run of seconds"""
    of = module(name)
    return of.Config(**of.FAST) if fast else of.Config()


def check(config: Any) -> None:
    """RefusedError: the first setting that is out of range"""
    for setting, value in dataclasses.asdict(config).items():
        low, high = RANGES.get(setting, (-math.inf, math.inf))
        for x in value if isinstance(value, tuple) else (value,):
            if setting in RANGES and not low <= x <= high:
                expected = f"{low} to {high}" if high < math.inf else f"at least {low}"
                name = setting.replace("_", "-")
                raise RefusedError(f"--{name}: expected {expected}, got {x}")


def table(outcome: Outcome) -> Iterator[str]:
    """Lines, the first the names of the columns"""
    cells = [outcome.columns, *([shown(x) for x in row] for row in outcome.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = zip(row, widths, outcome.rows[0], strict=True)
        line = (f"{x:<{w}}" if isinstance(kind, str) else f"{x:>{w}}" for x, w, kind in padded)
        yield "  " + "  ".join(line).rstrip()


def shown(x: str | int | float) -> str:
    return f"{x:.3g}" if isinstance(x, float) else str(x)


def _run(configs: dict[str, Any], out: Path | None) -> int:
    console = Console()
    with refusals_said("studies") as outcome:
        for config in configs.values():
            check(config)
        folder = runs.create("studies", out)
        for name, config in configs.items():
            say(console, sentence(name))
            leave(folder, name, config, _found(console, name, config))
        say(console, f"tables and figures are in {folder}")
    return outcome.code


def _found(console: Console, name: str, config: Any) -> Outcome:
    """With its table below; on a terminal a line that moves says what is being done."""
    with _status(console, name) as note:
        found: Outcome = module(name).run(config, note)
    for line in (*table(found), ""):
        say(console, line)
    return found


@contextlib.contextmanager
def _status(console: Console, name: str) -> Iterator[Note]:
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status(name) as status:
        yield lambda text: status.update(f"{name}: {text}")


def leave(folder: Path, name: str, config: Any, found: Outcome) -> None:
    rows = [[x if isinstance(x, str) or math.isfinite(x) else None for x in r] for r in found.rows]
    record = {"config": dataclasses.asdict(config), "columns": found.columns, "rows": rows}
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    figure = Figure(layout="constrained")
    found.draw(figure)
    figures.write(figure, folder / name, dpi=110)
