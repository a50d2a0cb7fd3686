"""A folder for one run at a time: a lock that the system takes back when the run ends or dies."""

import contextlib
import fcntl
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

from pure_nn.checkpoint.state import CheckpointError


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Held while the body runs. CheckpointError: held by another, or a folder not to write to."""
    descriptor = _opened(folder)
    try:
        _lock(folder, descriptor)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_me()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CheckpointError(
            f"{folder}: expected a folder to write checkpoints to, but {error.strerror}; give "
            "another folder, or read from this one with pure_nn.checkpoint.read"
        ) from error


def _lock(folder: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CheckpointError(
            f"{folder}: in use by another run, {_holder(descriptor)}; wait until it ends, or give "
            "this run a folder of its own"
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{folder}: cannot be locked, {error.strerror}; give a folder on a local disk"
        ) from error


def _holder(descriptor: int) -> str:
    try:
        who = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {who['pid']} on {who['host']}, since {who['since']}"
    except (ValueError, KeyError, TypeError):  # it has only just started
        return "which has not said yet who it is"


def _me() -> dict[str, int | str]:
    since = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return {"pid": os.getpid(), "host": platform.node(), "since": since}
