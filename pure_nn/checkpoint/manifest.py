"""The manifest of a checkpoint: what belongs to it, and the sha256 of every file and of itself."""

import functools
import hashlib
import json
import os
from importlib import metadata
from pathlib import Path
from typing import Any

from pure_nn.checkpoint.state import CheckpointError, DamagedError

FILE = "manifest.json"
FORMAT = 1
VERSIONS = ("pure_nn", "jax", "jaxlib", "numpy", "optax", "orbax-checkpoint")


def write(folder: Path, content: dict[str, Any]) -> None:
    """Last of all files, once the others are on the disk."""
    content = content | {"versions": versions(), "files": _sealed(folder)}
    manifest = {"format": FORMAT, "sha256": _digest(content), "content": content}
    with open(folder / FILE, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync(folder)


def load(folder: Path) -> dict[str, Any]:
    """The content, known to be what was written.

    DamagedError: no manifest, or an altered one. CheckpointError: another format.
    """
    manifest = _parsed(folder)
    if manifest.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder}: expected a checkpoint of format {FORMAT}, which this pure_nn writes, got "
            f"format {manifest.get('format')}; use the pure_nn that wrote it, or a newer one"
        )
    content = manifest.get("content")
    if not isinstance(content, dict) or manifest.get("sha256") != _digest(content):
        raise DamagedError(f"{folder / FILE}: altered, its content does not have its sha256")
    return content


def check(folder: Path, content: dict[str, Any]) -> None:
    """DamagedError: the first file that is missing, truncated or altered"""
    for name, expected in content["files"].items():
        path = folder / name
        try:
            size = path.stat().st_size
            digest = _sha256(path) if size == expected["bytes"] else None
        except OSError as error:
            raise DamagedError(f"{path}: {error.strerror}") from error
        if digest is None:
            what = "truncated" if size < expected["bytes"] else "altered"
            raise DamagedError(f"{path}: {what}, expected {expected['bytes']} bytes, got {size}")
        if digest != expected["sha256"]:
            raise DamagedError(
                f"{path}: altered, expected sha256 {expected['sha256'][:12]}…, got {digest[:12]}…"
            )


def versions() -> dict[str, str]:
    """Of what the bits of a run depend on"""
    return {name: _version(name) for name in VERSIONS}


def sync(folder: Path) -> None:
    """The names in a folder onto the disk"""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sealed(folder: Path) -> dict[str, dict[str, Any]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in [*files, *(path for path in folder.rglob("*") if path.is_dir())]:
        sync(path)
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": _sha256(path),
        }
        for path in files
    }


def _parsed(folder: Path) -> dict[str, Any]:
    path = folder / FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DamagedError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DamagedError(f"{path}: truncated or altered, it is not JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise DamagedError(f"{path}: altered, expected a JSON object, got {manifest!r}")
    return manifest


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
