"""States of runs for the tests of checkpoints, and their comparison bit for bit."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pure_nn.checkpoint import State


def numbered(i: int, units: int = 3) -> State:
    """A state in which every array says i; of NumPy arrays, so that nothing is compiled"""
    W, b = np.full((units, 4), i, np.float32), np.full((units, 1), i, np.float32)
    params = ({"W": W, "b": b}, {"W": W.T.copy(), "b": W[:1].T.copy()})
    return State(params, {"count": np.asarray(i)}, None, i, 2 * i, np.full(5, i, float), {"i": i})


def like(state: State) -> State:
    return state._replace(extra={})


def bits(tree: Any) -> list[tuple[str, str, tuple[int, ...], bytes]]:
    """Of every leaf its path, dtype, shape and bytes; of a random key its data"""
    return [
        (jax.tree_util.keystr(path), str(x.dtype), x.shape, _data(x).tobytes())
        for path, x in jax.tree_util.tree_leaves_with_path(tree)
        if hasattr(x, "dtype")
    ]


def assert_same_state(got: State, expected: State) -> None:
    assert str(jax.tree.structure(got)) == str(jax.tree.structure(expected))
    assert bits(got) == bits(expected)
    assert (got.epoch, got.position, got.extra) == (
        expected.epoch,
        expected.position,
        expected.extra,
    )


def _data(x: Any) -> Any:
    is_key = jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(x) if is_key else x)
