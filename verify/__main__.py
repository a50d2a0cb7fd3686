"""`python -m verify` proves pure_nn, and judges what other programs compute.

The exit code: 0 all is right, 1 something is wrong, 2 the command is not understood.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Command(NamedTuple):
    """A sub-command: a function of one path in a module that is imported on use."""

    path: str
    module: str
    function: str
    about: str


COMMANDS = {
    "diagnose": Command(
        "FILE.npz", "verify.diagnose", "main", "Name the mistake in gradients that a program saved."
    ),
    "vectors": Command(
        "OUT/", "verify.vectors", "write", "Write test vectors for implementations elsewhere."
    ),
    "conform": Command(
        "DIR/", "verify.conform", "conform", "Check what an implementation made of the vectors."
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    name, *rest = given or [""]
    try:
        if name in COMMANDS:
            return _run(name, rest)
        options = importlib.import_module("verify.proof.options")
    except ModuleNotFoundError as error:
        return _refuse(
            f"verify needs {error.name}, which is not installed: pip install 'pure_nn[verify]'"
        )
    if name and not name.startswith("-"):
        return _refuse(f"unknown command {name!r}; known: {', '.join(COMMANDS)}; --help explains")
    return int(options.main(given, about()))


def _run(name: str, rest: Sequence[str]) -> int:
    command = COMMANDS[name]
    if {"-h", "--help"}.intersection(rest):
        print(f"usage: {_usage(name)}\n\n{command.about}")
        return 0
    if len(rest) != 1 or rest[0].startswith("-"):
        return _refuse(f"expected {_usage(name)}, got {' '.join([name, *rest])}")
    function = getattr(importlib.import_module(command.module), command.function)
    try:
        return int(function(Path(rest[0])) or 0)
    except (OSError, ValueError) as error:
        return _refuse(str(error))


def _refuse(message: str) -> int:
    print(f"python -m verify: {message}", file=sys.stderr)
    return 2


def _usage(name: str) -> str:
    return f"python -m verify {name} {COMMANDS[name].path}"


def about() -> str:
    """What stands above the flags in --help"""
    others = "\n".join(f"  {_usage(name):<36}{c.about}" for name, c in COMMANDS.items())
    return f"""\
Prove every rule and public function of pure_nn and a covering design of whole networks, and count
the digits that they keep.

Or, with a command in place of the flags:

{others}

The exit code: 0 all is right, 1 something is wrong, 2 the command is not understood."""


if __name__ == "__main__":
    sys.exit(main())
