"""Which checkpoint of a folder to read, and what to do where it is damaged."""

import math
import re
from pathlib import Path
from typing import Literal

from pure_nn.checkpoint import manifest
from pure_nn.checkpoint.restoring import restored
from pure_nn.checkpoint.state import CheckpointError, DamagedError, State

Which = Literal["latest", "best"]


def read(
    path: str | Path,
    like: State | None = None,
    *,
    which: Which = "latest",
    skip_damaged: bool = False,
) -> State:
    """The latest or the best state of a folder of checkpoints, or the one of a single checkpoint.

    It has the structure of `like`, whose values are not looked at but for `extra`: what it holds
    must be the same. Without `like`, params are a tuple of layers of NumPy arrays, and opt_state
    is None.

    CheckpointError: nothing there, a checkpoint of another network, optimizer or format.
    DamagedError: a file is missing, truncated or altered, unless such ones are to be skipped.
    """
    path = Path(path)
    if (path / manifest.FILE).exists():
        return restored(path, like)
    for _ in range(3):  # a run that goes on may delete the one that was chosen
        chosen = ordered(path, which, skip_damaged)
        try:
            found = first_whole(chosen, like, skip_damaged)
        except DamagedError:
            if all(folder.exists() for folder in chosen):
                raise
            continue
        if found is not None:
            return found
        break
    there = "none that is whole" if numbered(path) else "none" if path.is_dir() else "no folder"
    raise CheckpointError(
        f"{path}: expected checkpoints, as pure_nn.checkpoint.Folder saves them, got {there}"
    )


def numbered(path: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first"""
    found = path.iterdir() if path.is_dir() else ()
    return sorted((p for p in found if re.fullmatch(r"\d{8,}", p.name)), key=lambda p: int(p.name))


def ordered(path: Path, which: Which, skip_damaged: bool) -> list[Path]:
    """The checkpoints in a folder, those to be read first in front"""
    if which not in ("latest", "best"):
        raise ValueError(f"which: expected 'latest' or 'best', got {which!r}")
    newest_first = numbered(path)[::-1]
    if which == "latest":
        return newest_first
    costs = {p: cost_of(p, skip_damaged) for p in newest_first}
    return sorted(newest_first, key=lambda p: _better(costs[p], int(p.name)))


def cost_of(folder: Path, even_damaged: bool = False) -> float:
    """The cost that a checkpoint was saved with, infinite where it has none"""
    try:
        cost = manifest.load(folder)["cost"]
    except DamagedError:
        if not even_damaged:
            raise
        cost = None
    return float("inf") if cost is None else float(cost)


def whole_cost(folder: Path) -> float | None:
    """The same, once every file is read and known to be whole; else None"""
    try:
        manifest.check(folder, manifest.load(folder))
    except CheckpointError:
        return None
    return cost_of(folder)


def first_whole(chosen: list[Path], like: State | None, skip_damaged: bool) -> State | None:
    """The first; where it is damaged and such are skipped, the first after it that is whole"""
    for i, folder in enumerate(chosen):
        try:
            return restored(folder, like)
        except DamagedError as error:
            if not skip_damaged:
                raise DamagedError(f"{error}; {_way_out(chosen[i + 1 :])}") from error
    return None


def _better(cost: float, number: int) -> tuple[float, int]:
    """By the cost, of equal ones the earliest; of those without one the latest"""
    return cost, number if math.isfinite(cost) else -number


def _way_out(others: list[Path]) -> str:
    for folder in others:
        try:
            manifest.check(folder, content := manifest.load(folder))
        except CheckpointError:
            continue
        return (
            f"checkpoint {folder.name}, after {content['epoch']} epochs and "
            f"{content['position']} steps, is whole: skip_damaged=True goes back to it"
        )
    return "no other checkpoint there is whole: restore its files from a copy, or start anew"
