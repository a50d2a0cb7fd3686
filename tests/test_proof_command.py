"""`python -m verify`: its flags, its commands, its exit codes, and the record that it writes."""

import contextlib
import dataclasses
import json
import re
import signal
import subprocess
import sys
import types
import unittest.mock
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import verify.__main__ as command
from verify import diagnose, rows, rules, vectors
from verify.proof import options, plan, record, run

SCHEMA = json.loads((Path(record.__file__).parent / "schema.json").read_text(encoding="utf-8"))
ONE_ROW = ["--filter", "tanh(): A"]
IN_FLOAT32 = ["--dtype", "float32"]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of processes, which would import everything again."""

    @contextlib.contextmanager
    def workers(device: str | None) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(1) as executor:
            yield executor

    monkeypatch.setattr(options, "workers", workers)


def exit_code(*arguments: str) -> Any:
    """What `sys.exit` is given, by us or by tyro."""
    try:
        return command.main(arguments)
    except SystemExit as stop:
        return stop.code


# bad usage

BAD = {
    "prove": r"unknown command 'prove'; known: diagnose, vectors, conform; --help explains",
    "--dtype float128": r"invalid choice 'float128' for argument '--dtype'",
    "--device abacus": r"invalid choice 'abacus' for argument '--device'",
    "--device tpu": r"--device tpu: expected a device that JAX finds, .* none but cpu; JAX for ano",
    "--device gpu": r"--device gpu: expected a device that JAX finds, .* none but cpu; JAX for ano",
    "--filter": r"Missing value for argument '--filter'",
    "--filter nowhere": r"a row's name, got 'nowhere'; there are:\n\nRules\n  identity\(\): A",
    "--exhaustiv": r"Unrecognized options: --exhaustiv",
    "--exhaustive extra": r"Unrecognized options: extra",
    "--exhaustive --dtype float16": r"expected --dtype float32 or all, got float16",
    "--state here.json": r"--state: expected --exhaustive beside it",
    "--self-test --exhaustive": r"--self-test: expected no other flag beside it than --seed",
    "--self-test --seed -3": r"--seed: expected a number from 0 on, and --self-test beside it",
    "--seed 3": r"--seed: expected a number from 0 on, and --self-test beside it",
    "--json nowhere/at/all.json": r"--json: expected a file in a folder that exists, got nowhere",
    "--json .": r"--json: expected a file in a folder that exists, got \.",
    "diagnose": r"verify diagnose FILE.npz \[options\], got diagnose; --help explains it\n$",
    "diagnose a b": r"verify diagnose FILE.npz \[options\], got diagnose a b; --help explains it",
    "diagnose a --los x": r"diagnose: expected some of --activations, .*, --dtype, got --los\n$",
    "diagnose a -l x": r"diagnose: expected some of --activations, .*, --dtype, got -l\n$",
    "diagnose a --loss": r"diagnose: expected --loss NAME, got no value\n$",
    "diagnose a --l2 much": r"--l2: expected a number, such as 0\.1, got 'much'\n$",
    "diagnose a --keep=nan": r"--keep: expected a number, such as 0\.1, got 'nan'\n$",
    "vectors a b": r"expected python -m verify vectors OUT/, got vectors a b",
    "conform --all": r"expected python -m verify conform DIR/, got conform --all",
}


@pytest.mark.parametrize("arguments", BAD)
def test_bad_usage(
    arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert exit_code(*arguments.split()) == 2
    out, err = capsys.readouterr()
    assert re.search(BAD[arguments], err)
    assert not out


@pytest.mark.usefixtures("threads")
def test_a_state_that_is_none_is_refused_before_anything_is_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text("{}", encoding="utf-8")
    assert exit_code("--exhaustive", "--state", str(mine)) == 2
    out, err = capsys.readouterr()
    assert "expected the state of an exhaustive proof, got another file" in err
    assert not out


def test_the_list_of_what_there_is_leaves_nothing_out() -> None:
    listed = plan.listing().splitlines()
    assert all(f"  {row.case.name}" in listed for row in rows.rows())
    assert {"  tanh′", "  softmax Δ, one-hot Y"} <= set(listed)


def test_help_lists_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    out = capsys.readouterr().out
    flags = {f"--{f.name.replace('_', '-')}" for f in dataclasses.fields(options.Options)}
    assert len(flags) == 8
    assert all(name in out for name in [*flags, *command.COMMANDS, "FILE.npz", "exit code"])


# commands

ANSWERS = {"nothing": (None, 0), "right": (0, 0), "wrong": (1, 1), "unreadable": (2, 2)}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", command.COMMANDS)
def test_a_command_is_given_its_path(
    name: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, (result, code) = command.COMMANDS[name], ANSWERS[answer]
    function = unittest.mock.Mock(return_value=result)
    fake = types.SimpleNamespace(**{known.function: function})
    monkeypatch.setitem(sys.modules, known.module, fake)
    assert exit_code(name, "somewhere") == code
    function.assert_called_once_with(Path("somewhere"))


@pytest.mark.parametrize("error", [FileNotFoundError, ValueError])
def test_what_a_command_cannot_read_is_bad_usage(
    error: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> int:
        raise error(f"{path}: expected an .npz")

    monkeypatch.setitem(sys.modules, "verify.diagnose", types.SimpleNamespace(main=refuse))
    assert exit_code("diagnose", "x.npz") == 2
    assert capsys.readouterr().err == "python -m verify: x.npz: expected an .npz\n"


def test_help_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("vectors", "--help") == 0
    assert capsys.readouterr().out == (
        f"usage: python -m verify vectors OUT/\n\n{str(vectors.__doc__).strip()}\n"
    )


def test_help_of_a_command_with_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code("diagnose", "x.npz", "-h") == 0
    usage, text = capsys.readouterr().out.split("\n", 1)
    assert usage == "usage: python -m verify diagnose FILE.npz [options]"
    assert str(diagnose.__doc__).strip() in text
    assert all(f"\n  --{option} " in text for option in diagnose.OPTIONS)


def test_all_options_of_a_command_are_known() -> None:
    assert tuple(command.COMMANDS["diagnose"].options) == diagnose.OPTIONS


def test_options_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.SimpleNamespace(main=unittest.mock.Mock(return_value=0))
    monkeypatch.setitem(sys.modules, "verify.diagnose", fake)
    given = ("--loss", "mse", "x.npz", "--l2=-0.5", "--activations", "tanh,identity")
    assert exit_code("diagnose", *given) == 0
    fake.main.assert_called_once_with(
        Path("x.npz"), loss="mse", l2=-0.5, activations="tanh,identity"
    )


def test_a_command_that_is_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = types.SimpleNamespace(conform=unittest.mock.Mock(side_effect=KeyboardInterrupt))
    monkeypatch.setitem(sys.modules, "verify.conform", fake)
    assert exit_code("conform", "somewhere") == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("code", [0, 1])
def test_self_test(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.SimpleNamespace(main=unittest.mock.Mock(return_value=code))
    monkeypatch.setitem(sys.modules, "verify.selftest", fake)
    assert exit_code("--self-test") == code
    assert exit_code("--self-test", "--seed", "7") == code
    assert fake.main.call_args_list == [unittest.mock.call(seed=seed) for seed in (None, 7)]


def test_without_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tyro", None)
    monkeypatch.delitem(sys.modules, "verify.proof.options")
    assert exit_code() == 2
    assert "needs tyro, which is not installed: pip install 'pure_nn[verify]'" in (
        capsys.readouterr().err
    )


# the proof


@pytest.mark.usefixtures("threads")
def test_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "proof.json"
    assert exit_code(*ONE_ROW, *IN_FLOAT32, "--json", str(path)) == 0
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, SCHEMA)
    assert content["ok"]
    assert [(e["name"], e["dtype"], e["compiled"]) for e in content["errors"]] == [
        ("tanh(): A, and Δ = dA pulled through g", "float32", compiled)
        for compiled in (True, False)
    ]
    assert {e["ulps"] < e["autodiff_ulps"] for e in content["errors"]} == {True}
    assert content["options"]["dtype"] == "float32"
    assert not list(tmp_path.glob("proof.json?*"))
    assert "4 passed" not in capsys.readouterr().out


@pytest.mark.usefixtures("threads")
def test_a_failure_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row, path = rows.rows()[0], tmp_path / "proof.json"
    wrong = dataclasses.replace(next(rules.all_rules()), by_hand=lambda Z, dA: (Z, Z))
    for module in (rows, run, plan, record):
        monkeypatch.setattr(module, "rows", lambda: (row._replace(case=wrong),))
    assert exit_code("--filter", "identity(): A", *IN_FLOAT32, "--json", str(path)) == 1
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, SCHEMA)
    assert not content["ok"]
    assert {e["where"] for e in content["errors"]} == {"[1]"}


def test_a_record_without_a_field_would_be_found() -> None:
    with pytest.raises(jsonschema.ValidationError, match="'options' is a required property"):
        jsonschema.validate({"schema": record.SCHEMA, "ok": True, "seconds": 1.0}, SCHEMA)


STOPS = {KeyboardInterrupt: (130, "stopped"), BrokenProcessPool: (1, "a worker process was killed")}


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.__name__)
def test_stopped(
    stop: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def prove(*args: Any) -> None:
        raise stop

    monkeypatch.setattr(options, "prove", prove)
    code, message = STOPS[stop]
    assert exit_code(*ONE_ROW) == code
    assert message in capsys.readouterr().err


PARTS = {
    "a rule": ((), "softmax(): A", 1, 0),
    "a function of one number": ((), "tanh′", 0, 4),
    "in another dtype": (("bfloat16",), "tanh", 14, 1),
    "of a column": (("bfloat16",), "one-hot", 0, 1),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_plan_has_what_was_asked_for(part: str) -> None:
    dtypes, text, numbers, sweeps = PARTS[part]
    found = plan.plan(dtypes, text, exhaustively=False)
    assert (len(found.numbers), len(found.sweeps)) == (numbers, sweeps)
    assert {how.dtype for i in found.numbers for how in rows.rows()[i].of(dtypes)} <= set(dtypes)
    assert not found.exhaustive


def test_the_whole_plan() -> None:
    found = plan.plan((), "", exhaustively=True)
    assert len(found.numbers) == len(rows.rows())
    assert len(found.sweeps) == 6
    assert len(found.exhaustive) == 14
    assert len(list(rows.jobs(found.numbers))) == 2 * 43 + 8 + 1 + 31
    assert len(list(rows.jobs(found.numbers, ("float64", "float16")))) == 2 * (43 + 8 + 1 + 31)


def test_rows_that_share_what_they_compute_are_one_job() -> None:
    laws = plan.plan((), "d batch", exhaustively=False).numbers
    assert list(rows.jobs((0, *laws), ("float32",)))[1][0] == laws
    assert len(laws) == 3


def test_processes() -> None:
    """Once as it is run."""
    run = [sys.executable, "-m", "verify", "--filter", "identity(): A", "--dtype", "float64"]
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("1,120 entries compared; 2 passed, 0 failed\n")


def test_workers_start_without_interrupts() -> None:
    """Ctrl-C ends them in what they compute, and not in their imports, where it would be said."""
    with run.workers(None) as executor:
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        assert not executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
        assert executor.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_DFL
