"""The command line of the self-test."""

import sys
from collections.abc import Sequence

from verify.selftest.run import main

USAGE = "usage: python -m verify.selftest [--fast] [--cases N] [--seed N]"


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0 every goal is met, 1 one is missed, 2 the command is not understood"""
    given = list(arguments)
    numbers: dict[str, int] = {}
    fast = "--fast" in given
    rest = [argument for argument in given if argument != "--fast"]
    for flag, value in zip(rest[::2], [*rest[1::2], ""], strict=False):
        if flag not in ("--cases", "--seed") or not value.isdecimal():
            print(USAGE, file=sys.stderr)
            return 2
        numbers[flag.removeprefix("--")] = int(value)
    return main(fast=fast, **numbers)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
