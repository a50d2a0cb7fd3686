"""`python -m verify` proves every rule and whole networks, and counts the digits that they keep.

Exit code 1 if anything fails.
"""

import contextlib
import itertools
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

from verify import accuracy, tables
from verify.accuracy import Accuracy
from verify.errors import Comparison
from verify.rows import check, rows

# What each process sweeps: a function of verify.accuracy and its arguments.
SWEEPS: Mapping[str, Sequence[tuple[Any, ...]]] = {
    "float64": (
        (accuracy.scalars, "float64", 40),
        (accuracy.scalars, "bfloat16"),
        (accuracy.scalars, "float16"),
        (accuracy.columns, "float64", 1, (10,)),
    ),
    "float32": (
        (accuracy.scalars, "float32", 4),
        (accuracy.columns, "float32", 10, (10, 1000)),
    ),
}


def main() -> int:
    """A process for each dtype, and so a core: they have no compiled program in common."""
    spawn = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        pools = [stack.enter_context(ProcessPoolExecutor(1, spawn)) for _ in SWEEPS]
        return prove(dict(zip(SWEEPS, pools, strict=True)), range(len(rows())))


def prove(workers: Mapping[str, Executor], numbers: Sequence[int]) -> int:
    """Prints the tables as the results come in; the exit code."""
    errors = {
        i: {how: workers[how.dtype].submit(check, i, how) for how in rows()[i].hows}
        for i in numbers
    }
    digits = [workers[dtype].submit(*job) for dtype, jobs in SWEEPS.items() for job in jobs]
    print(tables.ERRORS)
    comparisons = list(_print_errors(errors))
    print(tables.DIGITS)
    accuracies = list(_print_digits(digits))
    print(tables.closing(comparisons, accuracies))
    return int(not (all(c.ok for c in comparisons) and all(a.ok for a in accuracies)))


def _print_errors(errors: Mapping[int, Mapping[Any, Future[Comparison]]]) -> Iterator[Comparison]:
    for section, numbers in itertools.groupby(errors, lambda i: rows()[i].section):
        print(f"\n{section}")
        for i in numbers:
            found = {how: future.result() for how, future in errors[i].items()}
            print(tables.errors(rows()[i].case, found), flush=True)
            yield from found.values()


def _print_digits(digits: Sequence[Future[list[Accuracy]]]) -> Iterator[Accuracy]:
    for row in itertools.chain.from_iterable(future.result() for future in digits):
        print(tables.digits(row), flush=True)
        yield row


if __name__ == "__main__":
    sys.exit(main())
