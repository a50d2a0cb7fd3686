"""What the commands share: refusals as one line and an exit code, and the dtype of a run."""

import contextlib
import dataclasses
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import jax

from experiments.runs import RefusedError, StoppedError
from experiments.tabular.leave import WEIGHTS

REFUSALS = (RefusedError, StoppedError, ValueError, TypeError, OSError, ImportError)


@dataclasses.dataclass
class Outcome:
    """The exit code: 0 well done, 1 stopped on the way, 2 refused."""

    code: int = 0


@contextlib.contextmanager
def refusals_said(name: str) -> Iterator[Outcome]:
    """What the user can do something about is a line on stderr, not a traceback; so is Ctrl-C, or
    SIGTERM, where nothing is to be saved."""
    outcome = Outcome()
    try:
        with _terminated_as_interrupted():
            yield outcome
    except KeyboardInterrupt:
        print(f"\n{name}: stopped; nothing was left to save", file=sys.stderr)
        outcome.code = 1
    except REFUSALS as error:
        print(f"{name}: {error}", file=sys.stderr)
        outcome.code = 1 if isinstance(error, StoppedError) else 2


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def with_its_dtype(folder: Path) -> Iterator[None]:
    """Float64 where the run in the folder is of it"""
    with jax.enable_x64(_is_float64(folder / WEIGHTS)):
        yield


def _is_float64(weights: Path) -> bool:
    if not weights.is_file():
        return False
    with weights.open("rb") as file:
        return b'"F64"' in file.read(100_000)
