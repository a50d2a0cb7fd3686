"""Networks, activations and losses are values: equal by content, static, compiled once."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from helpers import assert_same, example

import pure_nn


def swish(Z: Any, c: float = 1.0) -> Any:
    return Z * jax.lax.logistic(c * Z)


def swish_prime(Z: Any, A: Any, c: float = 1.0) -> Any:
    σ = jax.lax.logistic(c * Z)
    return σ * (1 + c * Z * (1 - σ))


def absolute(Z: Any, A: Any, Y: Any) -> Any:
    return jnp.sum(jnp.sqrt(1 + (A - Y) ** 2), axis=0)


def absolute_dA(A: Any, Y: Any) -> Any:
    return (A - Y) / jnp.sqrt(1 + (A - Y) ** 2)


class Normalised(pure_nn.Activation):
    """A = Z/‖Z‖ column by column, whose Jacobian is not diagonal."""

    def pull(self, Z: Any, A: Any, dA: Any) -> Any:
        norm = jnp.sqrt(jnp.sum(Z**2, axis=0, keepdims=True))
        return (dA - A * jnp.sum(A * dA, axis=0, keepdims=True)) / norm


def normalised(Z: Any) -> Any:
    return Z / jnp.sqrt(jnp.sum(Z**2, axis=0, keepdims=True))


def swish_network(c: float = 1.0) -> pure_nn.Network:
    """Made anew at every call, from the values up."""
    hidden = (pure_nn.Activation("swish", swish, swish_prime, c=c), pure_nn.leaky_relu(a=0.1))
    loss = pure_nn.Loss("pseudo_huber", absolute, absolute_dA)
    return pure_nn.Network([*hidden, Normalised("normalised", normalised, None)], loss)


MAKERS: dict[str, Callable[[], Any]] = {
    "relu": lambda: pure_nn.relu(at_zero=0.5),
    "leaky_relu": lambda: pure_nn.leaky_relu(a=0.1),
    "softmax": pure_nn.softmax,
    "binary_cross_entropy": pure_nn.binary_cross_entropy,
    "cross_entropy": pure_nn.cross_entropy,
    "network by name": lambda: pure_nn.Network(("tanh", "softmax")),
    "network with its own": swish_network,
}
DIFFERENT: dict[str, tuple[Any, Any]] = {
    "constant": (pure_nn.relu(at_zero=0.0), pure_nn.relu(at_zero=1.0)),
    "slope": (pure_nn.leaky_relu(a=0.1), pure_nn.leaky_relu(a=0.2)),
    "name": (pure_nn.Activation("f", swish, abs), pure_nn.Activation("h", swish, abs)),
    "g": (pure_nn.Activation("f", swish, abs), pure_nn.Activation("f", normalised, abs)),
    "g_prime": (pure_nn.Activation("f", swish, abs), pure_nn.Activation("f", swish, swish_prime)),
    "g_second": (pure_nn.Activation("f", swish, abs), pure_nn.Activation("f", swish, abs, abs)),
    "range": (
        pure_nn.Activation("f", swish, abs),
        pure_nn.Activation("f", swish, abs, range=(0.0, 1.0)),
    ),
    "class": (pure_nn.Activation("f", swish, None), Normalised("f", swish, None)),
    "loss": (pure_nn.Network(("sigmoid",)), pure_nn.Network(("sigmoid",), "squared_error")),
    "dA": (pure_nn.Loss("f", absolute, absolute_dA), pure_nn.Loss("f", absolute, swish)),
    "domain": (
        pure_nn.Loss("f", absolute, absolute_dA),
        pure_nn.Loss("f", absolute, absolute_dA, domain=(0.0, 1.0)),
    ),
    "direct": (
        pure_nn.Loss("f", absolute, absolute_dA, direct={pure_nn.sigmoid(): absolute}),
        pure_nn.Loss("f", absolute, absolute_dA),
    ),
    "from_Z": (
        pure_nn.Loss("f", absolute, absolute_dA, from_Z={pure_nn.sigmoid(): absolute}),
        pure_nn.Loss("f", absolute, absolute_dA),
    ),
    "depth": (pure_nn.Network(("tanh", "sigmoid")), pure_nn.Network(("sigmoid",))),
}


@pytest.mark.parametrize("name", MAKERS)
def test_equal_by_content(name: str) -> None:
    one, other = MAKERS[name](), MAKERS[name]()
    assert one == other
    assert hash(one) == hash(other)
    assert not jax.tree.leaves(one)
    assert len({jax.tree.structure(one), jax.tree.structure(other)}) == 1


@pytest.mark.parametrize("what", DIFFERENT)
def test_different_by_content(what: str) -> None:
    one, other = DIFFERENT[what]
    assert one != other
    assert len({jax.tree.structure(one), jax.tree.structure(other)}) == 2


def test_the_order_of_constants_does_not_matter() -> None:
    one = pure_nn.Activation("f", swish, abs, a=1.0, c=2.0)
    other = pure_nn.Activation("f", swish, abs, c=2.0, a=1.0)
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize("value", [pure_nn.relu(), swish_network(), pure_nn.cross_entropy()])
def test_frozen(value: Any) -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'name'"):
        value.name = "other"


def test_compiles_once_for_networks_made_anew() -> None:
    traces = []

    @jax.jit
    def step(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
        traces.append(net)
        return pure_nn.value_and_grad(net, params, X, Y)

    _, params, X, Y = example(L=3, dtype="float32")
    for _ in range(3):
        step(swish_network(), params, X, Y)
    assert len(traces) == 1
    step(swish_network(c=2.0), params, X, Y)
    assert len(traces) == 2
    step(swish_network(), params, X[:, :2], Y[:, :2])
    assert len(traces) == 3


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("c", [1.0, 2.0])
def test_own_activation_loss_and_pull_agree_with_jax_grad(c: float) -> None:
    net, (_, *arrays) = swish_network(c), example(L=3)
    by_hand = jax.jit(pure_nn.value_and_grad)(net, *arrays)
    by_autodiff = jax.jit(jax.value_and_grad(pure_nn.cost, argnums=1))(net, *arrays)
    assert_same(by_hand, by_autodiff, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_own_functions_meet_float32_and_are_rounded_once(dtype: str) -> None:
    g = pure_nn.Activation("swish", swish, swish_prime)
    z = jnp.linspace(-4, 4, 1000).astype(dtype)
    wide = z.astype("float32")
    A = g.g(z)
    assert A.dtype == g.g_prime(z, A).dtype == g.pull(z, A, z).dtype == dtype
    assert A.tolist() == swish(wide).astype(dtype).tolist()
    assert g.g_prime(z, A).tolist() == swish_prime(wide, wide).astype(dtype).tolist()
    assert g.pull(z, A, z).tolist() == (wide * swish_prime(wide, wide)).astype(dtype).tolist()


@pytest.mark.usefixtures("as_installed")
def test_repr_names_the_constants() -> None:
    assert repr(pure_nn.leaky_relu(a=0.1)) == "leaky_relu(a=0.1)"
    assert repr(pure_nn.relu(at_zero=1)) == "relu(at_zero=1.0)"
    assert repr(pure_nn.tanh()) == "tanh()"
    assert repr(pure_nn.cross_entropy()) == "cross_entropy()"


def row(Z: Any, *others: Any) -> Any:
    return jnp.sum(Z, axis=0, keepdims=True)


def turned(Z: Any) -> Any:
    return Z.T


def everything(Z: Any, A: Any, Y: Any) -> Any:
    return jnp.sum(A)


TANH = pure_nn.tanh()
MISSHAPEN: dict[str, tuple[pure_nn.Network, str]] = {
    "g": (
        pure_nn.Network((pure_nn.Activation("f", row, swish_prime), "sigmoid")),
        "f: expected g to give shape (4, 5), got (1, 5)",
    ),
    "g of as many entries": (
        pure_nn.Network((pure_nn.Activation("f", turned, swish_prime), "sigmoid")),
        "f: expected g to give shape (4, 5), got (5, 4)",
    ),
    "g_prime": (
        pure_nn.Network((pure_nn.Activation("f", swish, row), "sigmoid")),
        "f: expected g_prime to give shape (4, 5), got (1, 5)",
    ),
    "value": (
        pure_nn.Network(("tanh", "tanh"), pure_nn.Loss("f", everything, absolute_dA)),
        "f: expected value to give shape (5,), got ()",
    ),
    "dA": (
        pure_nn.Network(("tanh", "tanh"), pure_nn.Loss("f", absolute, row)),
        "f: expected dA to give shape (2, 5), got (1, 5)",
    ),
    "direct": (
        pure_nn.Network(("tanh", "tanh"), pure_nn.Loss("f", absolute, row, direct={TANH: row})),
        "f: expected direct[tanh()] to give shape (2, 5), got (1, 5)",
    ),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("what", MISSHAPEN)
def test_results_of_another_shape_are_refused_not_broadcast(what: str) -> None:
    net, message = MISSHAPEN[what]
    _, *arrays = example(L=2, dtype="float32")
    with pytest.raises(ValueError, match=re.escape(message)):
        pure_nn.value_and_grad(net, *arrays)
