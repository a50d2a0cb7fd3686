"""value_and_grad under jit, vmap, scan and donation, with the network passed as an argument."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import page
import pytest
from helpers import SIZES, as_jax, assert_same, assert_values, example, numpy_data, numpy_params

import pure_nn

NAMES, LOSS, RATE = ("tanh", "sigmoid"), "binary_cross_entropy", 0.5
by_hand = jax.jit(pure_nn.value_and_grad)
by_autodiff = jax.jit(jax.value_and_grad(pure_nn.cost, argnums=1))


@pytest.mark.usefixtures("x64")
def test_jit_and_eager() -> None:
    args = example()
    eager, jitted = pure_nn.value_and_grad(*args), by_hand(*args)
    assert_same(jitted, by_autodiff(*args), rtol=1e-14)
    assert_same(jitted, eager, rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_vmap_over_data() -> None:
    net, params, _, _ = example()
    batches = [numpy_data(SIZES[2], 5, LOSS, seed) for seed in range(3)]
    X, Y = as_jax((np.stack([X for X, _ in batches]), np.stack([Y for _, Y in batches])))
    over_data = (None, None, 0, 0)
    got = jax.vmap(pure_nn.value_and_grad, over_data)(net, params, X, Y)
    assert_same(got, jax.vmap(by_autodiff, over_data)(net, params, X, Y), rtol=1e-14)
    alone = [by_hand(net, params, X[k], Y[k]) for k in range(3)]
    assert_same(got, jax.tree.map(lambda *x: jnp.stack(x), *alone), rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_vmap_over_parameters_is_an_ensemble_of_seeds() -> None:
    net, _, X, Y = example()
    keys = jax.random.split(jax.random.key(0), 3)
    ensemble = jax.vmap(lambda key: pure_nn.init(key, SIZES[2]))(keys)
    over_params = (None, 0, None, None)
    got = jax.jit(jax.vmap(pure_nn.value_and_grad, over_params))(net, ensemble, X, Y)
    assert_same(got, jax.vmap(by_autodiff, over_params)(net, ensemble, X, Y), rtol=1e-14)
    alone = [by_hand(net, pure_nn.init(key, SIZES[2]), X, Y) for key in keys]
    assert_same(got, jax.tree.map(lambda *x: jnp.stack(x), *alone), rtol=1e-14)


def descend(net: pure_nn.Network, params: Any, X: Any, Y: Any, steps: int) -> tuple[Any, Any]:
    """Plain gradient descent as one scan; J is taken before each update."""

    def step(params: Any, _: None) -> tuple[Any, Any]:
        J, grads = pure_nn.value_and_grad(net, params, X, Y)
        return jax.tree.map(lambda p, g: p - RATE * g, params, grads), J

    return jax.lax.scan(step, params, length=steps)


@pytest.mark.usefixtures("x64")
def test_gradient_descent_in_a_scan_is_that_of_the_page() -> None:
    net, params, X, Y = example()
    expected, costs = numpy_params(SIZES[2]), []
    x, y = numpy_data(SIZES[2], 5, LOSS)
    for _ in range(20):
        costs.append(page.cost(NAMES, LOSS, expected, x, y))
        grads = page.backward(NAMES, LOSS, expected, x, y, np.ones(5))
        expected = jax.tree.map(lambda p, g: p - RATE * g, expected, grads)
    got, J = jax.jit(descend, static_argnums=4)(net, params, X, Y, 20)
    assert_values(got, expected, rtol=1e-13)
    np.testing.assert_allclose(J, costs, rtol=1e-13)
    assert costs[-1] < costs[0]


@pytest.mark.usefixtures("x64")
def test_the_network_travels_in_a_scan_carry() -> None:
    args = example()

    def step(carry: Any, _: None) -> tuple[Any, Any]:
        return carry, pure_nn.value_and_grad(*carry)

    _, (J, grads) = jax.lax.scan(step, args, length=2)
    first = jax.tree.map(lambda x: x[0], (J, grads))
    assert_same(first, by_hand(*args), rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_donated_parameters_become_the_gradients() -> None:
    net, params, X, Y = example()
    expected = by_autodiff(net, params, X, Y)
    donated = jax.tree.map(jnp.copy, params)
    got = jax.jit(pure_nn.value_and_grad, donate_argnums=1)(net, donated, X, Y)
    assert_same(got, expected, rtol=1e-14)
    assert all(x.is_deleted() for x in jax.tree.leaves(donated))
