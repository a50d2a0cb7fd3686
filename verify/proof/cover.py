"""The exhaustive proof on all cores, block by block: stopped, it can be gone on with."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from typing import Any

from rich.console import Console

from verify.accuracy import Accuracy
from verify.proof import exhaustive
from verify.proof.progress import bar_or_lines, say
from verify.proof.state import State

BETWEEN_SAVES = 2.0  # seconds


def cover(
    workers: Executor, state: State, chosen: Sequence[str], console: Console
) -> list[Accuracy]:
    """Every block that is not done yet; the state is saved as it goes, and removed at the end."""
    missing = [number for number in range(exhaustive.BLOCKS) if number not in state.done]
    futures = {workers.submit(exhaustive.block, number, chosen): number for number in missing}
    with bar_or_lines(console, "all of float32", exhaustive.BLOCKS, len(state.done)) as advance:
        try:
            for number, found in _finished(futures, state):
                state.add(number, found)
                advance()
        except KeyboardInterrupt:
            say(
                console,
                f"{len(state.done)}/{exhaustive.BLOCKS}: the same command goes on from here",
            )
            raise
        finally:
            state.save()
    state.path.unlink()
    return accuracies(state, chosen)


def accuracies(state: State, chosen: Sequence[str]) -> list[Accuracy]:
    found = {name: state.found[name] for name in chosen}
    return exhaustive.accuracies(found, 2 * exhaustive.BLOCK * len(state.done))


def _finished(futures: Mapping[Future[Any], int], state: State) -> Iterator[tuple[int, Any]]:
    saved = time.monotonic()
    for future in as_completed(futures):
        yield futures[future], future.result()
        if time.monotonic() > saved + BETWEEN_SAVES:
            state.save()
            saved = time.monotonic()
