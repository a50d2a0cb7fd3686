"""Caches and deltas that do not belong to the network or to each other are refused."""

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import example

import pure_nn

pytestmark = pytest.mark.usefixtures("as_installed")


def right() -> dict[str, Any]:
    """All that the three steps take, of 3 – 4 – 2 units and five examples."""
    net, params, X, Y = example(dtype="float32")
    cache = pure_nn.forward(net, params, X)
    delta_L = pure_nn.output_delta(net, cache, Y)
    deltas = pure_nn.backpropagate(net, params, cache, delta_L)
    given = {"net": net, "params": params, "cache": cache, "Y": Y, "weights": jnp.ones(5)}
    return {**given, "delta_L": delta_L, "deltas": deltas, "form": "direct"}


TAKES = {
    "output_delta": ("net", "cache", "Y", "form"),
    "backpropagate": ("net", "params", "cache", "delta_L"),
    "gradients": ("net", "cache", "deltas", "weights"),
    "backward": ("net", "params", "cache", "Y", "weights"),
    "input_gradient": ("net", "params", "deltas"),
}


def call(f: str, **wrong: Any) -> Any:
    given = {**right(), **wrong}
    return getattr(pure_nn, f)(**{name: given[name] for name in TAKES[f]})


def functions(argument: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("f", [f for f, names in TAKES.items() if argument in names])


def refuse(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


def replaced(cache: Any, field: str, l: int, x: Any) -> Any:
    entries = list(getattr(cache, field))
    entries[l] = x
    return cache._replace(**{field: tuple(entries)})


@pytest.mark.parametrize("f", TAKES)
def test_what_is_right_is_taken(f: str) -> None:
    assert call(f) is not None


@functions("net")
def test_network(f: str) -> None:
    with refuse(TypeError, "net: expected a pure_nn.Network first, got str of 7"):
        call(f, net="sigmoid")


@functions("params")
def test_params(f: str) -> None:
    with refuse(ValueError, "params: expected 2 layers"):
        call(f, params=right()["params"][:1])


@functions("cache")
def test_cache_of_another_depth(f: str) -> None:
    Z, A = right()["cache"]
    expected = "cache: expected Z and A of 2 layers and the inputs, 3 entries each with Z[0] = None"
    with refuse(ValueError, f"{expected} and A[0] = X, got tuple of 2 and tuple of 3"):
        call(f, cache=pure_nn.Cache(Z[1:], A))
    with refuse(ValueError, f"{expected} and A[0] = X, got tuple of 3 and tuple of 2"):
        call(f, cache=pure_nn.Cache(Z, A[1:]))


@pytest.mark.parametrize(
    ("field", "l", "shape", "message"),
    [
        ("Z", 1, (3, 5), "Z[1]: expected shape (4, 5), 4 being the rows of A[1], got (3, 5)"),
        ("Z", 2, (5, 2), "Z[2]: expected shape (2, 5), 2 being the rows of A[2], got (5, 2)"),
        ("Z", 2, (2, 4), "Z[2]: expected shape (2, 5)"),
        ("A", 1, (4, 6), "A[1]: expected shape (4, 5), 4 being the rows of A[1], got (4, 6)"),
        ("A", 2, (2,), "A[2]: expected shape (n[2], B), one example per column, got (2,)"),
    ],
)
@functions("cache")
def test_cache_of_other_shapes(f: str, field: str, l: int, shape: Any, message: str) -> None:
    with refuse(ValueError, message):
        call(f, cache=replaced(right()["cache"], field, l, jnp.ones(shape)))


@pytest.mark.parametrize("l", [0, 1, 2])
@pytest.mark.parametrize("shape", [(), (5,), (1, 2, 5)], ids=str)
@functions("cache")
def test_cache_of_other_dimensions(f: str, shape: Any, l: int) -> None:
    message = f"A[{l}]: expected shape (n[{l}], B), one example per column, got {shape}"
    with refuse(ValueError, message):
        call(f, cache=replaced(right()["cache"], "A", l, jnp.ones(shape)))


@functions("cache")
def test_cache_of_no_examples(f: str) -> None:
    (_, *Z), A = right()["cache"]
    empty = pure_nn.Cache((None, *(z[:, :0] for z in Z)), tuple(a[:, :0] for a in A))
    with refuse(ValueError, "A[0]: expected at least one example, got an empty batch of shape"):
        call(f, cache=empty)


@pytest.mark.parametrize("Z", [None, {1: 2, 2: 3, 3: 4}, jnp.ones((3, 2, 5))], ids=type)
@functions("cache")
def test_cache_of_other_containers(f: str, Z: Any) -> None:
    with refuse(ValueError, "cache: expected Z and A of 2 layers and the inputs, 3 entries each"):
        call(f, cache=pure_nn.Cache(Z, right()["cache"].A))


@pytest.mark.parametrize(("field", "l"), [("Z", 1), ("Z", 2), ("A", 1), ("A", 2)])
@functions("cache")
def test_cache_of_another_dtype(f: str, field: str, l: int) -> None:
    x = getattr(right()["cache"], field)[l]
    with refuse(TypeError, "the dtype of Z[1], got float"):
        call(f, cache=replaced(right()["cache"], field, l, x.astype("float16")))
    with refuse(TypeError, f"{field}[{l}]: expected one of float64, float32, bfloat16, float16"):
        call(f, cache=replaced(right()["cache"], field, l, x.astype("int32")))
    with refuse(TypeError, f"{field}[{l}]: expected a NumPy or JAX array, got NoneType"):
        call(f, cache=replaced(right()["cache"], field, l, None))


@pytest.mark.parametrize("cache", [None, 3, np.ones((3, 5)), (1, 2, 3)], ids=str)
@functions("cache")
def test_no_cache_at_all(f: str, cache: Any) -> None:
    with refuse(TypeError, "cache: expected"):
        call(f, cache=cache)


@functions("params")
def test_cache_of_other_parameters(f: str) -> None:
    net, (one, two), _, Y = example(dtype="float32")
    other = ({"W": one["W"][:, :2], "b": one["b"]}, two)
    message = "cache: A[1] (4, 5) and A[0] (3, 5) do not belong to W[1] (4, 2); pass the cache of"
    with refuse(ValueError, message):
        pure_nn.backward(net, other, right()["cache"], Y)


@pytest.mark.parametrize("f", ["backpropagate", "backward"])
def test_cache_and_parameters_of_two_dtypes(f: str) -> None:
    half = example(dtype="float16")[1]
    with refuse(TypeError, "the cache: expected float16, the dtype of W[1], got float32"):
        call(f, params=half)


@functions("Y")
def test_targets(f: str) -> None:
    with refuse(ValueError, "Y: expected shape (2, 5), 2 being the rows of Ŷ, got (5, 2)"):
        call(f, Y=right()["Y"].T)
    with refuse(TypeError, "Y: expected float32, the dtype of X, got float16"):
        call(f, Y=right()["Y"].astype("float16"))


@functions("weights")
def test_weights(f: str) -> None:
    with refuse(ValueError, "weights: expected one per example, shape (5,), got (4,)"):
        call(f, weights=jnp.ones(4))


def test_form() -> None:
    with refuse(ValueError, "form: expected 'direct' or 'chain', got 'both'"):
        call("output_delta", form="both")


@pytest.mark.parametrize(
    ("delta_L", "error", "message"),
    [
        (np.ones((5, 2), np.float32), ValueError, "examples are in its rows: pass delta_L.T"),
        (np.ones((4, 5), np.float32), ValueError, "expected shape (2, 5), 2 being the units"),
        (np.ones((2, 4), np.float32), ValueError, "expected shape (2, 5)"),
        (np.ones((2, 5), np.float16), TypeError, "expected float32, the dtype of the cache"),
        (np.ones((2, 5), np.int32), TypeError, "expected one of float64, float32"),
        (None, TypeError, "expected a NumPy or JAX array, got NoneType"),
    ],
    ids=["in rows", "of another layer", "of other examples", "float16", "int32", "None"],
)
def test_delta_L(delta_L: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match="^delta_L: .*" + re.escape(message)):
        call("backpropagate", delta_L=delta_L)


@functions("deltas")
def test_number_of_deltas(f: str) -> None:
    message = "deltas: expected (None, Δ[1], …, Δ[2]), as from backpropagate, got tuple of 2"
    with refuse(ValueError, message):
        call(f, deltas=right()["deltas"][1:])
    with refuse(ValueError, "deltas: expected (None, Δ[1], …, Δ[2]), as from backpropagate, got"):
        call(f, deltas=jnp.ones((3, 5)))


@pytest.mark.parametrize("l", [1, 2])
@functions("deltas")
def test_each_delta(f: str, l: int) -> None:
    deltas = list(right()["deltas"])
    with refuse(ValueError, f"deltas[{l}]: expected shape ({6 - 2 * l}, "):
        call(f, deltas=[*deltas[:l], jnp.ones((3, 5)), *deltas[l + 1 :]])
    with refuse(TypeError, "expected float32"):
        call(f, deltas=[*deltas[:l], deltas[l].astype("float16"), *deltas[l + 1 :]])
    with refuse(TypeError, f"deltas[{l}]: expected a NumPy or JAX array, got NoneType"):
        call(f, deltas=[*deltas[:l], None, *deltas[l + 1 :]])
