"""The command line of the proof."""

import dataclasses
import importlib
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import tyro
from rich.console import Console
from tyro.conf import FlagCreatePairsOff, arg

from verify import tables
from verify.accuracy import DTYPES, Accuracy
from verify.proof import cover, record, state
from verify.proof.plan import Plan, plan
from verify.proof.progress import say
from verify.proof.run import device_name, prove, workers
from verify.proof.state import State

STOPPED = 130  # as a shell has it after Ctrl-C


class UsageError(ValueError):
    """The command is not understood: exit code 2."""


def _flag(metavar: str, text: str) -> Any:
    return arg(metavar=metavar, help=text, help_behavior_hint="")


@dataclasses.dataclass(frozen=True)
class Options:
    dtype: Annotated[
        Literal["float64", "float32", "bfloat16", "float16", "all"] | None,
        _flag("|".join((*DTYPES, "all")), "Everything in this dtype; each row in its own without."),
    ] = None
    device: Annotated[
        Literal["cpu", "gpu", "tpu"] | None,
        _flag("cpu|gpu|tpu", "Where to compute what is proven; where JAX does without."),
    ] = None
    filter: Annotated[str, _flag("TEXT", "Only the rows whose name contains TEXT.")] = ""
    json: Annotated[
        Path | None,
        _flag("FILE", "Write the result for programs too; verify.proof.record says how."),
    ] = None
    exhaustive: Annotated[
        bool,
        _flag(
            "",
            "Then the functions of one number on all 2³² float32 inputs: minutes. After "
            "Ctrl-C the same command goes on.",
        ),
    ] = False
    state: Annotated[
        Path | None, _flag("FILE", "Where --exhaustive keeps how far it is; else the user's cache.")
    ] = None
    self_test: Annotated[
        bool,
        _flag("", "Instead, what the checker finds of mistakes made on purpose: many minutes."),
    ] = False
    seed: Annotated[
        int | None, _flag("N", "Of an earlier --self-test, which it repeats; a fresh one without.")
    ] = None

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Those asked for"""
        return DTYPES if self.dtype == "all" else (self.dtype,) if self.dtype else ()


def main(arguments: Sequence[str], about: str) -> int:
    """The exit code."""
    config = (FlagCreatePairsOff,)
    options = tyro.cli(
        Options, prog="python -m verify", description=about, args=arguments, config=config
    )
    try:
        _require_sense(options)
        return _self_test(options.seed) if options.self_test else _run(options)
    except UsageError as error:
        print(f"python -m verify: {error}", file=sys.stderr)
        return 2
    except BrokenProcessPool:
        print("python -m verify: a worker process was killed; is memory short?", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED


def _self_test(seed: int | None) -> int:
    return int(importlib.import_module("verify.selftest").main(seed=seed))


def _require_sense(options: Options) -> None:
    if options.self_test and options != Options(self_test=True, seed=options.seed):
        raise UsageError("--self-test: expected no other flag beside it than --seed")
    if options.seed is not None and (options.seed < 0 or not options.self_test):
        raise UsageError("--seed: expected a number from 0 on, and --self-test beside it")
    if options.exhaustive and options.dtype not in (None, "float32", "all"):
        raise UsageError(
            f"--exhaustive: expected --dtype float32 or all, got {options.dtype}; the tests cover "
            "all inputs of the 16-bit types, and nothing covers all of float64"
        )
    if options.state and not options.exhaustive:
        raise UsageError("--state: expected --exhaustive beside it, whose state it keeps")
    if options.json and (options.json.is_dir() or not options.json.absolute().parent.is_dir()):
        raise UsageError(f"--json: expected a file in a folder that exists, got {options.json}")
    _require_device(options.device)


def _require_device(device: str | None) -> None:
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # processes share a GPU
    try:
        jax.devices(device)
    except RuntimeError:
        found = ", ".join(sorted({d.platform for d in jax.devices()}))
        raise UsageError(
            f"--device {device}: expected a device that JAX finds, and it finds none but {found}; "
            "JAX for another one: https://docs.jax.dev/en/latest/installation.html"
        ) from None


def _run(options: Options) -> int:
    began, console = time.monotonic(), Console(highlight=False)
    chosen = _plan(options)
    with workers(options.device) as executor:
        device = executor.submit(device_name).result()
        known = _state(options, chosen, device)
        result = prove(executor, chosen, console)
        everything = None if known is None else _cover(executor, known, chosen, console)
    if options.json:
        asked = {field: getattr(options, field) for field in ASKED}
        seconds = time.monotonic() - began
        record.write(options.json, record.record(result, everything, asked, device, seconds))
    return int(not (result.ok and all(row.ok for row in everything or ())))


ASKED = ("dtype", "device", "filter", "exhaustive")  # of the options, for the record


def _plan(options: Options) -> Plan:
    try:
        return plan(options.dtypes, options.filter, exhaustively=options.exhaustive)
    except ValueError as error:
        raise UsageError(f"--filter: {error}") from None


def _state(options: Options, chosen: Plan, device: str) -> State | None:
    """How far an exhaustive proof has come, read before anything is computed."""
    if not options.exhaustive:
        return None
    path = options.state or state.default_path()
    try:
        return state.load(path, state.fingerprint(chosen.exhaustive, device))
    except ValueError as error:
        raise UsageError(str(error)) from None


def _cover(executor: Executor, known: State, chosen: Plan, console: Console) -> list[Accuracy]:
    say(console, tables.ABOUT_EVERYTHING + known.note)
    rows = cover.cover(executor, known, chosen.exhaustive, console)
    for row in rows:
        say(console, tables.digits(row))
    return rows
