"""`python -m verify` proves pure_nn, and judges what other programs compute.

The exit code: 0 all is right; 1 something is wrong, inaccurate, undecided or cannot be read;
2 the command is not understood.
"""

import contextlib
import importlib
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Command(NamedTuple):
    """A sub-command: a function of one path in a module that is imported on use, and explains it.

    options   what the function takes by name, each with the form of its value
    """

    path: str
    module: str
    function: str
    about: str
    options: Mapping[str, str] = {}


NUMBER = "NUMBER"
DIAGNOSE = {
    "activations": "relu,…,softmax",
    "loss": "NAME",
    "layout": "columns|rows",
    "reduction": "mean|sum",
    "l2": NUMBER,
    "keep": NUMBER,
    "dtype": "float64|float32|bfloat16|float16",
}
COMMANDS = {
    "diagnose": Command(
        "FILE.npz",
        "verify.diagnose",
        "main",
        "Name the mistake in gradients that a program saved.",
        DIAGNOSE,
    ),
    "vectors": Command(
        "OUT/", "verify.vectors", "main", "Write test vectors for implementations elsewhere."
    ),
    "conform": Command(
        "DIR/", "verify.conform", "conform", "Check what an implementation made of the vectors."
    ),
}


class UsageError(ValueError):
    """The command is not understood: exit code 2."""


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
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130  # as a shell has it after Ctrl-C
    if name and not name.startswith("-"):
        return _refuse(f"unknown command {name!r}; known: {', '.join(COMMANDS)}; --help explains")
    return int(options.main(given, about()))


def _run(name: str, rest: Sequence[str]) -> int:
    command = COMMANDS[name]
    if {"-h", "--help"}.intersection(rest):
        print("\n".join(_help(name)))
        return 0
    try:
        path, said = _understood(name, rest)
        function = getattr(importlib.import_module(command.module), command.function)
        return int(function(path, **said) or 0)
    except (OSError, ValueError) as error:
        return _refuse(str(error))


def _refuse(message: str) -> int:
    print(f"python -m verify: {message}", file=sys.stderr)
    return 2


# what was given


def _understood(name: str, rest: Sequence[str]) -> tuple[Path, dict[str, Any]]:
    """One path, and options as --name VALUE or --name=VALUE in any order"""
    paths, said, left = list[str](), dict[str, Any](), iter(rest)
    for word in left:
        if word.startswith("-") and COMMANDS[name].options:
            option, equals, value = word.removeprefix("--").partition("=")
            said[option] = _value(name, word, option, value if equals else next(left, None))
        else:
            paths.append(word)
    if len(paths) != 1 or paths[0].startswith("-"):
        raise UsageError(
            f"expected {_usage(name)}, got {' '.join([name, *rest])}; --help explains it"
        )
    return Path(paths[0]), said


def _value(name: str, word: str, option: str, value: str | None) -> Any:
    forms = COMMANDS[name].options
    if not word.startswith("--") or option not in forms:
        known = ", ".join(f"--{each}" for each in forms)
        raise UsageError(f"{name}: expected some of {known}, got {word}")
    if value is None:
        raise UsageError(f"{name}: expected --{option} {forms[option]}, got no value")
    return _number(option, value) if forms[option] == NUMBER else value


def _number(option: str, value: str) -> float:
    with contextlib.suppress(ValueError):
        if math.isfinite(number := float(value)):
            return number
    raise UsageError(f"--{option}: expected a number, such as 0.1, got {value!r}")


# what is explained


def _usage(name: str) -> str:
    options = " [options]" * bool(COMMANDS[name].options)
    return f"python -m verify {name} {COMMANDS[name].path}{options}"


def _help(name: str) -> Iterator[str]:
    command = COMMANDS[name]
    yield f"usage: {_usage(name)}\n"
    yield str(importlib.import_module(command.module).__doc__).strip()
    if command.options:
        yield "\nOptions, which go before what the file says of the same:\n"
        yield from (f"  --{option} {form}" for option, form in command.options.items())


def about() -> str:
    """What stands above the flags in --help"""
    others = "\n".join(
        f"  python -m verify {f'{name} {c.path}':<20}{c.about}" for name, c in COMMANDS.items()
    )
    return f"""\
Without a command: prove every rule and public function of pure_nn and a covering design of whole
networks, and count the digits that they keep. The flags below choose what, and where.

With a command in place of the flags, judge gradients of your own; each explains itself with --help:

{others}

In Python: verify.check_gradient, check_rule, check_vjp and check_laws. In pytest: fixtures of these
names. The README has an example of each.

The exit code: 0 all is right; 1 something is wrong, inaccurate, undecided or cannot be read;
2 the command is not understood."""


if __name__ == "__main__":
    sys.exit(main())
