"""What a checkpoint holds, and the names of its arrays."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

COSTS = "costs"


class CheckpointError(ValueError):
    """A checkpoint that cannot be written, read, or used here."""


class DamagedError(CheckpointError):
    """A checkpoint of which a file is missing, truncated or altered."""


class State(NamedTuple):
    """All that a run goes on from.

    `epoch` counts the epochs that are done, `position` the steps done since, and `costs` are
    theirs. `extra` is what JSON gives back unchanged: configuration, versions, best so far.
    """

    params: Any
    opt_state: Any
    key: Any
    epoch: int
    position: int
    costs: npt.NDArray[Any]
    extra: dict[str, Any]


class Leaf(NamedTuple):
    """One array of a state: its shape and dtype, and of a random key which kind it is."""

    shape: tuple[int, ...]
    dtype: str
    key: str | None = None

    def __str__(self) -> str:
        kind = self.dtype if self.key is None else f"key<{self.key}>"
        return f"{kind} {self.shape}"


def named_leaves(state: State) -> dict[str, Any]:
    """Every array of params, opt_state and key by its path, as in params[0]['W']"""
    tree = {"params": state.params, "opt_state": state.opt_state, "key": state.key}
    return {
        name + jax.tree_util.keystr(path): leaf
        for name, part in tree.items()
        for path, leaf in jax.tree_util.tree_leaves_with_path(part)
    }


def described(name: str, leaf: Any) -> Leaf:
    if not (hasattr(leaf, "shape") and hasattr(leaf, "dtype")):
        raise CheckpointError(
            f"{name}: expected a NumPy or JAX array, got {type(leaf).__name__}; write "
            "jnp.asarray(...) where it is made"
        )
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return Leaf(tuple(leaf.shape), "key", str(jax.random.key_impl(leaf)))
    return Leaf(tuple(leaf.shape), np.dtype(leaf.dtype).name)


def on_host(leaf: Any) -> npt.NDArray[Any]:
    """The bits of an array, or of a random key its data"""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)


def as_it_was(array: npt.NDArray[Any], leaf: Leaf, like: Any = None) -> Any:
    """On the device or the host, where `like` is; a random key is one again."""
    if leaf.key is not None:
        return jax.random.wrap_key_data(jnp.array(array), impl=leaf.key)
    if like is None or isinstance(like, np.ndarray | np.generic):
        return array
    if getattr(like, "committed", False):
        return jax.device_put(array, like.sharding)
    return jnp.array(array)


def require_json(extra: Any) -> None:
    """CheckpointError: what JSON does not give back unchanged"""
    try:
        same = isinstance(extra, dict) and json.loads(json.dumps(extra, allow_nan=False)) == extra
    except (TypeError, ValueError):
        same = False
    if not same:
        raise CheckpointError(
            "extra: expected a dict that JSON gives back unchanged (text as keys; text, finite "
            f"numbers, booleans, None, lists and dicts in it), got {extra!r}"
        )


def outline(tree: Any) -> str:
    """The structure without its names: * for a leaf, () for a list too, the types of others."""
    return _outline(jax.tree.structure(tree))


def first_difference(
    expected: Mapping[str, Leaf], got: Mapping[str, Leaf]
) -> tuple[str, str, str] | None:
    """The name of the first array that is not the same in both, and what it is in either."""
    for name in [*expected, *got]:
        there, here = got.get(name), expected.get(name)
        if there != here:
            return name, str(here or "no such array"), str(there or "no such array")
    return None


def _outline(structure: Any) -> str:
    data = structure.node_data()
    if data is None:
        return "*" if structure.num_leaves else "None"
    kind = "" if data[0] in (tuple, list) else data[0].__name__
    return f"{kind}({', '.join(map(_outline, structure.children()))})"
