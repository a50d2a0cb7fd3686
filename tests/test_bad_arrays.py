"""Parameters and data that do not fit are refused: what was expected, what came, what to do."""

import re
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pure_nn

pytestmark = pytest.mark.usefixtures("as_installed")
NET = pure_nn.Network(("tanh", "sigmoid"))
ONE, TWO = (
    {"W": np.ones(shape, np.float32), "b": np.zeros((shape[0], 1), np.float32)}
    for shape in ((4, 3), (2, 4))
)
RIGHT = {
    "net": NET,
    "params": (ONE, TWO),
    "X": np.ones((3, 5), np.float32),
    "Y": np.ones((2, 5), np.float32),
}


def row(name: str, error: type[Exception], message: str, **wrong: Any) -> Any:
    return pytest.param({**RIGHT, **wrong}, error, re.escape(message), id=name)


def ones(*shape: int, dtype: Any = np.float32) -> Any:
    return np.ones(shape, dtype)


SHAPES = [
    row(
        "X with examples in rows",
        ValueError,
        "X: expected shape (3, B), 3 being the columns of W[1], got (5, 3); "
        "the examples are in its rows: pass X.T",
        X=ones(5, 3),
    ),
    row(
        "X of other features",
        ValueError,
        "X: expected shape (3, B), 3 being the columns of W[1], got (4, 5)",
        X=ones(4, 5),
    ),
    row(
        "X of one dimension",
        ValueError,
        "X: expected shape (3, B), one example per column, got (3,); "
        "one example is X.reshape(-1, 1), one number per example X.reshape(1, -1)",
        X=ones(3),
    ),
    row("X of three", ValueError, "one example per column, got (1, 3, 5)", X=ones(1, 3, 5)),
    row(
        "no examples",
        ValueError,
        "X: expected at least one example, got an empty batch of shape (3, 0)",
        X=ones(3, 0),
        Y=ones(2, 0),
    ),
    row(
        "Y with examples in rows",
        ValueError,
        "Y: expected shape (2, 5), 2 being the rows of Ŷ, got (5, 2); "
        "the examples are in its rows: pass Y.T",
        Y=ones(5, 2),
    ),
    row(
        "Y of other outputs",
        ValueError,
        "Y: expected shape (2, 5), 2 being the rows of Ŷ, got (1, 5)",
        Y=ones(1, 5),
    ),
    row("Y of other examples", ValueError, "Y: expected shape (2, 5)", Y=ones(2, 4)),
    row("Y of one dimension", ValueError, "Y: expected shape (2, 5), one example", Y=ones(5)),
    row(
        "too few layers",
        ValueError,
        "params: expected 2 layers, one per activation of the network, got 1; "
        "init(key, sizes) takes one size more than there are layers",
        params=(ONE,),
    ),
    row("too many layers", ValueError, "params: expected 2 layers", params=(ONE, TWO, TWO)),
    row(
        "W transposed",
        ValueError,
        "W[2]: expected 4 columns, the rows of W[1], got shape (4, 2); "
        "W is (outputs, inputs): pass W[2].T",
        params=(ONE, {**TWO, "W": ones(4, 2)}),
    ),
    row(
        "W of other inputs",
        ValueError,
        "W[2]: expected 4 columns, the rows of W[1], got shape (2, 7)",
        params=(ONE, {**TWO, "W": ones(2, 7)}),
    ),
    row(
        "W transposed below, too",
        ValueError,
        "b[1]: expected shape (3, 1), one row per row of W[1], got (4, 1); "
        "or pass W[1].T, W being (outputs, inputs)",
        params=({**ONE, "W": ones(3, 4)}, {**TWO, "W": ones(4, 2)}),
    ),
    row(
        "W of no units",
        ValueError,
        "W[1]: expected shape (n[1], n[0]), each at least 1, got (0, 3)",
        params=({"W": ones(0, 3), "b": ones(0, 1)}, {**TWO, "W": ones(2, 0)}),
    ),
    row(
        "labels for Y",
        ValueError,
        "class labels go through pure_nn.data.one_hot",
        Y=ones(5, dtype=np.int32),
    ),
    row("X of no axis", ValueError, "one example per column, got ()", X=ones()),
    row(
        "W of one dimension",
        ValueError,
        "W[1]: expected shape (n[1], n[0]), each at least 1, got (12,)",
        params=({**ONE, "W": ones(12)}, TWO),
    ),
    row(
        "b of one dimension",
        ValueError,
        "b[1]: expected shape (4, 1), one row per row of W[1], got (4,); write b[1].reshape(-1, 1)",
        params=({**ONE, "b": ones(4)}, TWO),
    ),
    row(
        "b of other units",
        ValueError,
        "b[2]: expected shape (2, 1), one row per row of W[2], got (3, 1)",
        params=(ONE, {**TWO, "b": ones(3, 1)}),
    ),
]
DTYPES = [
    row(
        "X of integers",
        TypeError,
        "X: expected one of float64, float32, bfloat16, float16, got int32; "
        "cast it, as in X.astype(np.float32)",
        X=ones(3, 5, dtype=np.int32),
    ),
    row("X of keys", TypeError, "X: expected one of float64", X=jax.random.key(0)),
    row("X of booleans", TypeError, "X: expected one of float64", X=ones(3, 5, dtype=bool)),
    row(
        "X of another dtype",
        TypeError,
        "X: expected float32, the dtype of W[1], got float16; cast one of them",
        X=ones(3, 5, dtype=np.float16),
    ),
    row(
        "Y of another dtype",
        TypeError,
        "Y: expected float32, the dtype of X, got float16; cast one of them",
        Y=ones(2, 5, dtype=np.float16),
    ),
    row("Y of complex", TypeError, "got complex64", Y=ones(2, 5, dtype=np.complex64)),
    row(
        "W of integers",
        TypeError,
        "W[2]: expected one of float64, float32, bfloat16, float16, got int32",
        params=(ONE, {**TWO, "W": ones(2, 4, dtype=np.int32)}),
    ),
    row(
        "b of integers",
        TypeError,
        "b[1]: expected one of float64, float32, bfloat16, float16, got int32",
        params=({**ONE, "b": ones(4, 1, dtype=np.int32)}, TWO),
    ),
    row(
        "W of two dtypes",
        TypeError,
        "W[2]: expected float32, the dtype of W[1], got float16; cast one of them",
        params=(ONE, {**TWO, "W": ones(2, 4, dtype=np.float16)}),
    ),
    row(
        "b of another dtype",
        TypeError,
        "b[2]: expected float32, the dtype of W[1], got float16",
        params=(ONE, {**TWO, "b": ones(2, 1, dtype=np.float16)}),
    ),
]


@pytest.mark.parametrize("f", [pure_nn.cost, jax.jit(pure_nn.cost)], ids=["eager", "traced"])
@pytest.mark.parametrize(("wrong", "error", "message"), SHAPES + DTYPES)
def test_refused_where_it_is_traced(f: Any, wrong: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        f(**wrong)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_what_is_right_is_taken(dtype: str) -> None:
    right = {k: jax.tree.map(lambda x: jnp.asarray(x, dtype), x) for k, x in RIGHT.items()}
    assert np.isfinite(pure_nn.cost(**right))


class Layers(tuple[Any, ...]):
    """A tuple to Python, and a leaf to JAX."""


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (Layers((ONE, TWO)), "got Layers of dict"),
        ((MappingProxyType(ONE), MappingProxyType(TWO)), "got tuple of mappingproxy"),
    ],
    ids=["tuple", "mapping"],
)
def test_containers_that_JAX_does_not_map_over(params: Any, message: str) -> None:
    expected = "params: expected containers that JAX maps over, such as tuple, list and dict, "
    with pytest.raises(TypeError, match=re.escape(expected + message)):
        pure_nn.cost(**{**RIGHT, "params": params})
