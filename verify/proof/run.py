"""The proof on all cores: tables that are printed row by row, as the results come in."""

import contextlib
import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from rich.console import Console

from verify import tables
from verify.accuracy import Accuracy
from verify.cases import How, Judged
from verify.proof.plan import Plan
from verify.proof.progress import bar, say
from verify.proof.workers import Workers
from verify.rows import check_together, jobs, rows


class Result(NamedTuple):
    """All that was found, by the number of the row and the way."""

    errors: dict[int, dict[How, Judged]]
    digits: list[Accuracy]

    @property
    def judged(self) -> list[Judged]:
        return [judged for found in self.errors.values() for judged in found.values()]

    @property
    def ok(self) -> bool:
        return all(j.ok for j in self.judged) and all(a.ok for a in self.digits)


@contextlib.contextmanager
def workers(device: str | None) -> Iterator[Executor]:
    """A process for each core; whichever is free takes the next row, of the dtype of its last."""
    spawn = multiprocessing.get_context("spawn")
    options = {"mp_context": spawn, "initializer": start, "initargs": (device,)}
    executor = Workers(os.cpu_count() or 1, _dtype, **options)
    _hold_interrupts(signal.SIG_BLOCK)  # of what is started now, until its imports are over
    try:
        executor.start(os.getpid)
    finally:
        _hold_interrupts(signal.SIG_UNBLOCK)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _dtype(args: tuple[Any, ...]) -> Any:
    """Of the ways of a row, or of a sweep: programs for numbers of one dtype are of no use to
    another"""
    dtypes = {how.dtype for x in args if isinstance(x, list) for how in x if isinstance(how, How)}
    dtypes |= {x for x in args if isinstance(x, str)}
    return min(dtypes, default=None)


def _hold_interrupts(how: int) -> None:
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(how, [signal.SIGINT])


def start(device: str | None) -> None:
    """Ctrl-C ends a worker without a word; what it computes, it computes on the device."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _hold_interrupts(signal.SIG_UNBLOCK)
    if device is not None:
        jax.config.update("jax_default_device", jax.devices(device)[0])


def device_name() -> str:
    (device,) = jnp.zeros(()).devices()
    return f"{device.platform} {device.device_kind}"


def prove(executor: Executor, plan: Plan, console: Console) -> Result:
    """Prints the tables as the results come in."""
    errors = _submit_rows(executor, plan)
    digits = [executor.submit(f, *args, names=plan.names) for f, *args in plan.sweeps]
    submitted = (future for row in errors.values() for _, _, future in row)
    futures = [*dict.fromkeys(submitted), *digits]
    with bar(console, "proof", len(futures)) as advance:
        for future in futures:
            future.add_done_callback(lambda _: advance())
        result = Result(_print_errors(errors, plan.shown, console), _print_digits(digits, console))
    say(console, tables.closing(result.judged, result.digits))
    return result


Job = tuple[Sequence[How], int, Future[list[list[Judged]]]]  # and which of its rows it is
Submitted = dict[int, list[Job]]


def _submit_rows(executor: Executor, plan: Plan) -> Submitted:
    submitted: Submitted = {}
    for numbers, hows in jobs(plan.numbers, plan.dtypes):
        future = executor.submit(check_together, numbers, hows)
        for which, number in enumerate(numbers):
            submitted.setdefault(number, []).append((hows, which, future))
    return submitted


def _print_errors(
    errors: Submitted, dtypes: Sequence[str], console: Console
) -> dict[int, dict[How, Judged]]:
    found = {}
    if errors:
        say(console, tables.heading(dtypes))
    for section, numbers in itertools.groupby(errors, lambda i: rows()[i].section):
        say(console, f"\n{section}")
        for i in numbers:
            found[i] = dict(_judged(errors[i]))
            say(console, tables.errors(rows()[i].case.name, found[i], dtypes))
    return found


def _judged(row: Sequence[Job]) -> Iterator[tuple[How, Judged]]:
    for hows, which, future in row:
        yield from zip(hows, future.result()[which], strict=True)


def _print_digits(digits: Sequence[Future[list[Accuracy]]], console: Console) -> list[Accuracy]:
    if digits:
        say(console, tables.ABOUT_DIGITS)
    found = []
    for future in digits:
        for accuracy in future.result():
            say(console, tables.digits(accuracy))
            found.append(accuracy)
    return found
