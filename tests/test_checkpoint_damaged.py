"""A checkpoint with any file missing, truncated or altered is noticed, and left as it is."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from states import assert_same_state, like, numbered

from pure_nn import checkpoint
from pure_nn.checkpoint import CheckpointError, DamagedError, Folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    with Folder(folder) as opened:
        opened.save(numbered(1), cost=1.0)
        opened.save(numbered(2), cost=2.0)
    return folder


@pytest.fixture
def run(two: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(two, tmp_path / "run"))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "00000002").rglob("*") if path.is_file())


def data(folder: Path) -> Path:
    """The largest file of arrays"""
    return max((p for p in files(folder) if p.parent.name == "d"), key=lambda p: p.stat().st_size)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def alter(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def manifest(run: Path) -> Path:
    return run / "00000002" / "manifest.json"


def edit(run: Path, old: str, new: str) -> None:
    text = manifest(run).read_text()
    assert old in text
    manifest(run).write_text(text.replace(old, new, 1))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda run: truncate(data(run)), r"/d/\w+: truncated, expected \d+ bytes, got"),
    "altered": (lambda run: alter(data(run)), r"/d/\w+: altered, expected sha256 \w+…, got"),
    "missing": (lambda run: data(run).unlink(), r"/d/\w+: No such file"),
    "no arrays": (lambda run: shutil.rmtree(run / "00000002" / "arrays"), "No such file"),
    "no manifest": (lambda run: manifest(run).unlink(), r"manifest\.json: No such file"),
    "manifest truncated": (lambda run: truncate(manifest(run)), r"manifest\.json: truncated or"),
    "manifest no object": (lambda run: manifest(run).write_text("[]"), "expected a JSON object"),
    "another epoch": (lambda run: edit(run, '"epoch": 2', '"epoch": 3'), "altered, its content"),
    "another sha256": (
        lambda run: edit(run, '"sha256": "', '"sha256": "0'),
        "altered, its content",
    ),
    "no content": (lambda run: edit(run, '"content"', '"contents"'), "altered, its content"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_named_and_the_older_one_offered(
    damage: Callable[[Path], object], message: str, run: Path
) -> None:
    damage(run)
    before = {path: path.read_bytes() for path in files(run)}
    offered = rf"{message}.*checkpoint 00000001, after 1 epochs and 2 steps, is whole: skip_damaged"
    with Folder(run) as folder:
        with pytest.raises(DamagedError, match=offered):
            folder.latest(like(numbered(0)))
        older = folder.latest(like(numbered(0)), skip_damaged=True)
        assert older is not None
        assert_same_state(older, numbered(1))
    assert {path: path.read_bytes() for path in files(run)} == before
    with pytest.raises(DamagedError, match=offered):
        checkpoint.read(run)


def test_what_is_not_damaged_is_read(run: Path) -> None:
    assert_same_state(checkpoint.read(run, like(numbered(0))), numbered(2))


def test_one_altered_bit_anywhere_is_noticed(two: Path, tmp_path: Path) -> None:
    for i, path in enumerate(files(two)):
        run = Path(shutil.copytree(two, tmp_path / str(i)))
        alter(run / path.relative_to(two), path.stat().st_size // 2)
        with pytest.raises(CheckpointError, match=re.escape(f"{run / '00000002'}")):
            checkpoint.read(run)
    assert i > 5


def test_a_run_goes_on_beside_a_damaged_one(run: Path) -> None:
    alter(data(run))
    before = {path: path.read_bytes() for path in files(run)}
    with Folder(run, keep=1) as folder:
        folder.save(numbered(3), cost=3.0)
        folder.save(numbered(4), cost=4.0)
        assert [path.name for path in folder.checkpoints()] == ["00000001", "00000002", "00000004"]
    assert {path: path.read_bytes() for path in files(run)} == before


def test_without_a_whole_one_it_says_so(run: Path) -> None:
    shutil.rmtree(run / "00000001")
    truncate(manifest(run))
    with Folder(run) as folder:
        with pytest.raises(DamagedError, match="no other checkpoint there is whole: restore"):
            folder.latest(numbered(0))
        assert folder.latest(numbered(0), skip_damaged=True) is None
    with pytest.raises(CheckpointError, match="got none that is whole"):
        checkpoint.read(run, skip_damaged=True)


def test_the_best_one_is_not_hidden_by_a_damaged_one(run: Path) -> None:
    truncate(manifest(run))
    with Folder(run) as folder:
        with pytest.raises(DamagedError, match="truncated or altered"):
            folder.best(like(numbered(0)))
        best = folder.best(like(numbered(0)), skip_damaged=True)
    assert best is not None
    assert_same_state(best, numbered(1))


def test_another_format_is_refused(run: Path) -> None:
    edit(run, '"format": 1', '"format": 2')
    with pytest.raises(CheckpointError, match=r"expected a checkpoint of format 1.*got format 2"):
        checkpoint.read(run, skip_damaged=True)
    assert json.loads(manifest(run).read_text())["format"] == 2
