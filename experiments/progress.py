"""The metrics of a run: kept, on disk, and on the screen while the run goes."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Array, Float
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from experiments.runs import StoppedError, append_metrics


@dataclasses.dataclass(frozen=True)
class Metrics:
    """One epoch: `cost` is its J, each batch before its own update; the rest is after it."""

    epoch: int
    cost: float
    test_cost: float
    train_accuracy: float
    test_accuracy: float
    seconds: float

    def __str__(self) -> str:
        return f"cost {self.cost:.5f}   test accuracy {self.test_accuracy:7.2%}"


class Log:
    """The metrics of every epoch, fetched one epoch late.

    So the host waits for one epoch while the device is at the next.

    StoppedError: a cost that is not finite.
    """

    def __init__(
        self, folder: Path, examples: tuple[int, int], show: Callable[[Metrics], None]
    ) -> None:
        self.history: list[Metrics] = []
        self._folder, self._examples, self._show = folder, examples, show
        self._waiting: tuple[int, Array] | None = None
        self._clock = time.perf_counter()

    def put(self, epoch: int, values: Float[Array, "4"]) -> None:
        """J, the test cost, and how many of the training and test examples are right."""
        self.flush()
        self._waiting = epoch, values

    def flush(self) -> None:
        if self._waiting is not None:
            (epoch, values), self._waiting = self._waiting, None
            self._add(self._metrics(epoch, *map(float, np.asarray(values))))

    def _metrics(
        self, epoch: int, cost: float, test_cost: float, right: float, test_right: float
    ) -> Metrics:
        clock, self._clock = self._clock, time.perf_counter()
        m, m_test = self._examples
        return Metrics(epoch, cost, test_cost, right / m, test_right / m_test, self._clock - clock)

    def _add(self, metrics: Metrics) -> None:
        if not math.isfinite(metrics.cost + metrics.test_cost):
            raise StoppedError(
                f"the cost of epoch {metrics.epoch} is {metrics.cost}, and {metrics.test_cost} on "
                f"the test; try a smaller --learning-rate; the epochs before are in {self._folder}"
            )
        self.history.append(metrics)
        append_metrics(self._folder, metrics)
        self._show(metrics)


@contextlib.contextmanager
def shown(console: Console, title: str, epochs: int) -> Iterator[Callable[[Metrics], None]]:
    """Shows the metrics that it is called with: a bar on a terminal, a line each elsewhere."""
    if not console.is_terminal:
        yield lambda m: say(console, f"{title}   epoch {m.epoch:>3}/{epochs}   {m}")
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[metrics]}"))
    with Progress(TextColumn(title), *columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(title, total=epochs, metrics="compiling")
        yield lambda m: progress.update(task, completed=m.epoch, metrics=str(m))


def say(console: Console, text: str) -> None:
    """A line of plain text, however long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
