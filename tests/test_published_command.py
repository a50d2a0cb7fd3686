"""`python -m experiments published`: what is printed, written, skipped and refused."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from experiments.published import command
from experiments.published.command import RECIPES, chosen, main
from experiments.published.recipe import Outcome, Recipe
from experiments.published.table import Row


def draw(figure: Figure) -> None:
    figure.subplots().plot([0, 1])


def outcome(ours: float) -> Outcome:
    return Outcome([Row("cost at 0", "0.693147", ours)], draw)


def absent(_: Path) -> Outcome:
    raise ImportError("HDF5 needs h5py")


SMALL = [
    Recipe("right", "a right one", "Somebody, 1986", lambda _: outcome(0.69314718)),
    Recipe("wrong", "a wrong one", "Somebody, 1986", lambda _: outcome(0.7)),
    Recipe("files", "of files", "Somebody", lambda _: outcome(0.7), ("cats/a.h5", "b.h5")),
    Recipe("extra", "of an extra", "Somebody", absent),
]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "RECIPES", tuple(recipe.name for recipe in SMALL))
    for recipe in SMALL:
        module = SimpleNamespace(RECIPE=recipe)
        monkeypatch.setitem(sys.modules, f"experiments.published.{recipe.name}", module)


def test_published_and_ours_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--filter", "right", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("right: a right one\nSomebody, 1986\n")
    assert "0.693147               0.693147      1.8e-07   5.1e-07\n" in said
    assert said.endswith(f"right              1 of 1 reproduced\nfigures are in {tmp_path}/out\n")
    assert sorted(os.listdir(tmp_path / "out")) == ["config.json", "right.png", "right.svg"]


def test_what_is_not_reproduced_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--filter", "wrong", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "NOT REPRODUCED" in said
    assert "wrong              0 of 1 reproduced" in said


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("files", "expected cats/a.h5 and b.h5 in {}; give the folder that has them by --data"),
        ("extra", "HDF5 needs h5py"),
    ],
)
def test_what_cannot_be_run_is_skipped(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    assert main(["--filter", name, "right", "--data", str(data), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"{name:<18} skipped: {reason.format(data)}\n" in said
    assert "right              1 of 1 reproduced" in said
    assert sorted(os.listdir(out)) == ["config.json", "right.png", "right.svg"]


def test_the_numbers_for_programs(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    assert main(["--json", str(file), "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    right, wrong, *skipped = json.loads(file.read_text(encoding="utf-8"))
    assert (right["name"], right["source"]) == ("right", "Somebody, 1986")
    assert right["rows"][0]["published"] == "0.693147"
    assert right["rows"][0]["reproduced"]
    assert not wrong["rows"][0]["reproduced"]
    assert all(recipe["skipped"] and not recipe["rows"] for recipe in skipped)


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--filter", "cat"]) == 2
    expected = "published: --filter: expected parts of right, wrong, files, extra, got cat\n"
    assert capsys.readouterr().err == expected
    assert main(["--out", str(tmp_path)]) == 2
    assert f"--out: {tmp_path} exists" in capsys.readouterr().err
    place = str(tmp_path / "no" / "file.json")
    assert main(["--filter", "right", "--json", place, "--out", str(tmp_path / "out")]) == 2
    assert f"--json: cannot write {place}" in capsys.readouterr().err


def test_a_filter_is_a_part_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "RECIPES", RECIPES)
    assert chosen(["moon", "circ"]) == ["circles", "moons"]
    assert chosen([]) == list(RECIPES)


def test_every_recipe_is_listed() -> None:
    folder = Path(command.__file__).parent
    found = {path.stem for path in folder.glob("*.py") if "RECIPE = " in path.read_text("utf-8")}
    assert found == set(RECIPES)
