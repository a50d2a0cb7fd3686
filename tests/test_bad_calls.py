"""Every public function checks all that it is given, and says which argument is wrong."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import example

import pure_nn

pytestmark = pytest.mark.usefixtures("as_installed")
ONE = np.ones((1, 1), np.float32)
cost: Any = pure_nn.cost  # as NumPy arrays and worse are given here on purpose
FORWARD: dict[str, Any] = {
    f: getattr(pure_nn, f) for f in ("forward", "predict", "losses", "cost", "value_and_grad")
}
WITH_Y = {f: FORWARD[f] for f in ("losses", "cost", "value_and_grad")}


def refuse(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


def data(f: str) -> tuple[Any, Any, Any]:
    """The network, its parameters, and as many arrays as f takes."""
    net, params, X, Y = example(dtype="float32")
    return net, params, (X, Y) if f in WITH_Y else (X,)


@pytest.mark.parametrize("f", FORWARD)
def test_the_network_comes_first(f: str) -> None:
    net, params, arrays = data(f)
    with refuse(TypeError, "net: expected a pure_nn.Network first, got tuple of 2"):
        FORWARD[f](params, net, *arrays)


@pytest.mark.parametrize("f", FORWARD)
def test_parameters_are_checked(f: str) -> None:
    net, params, arrays = data(f)
    with refuse(ValueError, "params: expected 2 layers"):
        FORWARD[f](net, params[:1], *arrays)


@pytest.mark.parametrize("f", FORWARD)
def test_inputs_are_checked(f: str) -> None:
    net, params, (X, *Y) = data(f)
    with refuse(ValueError, "the examples are in its rows: pass X.T"):
        FORWARD[f](net, params, X.T, *Y)


@pytest.mark.parametrize("f", WITH_Y)
def test_targets_are_checked(f: str) -> None:
    net, params, (X, Y) = data(f)
    with refuse(ValueError, "the examples are in its rows: pass Y.T"):
        WITH_Y[f](net, params, X, Y.T)


@pytest.mark.parametrize("f", FORWARD)
def test_a_missing_argument_is_named(f: str) -> None:
    net, params, arrays = data(f)
    with refuse(TypeError, "missing a required argument"):
        FORWARD[f](net, params, *arrays[:-1])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"W": 1, "b": 2}, "params: expected a tuple or list of layers, got dict of 2"),
        (None, "params: expected a tuple or list of layers, got NoneType"),
        (((1, 2), (3, 4)), "params: expected layer 1 to be {'W': …, 'b': …}, got tuple of 2"),
        (({"w": 1, "b": 2},) * 2, "params: expected layer 1 to be {'W': …, 'b': …}"),
        (({"W": 1},) * 2, "params: expected layer 1 to be {'W': …, 'b': …}"),
        (({"W": [[1.0]], "b": 2},) * 2, "W[1]: expected a NumPy or JAX array, got list of 1"),
        (
            ({"W": np.ones((1, 1), np.float32), "b": 2},) * 2,
            "b[1]: expected a NumPy or JAX array, got int",
        ),
    ],
)
def test_parameters_of_another_kind(params: Any, message: str) -> None:
    net, _, X, Y = example(dtype="float32")
    with refuse(TypeError, message):
        cost(net, params, X, Y)


@pytest.mark.parametrize("name", ["X", "Y", "weights"])
def test_lists_are_no_arrays(name: str) -> None:
    net, params, X, Y = example(dtype="float32")
    arrays: dict[str, Any] = {"X": X, "Y": Y, name: [[1.0]]}
    with refuse(TypeError, f"{name}: expected a NumPy or JAX array, got list of 1"):
        cost(net, params, **arrays)


@pytest.mark.parametrize(
    ("name", "label"), [("X", "X"), ("Y", "Y"), ("W", "W[1]"), ("b", "b[1]")], ids=list("XYWb")
)
def test_float64_while_it_is_off(name: str, label: str) -> None:
    net, (layer, top), X, Y = example(dtype="float32")
    given: dict[str, Any] = {**layer, "X": X, "Y": Y}
    given[name] = np.asarray(given[name], np.float64)
    params = ({"W": given["W"], "b": given["b"]}, top)
    with refuse(TypeError, f"{label}: got float64 while JAX is limited to 32 bits; compute in"):
        cost(net, params, given["X"], given["Y"])


def test_the_remedies_for_float64_work() -> None:
    net, *arrays = example(dtype="float32")
    params, X, Y = jax.tree.map(lambda x: np.asarray(x, np.float64), tuple(arrays))
    with refuse(TypeError, "with jax.enable_x64(True):"):
        cost(net, params, X, Y)
    with jax.enable_x64(True):
        assert cost(net, params, X, Y).dtype == np.float64
    cast = jax.tree.map(lambda x: x.astype(np.float32), (params, X, Y))
    assert cost(net, *cast).dtype == np.float32


@pytest.mark.parametrize("shape", [(4,), (1, 5), (5, 1), ()], ids=str)
@pytest.mark.parametrize("f", ["cost", "value_and_grad"])
def test_one_weight_per_example(f: str, shape: tuple[int, ...]) -> None:
    args = example(dtype="float32")
    with refuse(ValueError, f"weights: expected one per example, shape (5,), got {shape}"):
        getattr(pure_nn, f)(*args, weights=jnp.ones(shape))


def test_weights_of_another_dtype() -> None:
    args = example(dtype="float32")
    with refuse(TypeError, "weights: got float64 while JAX is limited to 32 bits; compute in"):
        cost(*args, weights=np.ones(5))
    with refuse(TypeError, "weights: expected one of float64, float32, bfloat16, float16, got"):
        cost(*args, weights=jnp.ones(5, complex))


def test_the_other_byte_order() -> None:
    net, params, X, Y = example(dtype="float32")
    with refuse(TypeError, "X: expected one of float64, float32, bfloat16, float16, got >f4; cast"):
        cost(net, params, np.asarray(X).astype(">f4"), Y)
