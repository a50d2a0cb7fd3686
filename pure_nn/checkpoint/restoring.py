"""From a checkpoint back to a state, once it is known to be whole and of the run that asks."""

import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from pure_nn.checkpoint import arrays, manifest
from pure_nn.checkpoint.state import (
    COSTS,
    CheckpointError,
    DamagedError,
    Leaf,
    State,
    as_it_was,
    described,
    first_difference,
    named_leaves,
    outline,
)


def restored(folder: Path, like: State | None) -> State:
    """One checkpoint as a state"""
    content = manifest.load(folder)
    leaves = {name: Leaf(tuple(s), d, k) for name, (s, d, k) in content["leaves"].items()}
    costs = leaves.pop(COSTS)
    if like is not None:
        _require_same(folder, content, leaves, like)
    manifest.check(folder, content)
    found = _arrays(folder, leaves | {COSTS: costs})
    parts = _without_like(folder, leaves, found) if like is None else _like(leaves, found, like)
    numbers = content["epoch"], content["position"]
    return State(*parts, *numbers, found[COSTS], content["extra"])


def _require_same(
    folder: Path, content: dict[str, Any], leaves: dict[str, Leaf], like: State
) -> None:
    expected = {name: described(name, leaf) for name, leaf in named_leaves(like).items()}
    what = first_difference(expected, leaves)
    for name in ("params", "opt_state"):
        here, there = outline(getattr(like, name)), content["outlines"][name]
        if what is None and here != there:
            what = name, here, there
    for name, value in like.extra.items():
        there = content["extra"].get(name)
        if what is None and there != value:
            what = f"extra[{name!r}]", repr(value), repr(there)
    if what is not None:
        raise CheckpointError(_another_run(folder, content, *what))


def _another_run(folder: Path, content: dict[str, Any], name: str, here: str, there: str) -> str:
    wide = "float64" in there and "float64" not in here
    now, then = manifest.versions(), content["versions"]
    others = [f"{p} {then.get(p)} then, {now[p]} now" for p in now if then.get(p) != now[p]]
    return (
        f"{folder}: a checkpoint of another run: {name}: expected {here}, got {there}; give the "
        "network, optimizer, dtype and configuration that it was saved with, or another folder"
        + "; float64 needs `with jax.enable_x64(True):`" * wide
        + f"; versions differ: {', '.join(others)}" * bool(others)
    )


def _arrays(folder: Path, leaves: dict[str, Leaf]) -> dict[str, npt.NDArray[Any]]:
    """Those of the checkpoint, by name, each of the shape and dtype that its manifest says"""
    empty = {
        name: np.zeros(leaf.shape, leaf.dtype)
        for name, leaf in leaves.items()
        if leaf.key is None and 0 in leaf.shape
    }
    try:
        found = arrays.read(folder / "arrays", empty)
    except (ValueError, OSError, KeyError) as error:
        raise DamagedError(f"{folder}: orbax cannot read the arrays: {error}") from error
    got = {name: Leaf(found[name].shape, found[name].dtype.name) for name in found}
    plain = {name: leaf for name, leaf in leaves.items() if leaf.key is None}
    what = first_difference(plain, {name: got[name] for name in plain if name in got})
    if what is not None:
        raise DamagedError(f"{folder}: {what[0]}: expected {what[1]}, got {what[2]}")
    return found


def _like(
    leaves: dict[str, Leaf], found: dict[str, npt.NDArray[Any]], like: State
) -> tuple[Any, Any, Any]:
    named = named_leaves(like).items()
    restored = iter([as_it_was(found[name], leaves[name], leaf) for name, leaf in named])

    def filled(part: Any) -> Any:
        return jax.tree.map(lambda _: next(restored), part)

    return filled(like.params), filled(like.opt_state), filled(like.key)


def _without_like(
    folder: Path, leaves: dict[str, Leaf], found: dict[str, npt.NDArray[Any]]
) -> tuple[Any, Any, Any]:
    """params as a tuple of layers, no optimizer state, and the key"""
    layers: dict[int, dict[str, Any]] = {}
    for name in (name for name in leaves if name.startswith("params")):
        parts = re.fullmatch(r"params\[(\d+)\]\['(\w+)'\]", name)
        if parts is None:
            raise CheckpointError(
                f"{folder}: {name} is no W or b of a layer; read it with like=, a state of the "
                "structure that it was saved with"
            )
        layers.setdefault(int(parts[1]), {})[parts[2]] = found[name]
    key = as_it_was(found["key"], leaves["key"]) if "key" in leaves else None
    return tuple(layers[l] for l in sorted(layers)), None, key
