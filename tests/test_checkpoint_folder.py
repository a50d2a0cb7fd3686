"""A folder keeps the last few checkpoints and the best, for one run at a time."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from states import assert_same_state, like, numbered

from pure_nn import checkpoint
from pure_nn.checkpoint import CheckpointError, Folder

COSTS: dict[str, tuple[list[float | None], list[int], int]] = {
    "the last two and the best": ([3.0, 1.0, 2.0, 4.0, 5.0], [2, 4, 5], 2),
    "the best is among the last": ([3.0, 2.0, 2.0, 1.0, 5.0], [4, 5], 4),
    "the earliest of equal ones": ([3.0, 1.0, 1.0, 1.0, 5.0], [2, 4, 5], 2),
    "not a number is not the best": ([float("nan"), 1.0, float("inf"), 4.0, 5.0], [2, 4, 5], 2),
    "without costs": ([None] * 4, [3, 4], 4),
}


@pytest.mark.parametrize(("costs", "kept", "best"), COSTS.values(), ids=COSTS)
def test_what_stays(costs: list[float | None], kept: list[int], best: int, tmp_path: Path) -> None:
    with Folder(tmp_path, keep=2) as folder:
        for i, cost in enumerate(costs, 1):
            folder.save(numbered(i), cost=cost)
        assert [int(path.name) for path in folder.checkpoints()] == kept
    whole = {i: checkpoint.read(tmp_path / f"{i:08d}", like(numbered(0))) for i in kept}
    assert {i: state.epoch for i, state in whole.items()} == {i: i for i in kept}
    assert_same_state(checkpoint.read(tmp_path, like(numbered(0))), numbered(kept[-1]))
    assert_same_state(checkpoint.read(tmp_path, like(numbered(0)), which="best"), numbered(best))


def test_a_new_folder_has_no_state(tmp_path: Path) -> None:
    with Folder(tmp_path / "new" / "folder") as folder:
        assert folder.checkpoints() == ()
        assert folder.latest(numbered(0)) is None
        assert folder.best(numbered(0)) is None


def test_the_next_run_goes_on_after_the_last(tmp_path: Path) -> None:
    with Folder(tmp_path, keep=1) as folder:
        folder.save(numbered(1))
    with Folder(tmp_path, keep=2) as folder:
        assert folder.save(numbered(2)).name == "00000002"
        assert len(folder.checkpoints()) == 2


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    left = [tmp_path / "00000004-partial" / "arrays", tmp_path / "00000001-old"]
    for path in left:
        path.mkdir(parents=True)
    (tmp_path / "mine-old").mkdir()
    with Folder(tmp_path) as folder:
        assert folder.checkpoints() == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "mine-old"]


def test_a_second_run_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    with (
        Folder(tmp_path),
        pytest.raises(
            CheckpointError, match=rf"in use by another run, process {os.getpid()} on .*, since 2"
        ),
        Folder(tmp_path),
    ):
        pytest.fail("two runs in one folder")
    with Folder(tmp_path) as folder:
        folder.save(numbered(1))


LOCKED_AND_KILLED = """
import os, signal, sys
from pathlib import Path
from pure_nn.checkpoint.lock import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_the_lock_of_a_killed_run_vanishes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOCKED_AND_KILLED, str(tmp_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], **pipes) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"locked\n"
        with pytest.raises(CheckpointError, match=f"process {run.pid} on"), Folder(tmp_path):
            pytest.fail("two runs in one folder")
        run.kill()
        run.wait()
        with Folder(tmp_path) as folder:
            assert folder.checkpoints() == ()


WRONG: Any = "last"
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "outside of with": (lambda p: Folder(p).save(numbered(1)), CheckpointError, "not locked; use"),
    "keep nothing": (lambda p: Folder(p, keep=0), ValueError, "keep: expected an integer from 1"),
    "no folder": (lambda p: checkpoint.read(p / "none"), CheckpointError, "got no folder"),
    "an empty folder": (lambda p: checkpoint.read(p), CheckpointError, "got none"),
    "a word": (lambda p: checkpoint.read(p, which=WRONG), ValueError, "'latest' or 'best'"),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_calls_that_are_refused(
    call: Any, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        call(tmp_path)
