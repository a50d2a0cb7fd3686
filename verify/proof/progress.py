"""Progress: a bar on a terminal, now and then a line elsewhere."""

import contextlib
import time
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

BETWEEN_LINES = 20.0  # seconds


@contextlib.contextmanager
def bar(console: Console, title: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """Gives what to call after each of `total`; without a terminal nothing is shown."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(
        TextColumn(title),
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(title, total=total, completed=done)
        yield lambda: progress.advance(task)


@contextlib.contextmanager
def bar_or_lines(
    console: Console, title: str, total: int, done: int = 0
) -> Iterator[Callable[[], None]]:
    """As `bar`, but that without a terminal a line says at times how far it is."""
    count, said = done, (began := time.monotonic())

    def advance() -> None:
        nonlocal count, said
        step()
        count, now = count + 1, time.monotonic()
        if not console.is_terminal and (now > said + BETWEEN_LINES or count == total):
            said, pace = now, (now - began) / (count - done)
            say(console, f"{title}: {count}/{total}, about {pace * (total - count):.0f} s to go")

    with bar(console, title, total, done) as step:
        yield advance


def say(console: Console, text: str) -> None:
    """A line of plain text, however long."""
    console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)
