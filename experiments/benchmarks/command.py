"""`python -m experiments bench`: all workloads, or those whose name has a text in it."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import tyro
from matplotlib.figure import Figure
from rich.console import Console

from experiments import figures, runs
from experiments.benchmarks import machine, report
from experiments.benchmarks.problem import Workload
from experiments.benchmarks.rounds import Measured, measure
from experiments.benchmarks.workloads import WORKLOADS
from experiments.command import refusals_said
from experiments.progress import say
from experiments.runs import RefusedError

PROGRAM = "python -m experiments bench"
FEWEST = 3


@dataclasses.dataclass(frozen=True)
class Config:
    """The speed of pure_nn beside what people would use in its place, in one interleaved run."""

    only: str = ""
    """Take the workloads whose name has this in it."""
    without: tuple[str, ...] = ()
    """Leave out the contenders whose name has one of these in it."""
    rounds: int | None = None
    """Rounds of every workload, in place of its own number."""
    list: bool = False
    """Print the workloads and who takes part, and end."""
    out: Path | None = None
    """Folder of the results; by default the next free one under runs/."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 2 refused."""
    config = tyro.cli(Config, prog=PROGRAM, args=arguments)
    with refusals_said("bench") as outcome:
        workloads = chosen(config)
        if config.list:
            print("\n".join(listing(workloads)))
        else:
            run(config, workloads, Console())
    return outcome.code


def chosen(config: Config) -> Sequence[Workload]:
    """RefusedError: none has that name, too few rounds, nobody left, no GPU where one is needed."""
    if config.rounds is not None and config.rounds < FEWEST:
        raise RefusedError(f"--rounds: expected at least {FEWEST}, got {config.rounds}")
    found = [_less(w, config.without) for w in WORKLOADS if config.only in w.name]
    if not found:
        raise RefusedError(
            f"--only: expected a part of a workload's name, got {config.only!r}; there are: "
            + "; ".join(w.name for w in WORKLOADS)
        )
    if not all(w.contenders for w in found):
        raise RefusedError(f"--without: nobody is left, got {' '.join(config.without)}")
    return found if config.list else _possible(config, found)


def _possible(config: Config, found: Sequence[Workload]) -> Sequence[Workload]:
    backend = jax.default_backend()
    left = [w for w in found if backend == "gpu" or not w.gpu]
    if not left:
        raise RefusedError(f"--only: {found[0].name!r} needs a GPU; JAX computes on the {backend}")
    return left


def _less(workload: Workload, without: Sequence[str]) -> Workload:
    left = [c for c in workload.contenders if not any(text in c.name for text in without)]
    return dataclasses.replace(workload, contenders=tuple(left))


def listing(workloads: Sequence[Workload]) -> Iterator[str]:
    for w in workloads:
        needs = " (needs a GPU)" if w.gpu else ""
        yield f"{w.name}{needs}\n  {', '.join(c.name for c in w.contenders)}"


def run(config: Config, workloads: Sequence[Workload], console: Console) -> None:
    folder = runs.create("bench", config.out)
    here, results = machine.described(), list[tuple[Workload, Measured]]()
    say(console, machine.line(here))
    for workload in workloads:
        with _status(console, workload.name) as note:
            measured = measure(workload, config.rounds or workload.rounds, note)
        results.append((workload, measured))
        for line in ("", *report.table(workload, measured)):
            say(console, line)
        leave(folder, here, results)
    say(console, f"\ntimes, ratios and figure are in {folder}")


@contextlib.contextmanager
def _status(console: Console, name: str) -> Iterator[Callable[[str], object]]:
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status(name) as status:
        yield lambda text: status.update(f"{name}: {text}")


def leave(folder: Path, here: dict[str, Any], results: list[tuple[Workload, Measured]]) -> None:
    """After each workload, so that nothing is lost"""
    found = {"machine": here, "workloads": [report.record(*result) for result in results]}
    text = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "bench.json").write_text(text + "\n", encoding="utf-8")
    figure = Figure(layout="constrained")
    report.draw(figure, results)
    figures.write(figure, folder / "bench", dpi=100)
