"""`python -m experiments` lists what there is and runs it by name."""

import dataclasses
import importlib
import re
import sys

import pytest

from experiments.__main__ import EXPERIMENTS, main
from experiments.digits import Config


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]], ids=str)
def test_the_list(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    said = capsys.readouterr().out
    for name, sentence in EXPERIMENTS.items():
        assert re.search(rf"^  {name} +{re.escape(sentence)}$", said, re.MULTILINE)


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digit"]) == 2
    said = capsys.readouterr()
    assert said.err == f"unknown experiment 'digit'; known: {', '.join(EXPERIMENTS)}\n"
    assert said.out == ""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_sentence_is_that_of_the_module(name: str) -> None:
    module = importlib.import_module(f"experiments.{name}")
    assert (module.__doc__ or "").splitlines()[0] == EXPERIMENTS[name]


def test_every_setting_has_its_flag_and_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit, match="0"):
        main(["digits", "--help"])
    said = capsys.readouterr().out
    assert "usage: python -m experiments digits" in said
    for field in dataclasses.fields(Config):
        flag = f"--{field.name.replace('_', '-')}"
        assert re.search(rf"{flag} +\S+( \S+)* {{2,}}\S.*\.", said), flag


def test_the_exit_code_is_that_of_the_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digits", "--epochs", "0"]) == 2
    assert capsys.readouterr().err == "digits: --epochs: expected at least 1, got 0\n"


@pytest.mark.parametrize("missing", ["sklearn.datasets", "tyro", "rich.console"])
def test_without_the_extra(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "experiments.digits")
    assert main(["digits"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"digits needs {missing}, which is not installed;")
    assert said.endswith("pip install 'pure_nn[experiments]'\n")
