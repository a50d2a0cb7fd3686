"""A disk that is full, or a folder that is read-only: a clear message, and nothing is lost."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from states import assert_same_state, like, numbered

from pure_nn import checkpoint
from pure_nn.checkpoint import CheckpointError, Folder


def test_a_file_that_cannot_grow_any_more(tmp_path: Path) -> None:
    script = Path(__file__).with_name("full_disk.py")
    environment = {"PYTHONPATH": str(script.parents[1])}
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert done.returncode == 0, done.stderr
    assert "checkpoint 00000002 could not be written: " in done.stdout
    assert "File too large" in done.stdout
    assert "nothing was overwritten, and 00000001 before it is whole; make room" in done.stdout


def test_a_disk_without_room_is_noticed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Folder(tmp_path) as folder:
        folder.save(numbered(1))
        full = SimpleNamespace(f_bavail=3, f_frsize=4096)
        monkeypatch.setattr(os, "statvfs", lambda path: full)
        with pytest.raises(CheckpointError, match=r"\d+ bytes are needed, 12288 are free; nothing"):
            folder.save(numbered(2))
        monkeypatch.undo()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001", "lock"]
        assert folder.save(numbered(3)).name == "00000002"


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """As nobody where the tests run as root, who may write everywhere"""
    me = os.geteuid()
    os.seteuid(me or 65534)
    try:
        yield
    finally:
        os.seteuid(me)


@pytest.fixture
def read_only() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:  # not below pytest's, which root alone may enter
        path = Path(name)
        with Folder(path) as folder:
            folder.save(numbered(1))
        path.chmod(0o555)
        (path / "lock").chmod(0o444)
        yield path
        path.chmod(0o755)


def test_a_read_only_folder_is_refused_and_can_be_read(read_only: Path) -> None:
    with without_rights():
        with (
            pytest.raises(
                CheckpointError, match="but Permission denied; give another folder, or read from"
            ),
            Folder(read_only),
        ):
            pytest.fail("a folder that cannot be written to")
        assert_same_state(checkpoint.read(read_only, like(numbered(0))), numbered(1))


def test_a_folder_that_turns_read_only(read_only: Path) -> None:
    read_only.chmod(0o755)
    with Folder(read_only) as folder:
        read_only.chmod(0o555)
        with (
            without_rights(),
            pytest.raises(
                CheckpointError,
                match=r"00000002 could not be written: .*Permission denied.*nothing was",
            ),
        ):
            folder.save(numbered(2))
    assert_same_state(checkpoint.read(read_only, like(numbered(0))), numbered(1))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(CheckpointError, match="but File exists; give another"), Folder(path):
        pytest.fail("a file as a folder")
