"""How a run goes, on the screen: a bar on a terminal, plain lines elsewhere."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from experiments.engine.loop import Metrics


@contextlib.contextmanager
def shown(
    console: Console, title: str, score: str, epochs: int, done: int = 0
) -> Iterator[Callable[[Metrics], None]]:
    """Shows the metrics that it is called with; without a terminal about 100 lines, and the last"""
    if not console.is_terminal:
        every = max(1, epochs // 100)
        yield lambda m: _line(console, title, score, epochs, m, every)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[said]}"))
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(TextColumn(title), *columns, *times, console=console) as progress:
        task = progress.add_task(title, total=epochs, completed=done, said="compiling")
        yield lambda m: progress.update(task, completed=m.epoch, said=said(m, score))


def said(m: Metrics, score: str) -> str:
    validation = ""
    if m.validation_cost is not None:
        validation = f"   validation cost {m.validation_cost:.5f}"
    if m.validation_score is not None:
        value = f"{m.validation_score:.2%}" if score == "accuracy" else f"{m.validation_score:.4f}"
        validation += f", {score} {value}"
    return f"cost {m.cost:.5f}{validation}   {m.examples_per_second:,.0f} examples/s"


def say(console: Console, text: str) -> None:
    """A line of plain text, however long"""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _line(console: Console, title: str, score: str, epochs: int, m: Metrics, every: int) -> None:
    if m.epoch % every == 0 or m.epoch in (1, epochs):
        say(console, f"{title}   epoch {m.epoch:>{len(str(epochs))}}/{epochs}   {said(m, score)}")
