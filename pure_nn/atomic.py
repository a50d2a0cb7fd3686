"""Files that are there wholly or not at all, whatever happens while they are written."""

import os
import secrets
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """`data` at `path`: written beside it, flushed to the disk, and only then renamed.

    ValueError: no folder to write into, a folder where the file is to be. OSError: the disk is
    full, the folder is read-only; what stood at `path` still stands.
    """
    if not path.parent.is_dir():
        raise ValueError(f"{path}: expected a folder to write into, got none; create {path.parent}")
    if path.is_dir():
        raise ValueError(f"{path}: expected the path of a file to write, got a folder")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_and_flush(beside, data)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        _flush_folder(path.parent)


def _write_and_flush(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """The new name too has to reach the disk"""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
