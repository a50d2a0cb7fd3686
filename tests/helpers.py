"""What the tests share: the valid pairs, networks and data by seed, and one comparison of trees."""

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from jaxtyping import Array, DTypeLike

import pure_nn

NumPyParams = tuple[dict[str, npt.NDArray[np.float64]], ...]

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "identity", "softmax")
PAIRS = (
    ("sigmoid", "binary_cross_entropy"),
    ("sigmoid", "cross_entropy"),
    ("sigmoid", "squared_error"),
    ("softmax", "binary_cross_entropy"),
    ("softmax", "cross_entropy"),
    ("softmax", "squared_error"),
    ("tanh", "squared_error"),
    ("relu", "squared_error"),
    ("leaky_relu", "squared_error"),
    ("identity", "squared_error"),
)
pairs = pytest.mark.parametrize(("output", "loss"), PAIRS, ids=["-".join(p) for p in PAIRS])
HIDDEN = {
    1: (),
    2: ("tanh",),
    3: ("leaky_relu", "softmax"),
    4: ("relu", "sigmoid", "identity"),
}  # all six, and no two neighbours of one width, so that a transpose cannot hide
SIZES = {1: (3, 2), 2: (3, 4, 2), 3: (2, 5, 3, 2), 4: (3, 4, 2, 5, 3)}


def network(output: str, loss: str, L: int) -> pure_nn.Network:
    return pure_nn.Network((*HIDDEN[L], output), loss)


def numpy_params(sizes: Sequence[int], seed: int = 8) -> NumPyParams:
    """W and b of the size of one. With seed 8 no layer of ReLUs is dead and none is near a kink."""
    rng = np.random.default_rng(seed)
    return tuple(
        {"W": rng.normal(0, 1 / np.sqrt(n_in), (n, n_in)), "b": rng.normal(0, 0.5, (n, 1))}
        for n_in, n in itertools.pairwise(sizes)
    )


def numpy_data(
    sizes: Sequence[int], B: int, loss: str, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """X and soft targets; their columns do not sum to one, so that 1ᵀY is not forgotten."""
    rng = np.random.default_rng(1000 + seed)
    X, Y = rng.normal(size=(sizes[0], B)), rng.normal(size=(sizes[-1], B))
    return X, Y if loss == "squared_error" else 1 / (1 + np.exp(-Y))


def as_jax(tree: Any, dtype: DTypeLike = "float64") -> Any:
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x), dtype), tree)


def as_numpy(tree: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, np.float64), tree)


def example(
    output: str = "sigmoid",
    loss: str = "binary_cross_entropy",
    L: int = 2,
    B: int = 5,
    dtype: DTypeLike = "float64",
) -> tuple[pure_nn.Network, Any, Array, Array]:
    """A network with parameters and data, as (net, params, X, Y)."""
    params, (X, Y) = numpy_params(SIZES[L]), numpy_data(SIZES[L], B, loss)
    return network(output, loss, L), *as_jax((params, X, Y), dtype)


def deviation(got: Any, expected: Any) -> float:
    """The largest error of an entry, relative to the largest entry of its leaf; NaN if any is."""
    leaves = zip(jax.tree.leaves(as_numpy(got)), jax.tree.leaves(as_numpy(expected)), strict=True)
    return float(max((np.max(np.abs(x - y)) / np.max(np.abs(y)) for x, y in leaves), key=_badness))


def assert_same(got: Any, expected: Any, rtol: float) -> None:
    """Structure, then shapes, dtypes, and every entry; a reference of zeros is an empty check."""
    assert str(jax.tree.structure(got)) == str(jax.tree.structure(expected))
    assert jax.tree.map(jnp.shape, got) == jax.tree.map(jnp.shape, expected)
    assert jax.tree.map(_dtype, got) == jax.tree.map(_dtype, expected)
    assert all(np.any(np.asarray(x) != 0) for x in jax.tree.leaves(expected)), "nothing to compare"
    assert deviation(got, expected) <= rtol


def assert_values(got: Any, expected: Any, rtol: float) -> None:
    """As `assert_same`, against a reference in float64 whatever the dtype of `got`."""
    assert_same(as_numpy(got), as_numpy(expected), rtol)


def _dtype(x: Any) -> str:
    return str(x.dtype)


def _badness(error: np.float64) -> float:
    return float("inf") if np.isnan(error) else float(error)
