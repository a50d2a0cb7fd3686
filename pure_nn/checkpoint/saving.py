"""One checkpoint: written in full, and read back, before it gets its name."""

import errno
import math
import os
import shutil
from pathlib import Path

import numpy as np

from pure_nn.checkpoint import arrays, manifest
from pure_nn.checkpoint.state import (
    COSTS,
    State,
    described,
    named_leaves,
    on_host,
    outline,
)

MARGIN = 1 << 16  # bytes, for the manifest and what orbax keeps beside the arrays


def write(folder: Path, state: State, cost: float | None) -> None:
    """Into a new folder. OSError, ValueError, RuntimeError: what it failed by."""
    leaves = named_leaves(state) | {COSTS: np.asarray(state.costs)}
    kinds = {name: described(name, leaf) for name, leaf in leaves.items()}
    bits = {name: on_host(leaf) for name, leaf in leaves.items()}
    _require_space(folder.parent, sum(x.nbytes for x in bits.values()) + MARGIN)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    arrays.write(folder / "arrays", bits)
    content = {
        "epoch": int(state.epoch),
        "position": int(state.position),
        "cost": None if cost is None or not math.isfinite(cost) else float(cost),
        "leaves": kinds,
        "outlines": {name: outline(getattr(state, name)) for name in ("params", "opt_state")},
        "extra": state.extra,
    }
    manifest.write(folder, content)
    _require_same_bits(folder, bits)


def _require_space(folder: Path, needed: int) -> None:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise OSError(errno.ENOSPC, f"No space left: {needed} bytes are needed, {free} are free")


def _require_same_bits(folder: Path, bits: arrays.Arrays) -> None:
    empty = {name: x for name, x in bits.items() if not x.size}
    found = arrays.read(folder / "arrays", empty)
    for name, x in bits.items():
        if found[name].dtype != x.dtype or found[name].tobytes() != x.tobytes():
            raise ValueError(f"{name}: not read back as it was written")
