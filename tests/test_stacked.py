"""Stacked parameters: an entry of k equal layers is one scan, and gives what k entries give."""

import re
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import as_jax, assert_same, deviation, numpy_data, numpy_params
from jaxprs import equations, products

import pure_nn
from pure_nn import interop, training

by_hand = jax.jit(pure_nn.value_and_grad)
by_autodiff = jax.jit(jax.value_and_grad(pure_nn.cost, argnums=1))

CASES: dict[str, tuple[tuple[str, ...], tuple[int, ...], list[int]]] = {
    "first": (("tanh",) * 3 + ("sigmoid",), (3, 3, 3, 3, 2), [3, 1]),
    "middle": (("relu",) * 5 + ("softmax",), (4, 8, 8, 8, 8, 8, 2), [1, 4, 1]),
    "last": (("tanh", "sigmoid", "sigmoid", "sigmoid"), (2, 3, 3, 3, 3), [1, 3]),
    "all": (("sigmoid",) * 4, (3,) * 5, [4]),
    "two, one on the other": (
        ("tanh",) * 3 + ("relu",) * 2 + ("identity",),
        (6,) * 6 + (2,),
        [3, 2, 1],
    ),
    "two, and layers between": (
        ("identity",) * 3 + ("tanh",) * 3 + ("softmax",),
        (2, 2, 2, 5, 4, 4, 4, 3),
        [2, 1, 1, 2, 1],
    ),
    "softmax within": (("softmax",) * 3 + ("sigmoid",), (4, 3, 3, 3, 2), [1, 2, 1]),
}  # activations, sizes, and how many layers each entry is
cases = pytest.mark.parametrize("case", CASES)
some = pytest.mark.parametrize("case", ["first", "two, and layers between", "softmax within"])


def example(case: str, B: int = 5, dtype: Any = "float64") -> tuple[Any, Any, Any, Any]:
    activations, sizes, _ = CASES[case]
    net = pure_nn.Network(activations)
    params, data = numpy_params(sizes), numpy_data(sizes, B, net.loss.name)
    return net, *as_jax((params, *data), dtype)


def stacked(case: str, B: int = 5, dtype: Any = "float64") -> tuple[Any, Any, Any, Any]:
    net, params, X, Y = example(case, B, dtype)
    return net, pure_nn.stack(params, net), X, Y


def depths(params: Any) -> list[int]:
    return [layer["W"].shape[0] if layer["W"].ndim == 3 else 1 for layer in params]


def by_entry(case: str, layers: Sequence[Any]) -> list[Any]:
    """One for each layer from 1 on, grouped as its entries are"""
    found, rest = [], list(layers)
    for k in CASES[case][2]:
        run, rest = rest[:k], rest[k:]
        found.append(run[0] if k == 1 else jnp.stack(run))
    return found


def off_by_one_layer(case: str) -> tuple[Any, Any, Any, Any]:
    """The layers of every stack in the other order"""
    net, params, X, Y = stacked(case)
    turned = [jax.tree.map(lambda x: x[::-1] if x.ndim == 3 else x, layer) for layer in params]
    return net, tuple(turned), X, Y


# stack and unstack


@cases
def test_every_run_becomes_one_entry(case: str) -> None:
    net, params, _, _ = example(case, dtype="float32")
    found = pure_nn.stack(params, net)
    assert depths(found) == CASES[case][2]
    assert_same(pure_nn.unstack(found), params, rtol=0)
    assert_same(pure_nn.stack(found, net), found, rtol=0)


def test_without_the_network_only_shapes_count() -> None:
    _, params, _, _ = example("two, one on the other", dtype="float32")
    assert depths(pure_nn.stack(params)) == [5, 1]


def test_layers_that_read_what_is_dropped_stand_alone() -> None:
    params = pure_nn.init(jax.random.key(0), (3,) * 6 + (1,))
    net = pure_nn.Network(("relu",) * 5 + ("sigmoid",), dropout=(0.0, 0.0, 0.5, 0.0, 0.0, 0.0))
    assert depths(pure_nn.stack(params, net)) == [2, 1, 2, 1]


def test_a_list_stays_a_list() -> None:
    params = list(pure_nn.init(jax.random.key(0), (3,) * 4))
    assert isinstance(pure_nn.stack(params), list)
    assert isinstance(pure_nn.unstack(pure_nn.stack(params)), list)


def test_an_ensemble_is_stacked_by_vmap() -> None:
    keys = jax.random.split(jax.random.key(0), 3)
    ensemble = jax.vmap(lambda key: pure_nn.init(key, (2, 4, 4, 4, 1)))(keys)
    found = jax.vmap(pure_nn.stack)(ensemble)
    assert [layer["W"].shape for layer in found] == [(3, 4, 2), (3, 2, 4, 4), (3, 1, 4)]


# the same numbers


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("case", "B"), [*((case, 33) for case in CASES), ("middle", 1)])
def test_equals_layer_by_layer(case: str, B: int) -> None:
    """And `jax.grad` of the cost of the same stacked params"""
    net, params, X, Y = example(case, B)
    stack, more = pure_nn.stack(params, net), {"weights": jnp.linspace(0.5, 2, B), "l2": 0.3}
    J, grads = by_hand(net, params, X, Y, **more)
    got = by_hand(net, stack, X, Y, **more)
    assert_same(got, (J, pure_nn.stack(grads, net)), rtol=1e-12)
    assert_same(got, by_autodiff(net, stack, X, Y, **more), rtol=1e-12)


@pytest.mark.usefixtures("x64")
@some
def test_another_order_of_the_layers_would_be_found(case: str) -> None:
    net, params, X, Y = example(case)
    expected = pure_nn.stack(by_hand(net, params, X, Y)[1], net)
    assert deviation(by_hand(*off_by_one_layer(case))[1], expected) > 1e-3


@pytest.mark.usefixtures("x64")
@some
def test_every_function_one_by_one(case: str) -> None:
    net, params, X, Y = example(case)
    stack = pure_nn.stack(params, net)
    flat, cache = pure_nn.forward(net, params, X), pure_nn.forward(net, stack, X)
    assert_same(list(cache.Z[1:]), by_entry(case, flat.Z[1:]), rtol=1e-12)
    assert_same(list(cache.A[1:]), by_entry(case, flat.A[1:]), rtol=1e-12)
    for f, more in ((pure_nn.predict, ()), (pure_nn.losses, (Y,)), (pure_nn.cost, (Y,))):
        assert_same(f(net, stack, X, *more), f(net, params, X, *more), rtol=1e-12)
    delta_L = pure_nn.output_delta(net, cache, Y)
    assert_same(delta_L, pure_nn.output_delta(net, flat, Y), rtol=1e-12)
    deltas = pure_nn.backpropagate(net, stack, cache, delta_L)
    of_layers = pure_nn.backpropagate(net, params, flat, delta_L)
    assert_same(list(deltas[1:]), by_entry(case, of_layers[1:]), rtol=1e-12)
    dX = pure_nn.input_gradient(net, stack, deltas)
    assert_same(dX, pure_nn.input_gradient(net, params, of_layers), rtol=1e-12)
    grads = pure_nn.gradients(net, cache, deltas)
    assert_same(grads, pure_nn.backward(net, stack, cache, Y)[0], rtol=0)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("bfloat16", 0.05)])
def test_smaller_dtypes(dtype: str, rtol: float) -> None:
    net, params, X, Y = example("middle", dtype=dtype)
    J, grads = by_hand(net, params, X, Y)
    assert_same(by_hand(*stacked("middle", dtype=dtype)), (J, pure_nn.stack(grads, net)), rtol)


@pytest.mark.usefixtures("x64")
def test_a_stack_of_one_layer() -> None:
    net, params, X, Y = example("all")
    ones = tuple(jax.tree.map(lambda x: x[None], layer) for layer in params)
    J, grads = by_hand(net, ones, X, Y)
    expected = by_hand(net, params, X, Y)
    assert_same((J, pure_nn.unstack(grads)), expected, rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_under_vmap() -> None:
    net, params, X, Y = stacked("middle")
    several = jnp.stack([X, 2 * X])
    J, grads = jax.vmap(pure_nn.value_and_grad, (None, None, 0, None))(net, params, several, Y)
    expected = by_hand(net, params, 2 * X, Y)
    assert_same((J[1], jax.tree.map(lambda x: x[1], grads)), expected, rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_dropout_beside_a_stack_drops_the_same() -> None:
    activations, sizes, _ = CASES["two, and layers between"]
    net = pure_nn.Network(activations, dropout=(0.0, 0.0, 0.3, 0.5, 0.0, 0.0, 0.2))
    params, (X, Y) = numpy_params(sizes), numpy_data(sizes, 9, "cross_entropy")
    params, X, Y = as_jax((params, X, Y))
    key = jax.random.key(3)
    J, grads = by_hand(net, params, X, Y, key=key)
    stack = pure_nn.stack(params, net)
    assert depths(stack) == [2, 1, 1, 2, 1]
    assert_same(by_hand(net, stack, X, Y, key=key), (J, pure_nn.stack(grads, net)), rtol=1e-12)
    cache = pure_nn.forward(net, stack, X, key=key)
    assert isinstance(cache, pure_nn.DropoutCache)
    got = by_hand(net, stack, X, Y, masks=cache.D)
    assert_same(got, by_hand(net, stack, X, Y, key=key), rtol=0)


@pytest.mark.usefixtures("x64", "standard_promotion")
def test_training() -> None:
    net, params, X, Y = example("middle", B=12)
    settings: dict[str, Any] = {"optimizer": optax.adam(0.01), "batch_size": 4, "epochs": 2}
    settings |= {"key": jax.random.key(5), "l2": 0.01}
    expected, costs = training.fit(net, params, X, Y, **settings)
    got, found = training.fit(net, pure_nn.stack(params, net), X, Y, **settings)
    assert_same(pure_nn.unstack(got), expected, rtol=1e-9)
    assert_same(found, costs, rtol=1e-12)
    evaluated = training.evaluate(net, got, X, Y)
    assert_same(evaluated, training.evaluate(net, expected, X, Y), rtol=1e-9)


# the program


def program(k: int) -> Any:
    net = pure_nn.Network(("tanh",) * (k + 1) + ("sigmoid",))
    params = pure_nn.stack(pure_nn.init(jax.random.key(0), (2, *[3] * (k + 1), 1)))
    X, Y = jnp.ones((2, 4)), jnp.ones((1, 4))
    return jax.make_jaxpr(pure_nn.value_and_grad)(net, params, X, Y).jaxpr


def test_the_program_does_not_grow() -> None:
    assert equations(program(3)) == equations(program(300))


def test_a_program_that_grows_would_be_found() -> None:
    net, params, X, Y = example("middle", dtype="float32")
    flat, stack = (
        jax.make_jaxpr(pure_nn.cost)(net, p, X, Y) for p in (params, pure_nn.stack(params, net))
    )
    assert equations(flat.jaxpr) > equations(stack.jaxpr)


@pytest.mark.parametrize("k", [2, 7])
def test_no_product_is_wasted(k: int) -> None:
    """k + 2 layers: forward, Δ of all but the last, sums"""
    assert products(program(k)) == (k + 2) + (k + 1) + (k + 2)


def test_W_is_not_copied() -> None:
    """Z, A and Δ of all layers, and little else"""
    k, n, B = 50, 32, 8
    net = pure_nn.Network(("tanh",) * k, "squared_error")
    params = pure_nn.stack(pure_nn.init(jax.random.key(0), (n,) * (k + 1)))
    compiled = by_hand.lower(net, params, jnp.ones((n, B)), jnp.ones((n, B))).compile()
    found = compiled.memory_analysis()
    assert found is not None
    held = found.temp_size_in_bytes / 4
    assert held <= (3 * k + 8) * n * B + 4 * n * n
    assert held < 3 * k * n * B + k * n * n, "a copy would be found"


# rules


@pytest.mark.usefixtures("x64")
@cases
def test_a_rule_is_given_the_number_of_every_layer(case: str) -> None:
    net, params, X, Y = example(case)
    feedback = jnp.linspace(0.5, 2, len(params) + 1)

    def rule(l: Any, layer: Any, Δ: Any) -> Any:
        return feedback[l] * (layer["W"].T @ Δ)

    def deltas(params: Any) -> Any:
        cache = pure_nn.forward(net, params, X)
        delta_L = pure_nn.output_delta(net, cache, Y)
        return pure_nn.backpropagate(net, params, cache, delta_L, rule=rule)[1:]

    expected = by_entry(case, deltas(params))
    assert_same(list(deltas(pure_nn.stack(params, net))), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "number", [lambda l: [0.0] * 9 + [l], lambda l: {l: 1.0}], ids=["list", "dict"]
)
def test_a_rule_that_needs_an_int(number: Any) -> None:
    net, params, X, Y = stacked("middle", dtype="float32")
    cache = pure_nn.forward(net, params, X)
    delta_L = pure_nn.output_delta(net, cache, Y)

    def rule(l: Any, layer: Any, Δ: Any) -> Any:
        return number(l)[l] * (layer["W"].T @ Δ)

    with refuse(TypeError, "rule: within a stacked entry l is a traced integer"):
        pure_nn.backpropagate(net, params, cache, delta_L, rule=rule)


def test_a_rule_of_another_shape() -> None:
    net, params, X, Y = stacked("last", dtype="float32")
    cache = pure_nn.forward(net, params, X)
    delta_L = pure_nn.output_delta(net, cache, Y)
    with refuse(
        ValueError, "rule within a stacked entry: expected shape (3, 5), 3 being the units"
    ):
        pure_nn.backpropagate(net, params, cache, delta_L, rule=lambda l, layer, Δ: Δ[:2])


# errors


def refuse(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def W_b(W: Any, b: Any) -> tuple[dict[str, Any], ...]:
    return {"W": W, "b": b}, {"W": ones(2, 4), "b": ones(2, 1)}


NET = pure_nn.Network(("tanh",) * 3 + ("sigmoid",))
REFUSED: dict[str, tuple[Any, str]] = {
    "too few layers": (W_b(ones(2, 4, 4), ones(2, 4, 1)), "params: expected 4 layers, one per"),
    "not square": (
        W_b(ones(3, 4, 5), ones(3, 4, 1)),
        "W[1…3]: expected shape (n, n_in) for one layer, or (k, n, n) for k equal ones, got (3, 4",
    ),
    "no bias per layer": (
        W_b(ones(3, 4, 4), ones(4, 1)),
        "b[1…3]: expected shape (3, 4, 1), as W[1…3], got (4, 1)",
    ),
    "not the units below": (
        W_b(ones(3, 5, 5), ones(3, 5, 1)),
        "W[4]: expected 5 columns, the rows of W[3], got shape (2, 4)",
    ),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("name", REFUSED)
def test_stacks_that_do_not_fit(name: str) -> None:
    params, message = REFUSED[name]
    with refuse(ValueError, message):
        pure_nn.predict(NET, params, ones(4, 5))


@pytest.mark.usefixtures("as_installed")
def test_unequal_layers_in_one_entry() -> None:
    params = W_b(ones(3, 4, 4), ones(3, 4, 1))
    net = pure_nn.Network(("tanh", "tanh", "relu", "sigmoid"))
    message = "expected one activation for layers 1 … 3, which are one entry, got tanh() of layer 1"
    with refuse(ValueError, message):
        pure_nn.predict(net, params, ones(4, 5))
    net = pure_nn.Network(("tanh",) * 3 + ("sigmoid",), dropout=(0.0, 0.0, 0.25, 0.5))
    with refuse(
        ValueError, "expected no dropout in what layers 1 … 3 read, which are one entry, got"
    ):
        pure_nn.predict(net, params, ones(4, 5))


@pytest.mark.usefixtures("as_installed")
def test_deltas_and_caches_of_other_layers() -> None:
    net, params, X, Y = stacked("middle", dtype="float32")
    _, flat, _, _ = example("middle", dtype="float32")
    cache = pure_nn.forward(net, params, X)
    deltas = pure_nn.backward(net, params, cache, Y)[1]
    with refuse(ValueError, "deltas[2]: expected shape (4, 8, 5), one Δ for each of the 4 layers"):
        pure_nn.gradients(net, cache, (*deltas[:2], deltas[2][:3], deltas[3]))
    with refuse(ValueError, "deltas: expected (None, Δ[1], …, Δ[3])"):
        pure_nn.gradients(net, cache, deltas[:3])
    short = pure_nn.Cache((*cache.Z[:2], cache.Z[2][:, :2], cache.Z[3]), cache.A)
    with refuse(
        ValueError, "Z[2]: expected shape (4, 8, 5), one Z and A for each layer of the entry"
    ):
        pure_nn.gradients(net, short, deltas)
    with refuse(ValueError, "do not belong to W[2]"):
        pure_nn.backward(net, params, pure_nn.forward(net, flat, X), Y)


@pytest.mark.usefixtures("as_installed")
def test_what_cannot_be_stacked() -> None:
    params: Any = pure_nn.init(jax.random.key(0), (3, 3, 3))
    stack: Any = pure_nn.stack
    with refuse(TypeError, "net: expected a pure_nn.Network, got tuple of 2"):
        stack(params, ("relu", "sigmoid"))
    with refuse(ValueError, "params: expected 4 layers, one per activation of the network, got 2"):
        stack(params, NET)
    with refuse(TypeError, "params: expected a tuple or list of layers, got dict of 2"):
        stack(params[0])
    with refuse(ValueError, "of a stack of layers pass pure_nn.unstack(params)"):
        interop.to_torch(stack(params))
