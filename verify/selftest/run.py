"""The measurement: `python -m verify --self-test`, or `python -m verify.selftest --seed N`."""

import dataclasses
import multiprocessing
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

from verify.selftest import peers, table
from verify.selftest.jobs import FAST, PURE_NN, STUDENT, TWO, USUAL, Found, Job, gather, jobs
from verify.selftest.measure import Tally

SHOWN = 20  # examples of what is not right


def main(fast: bool = False, cases: int | None = None, seed: int | None = None) -> int:
    """Prints the table; 1 if a goal is missed.

    fast    seconds in this process, not minutes in as many as there are cores
    cases   networks for each mistake and dtype
    seed    of another run, to repeat it; a fresh one by default
    """
    seed = secrets.randbelow(2**31) if seed is None else seed
    size = FAST if fast else USUAL
    size = size if cases is None else dataclasses.replace(size, cases=cases)
    planned = jobs(size, seed)
    found = gather([job.run() for job in planned] if fast else list(_everywhere(planned)))
    return report(found, seed)


def report(found: Found, seed: int) -> int:
    """The exit code"""
    print("\n".join(table.rows(found)))
    print("\n".join(_remarks(found)))
    goals = table.goals(found)
    print("\nGoals\n" + "\n".join(map(str, goals)))
    print("".join(f"\n{example}\n" for example in _examples(found)))
    print(f"python -m verify.selftest --seed {seed} repeats this")
    return int(not all(goal.met for goal in goals))


def _examples(found: Found) -> list[str]:
    """Of what the checks of verify said amiss: of right gradients first, of two mistakes last"""
    ranked = sorted(
        (name not in (STUDENT, PURE_NN), name == TWO, f"{judge} said of {example}")
        for (name, judge, _), tally in found.items()
        if judge in table.JUDGES[:3]
        for example in tally.examples
    )
    return [example for *_, example in ranked][:SHOWN]


def _everywhere(planned: Iterable[Job]) -> Iterator[Found]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), spawn) as executor:
        futures = [executor.submit(job.run) for job in planned]
        for i, future in enumerate(futures):
            if sys.stderr.isatty():
                print(f"\r{i} of {len(futures)} parts measured", end="", file=sys.stderr)
            yield future.result()


def _remarks(found: Found) -> Iterator[str]:
    total = sum((t for (_, judge, _), t in found.items() if judge == "diagnose"), Tally())
    yield (
        f"\nLeft out: {total['equal']} that change nothing beyond rounding ({total['at one']} of "
        f"them have one example, B = 1, of which the mean cannot be wrong), and {total['near']} "
        f"that change as much as rounding ({total['near found']} of them found)."
    )
    if total["right"]:
        yield f"Right gradients that overflow, not counted: {total['overflown']}."
    if total["found"]:
        yield f"Names that fit the same numbers: {total['kinds'] / total['found']:.2f} on average."
    if not peers.has_torch():
        yield "gradcheck: torch is not installed, so torch.autograd.gradcheck was not run."
