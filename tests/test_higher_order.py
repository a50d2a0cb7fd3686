"""Derivatives through our gradient: jvp and Hessian of the cost, finite wherever the cost is."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import ACTIVATIONS, as_jax, assert_same, example, numpy_data, numpy_params, pairs

import pure_nn

pytestmark = pytest.mark.usefixtures("x64")
FAR = np.array([0.0, -0.0, 0.5, 1.0, -1.0, 0.999, 30.0, -89.0, 400.0, -800.0, 1e4, -1e4])
SECOND = {
    "tanh": lambda z: -2 * np.tanh(z) / np.cosh(z) ** 2,
    "sigmoid": lambda z: -np.tanh(z / 2) / np.cosh(z / 2) ** 2 / 4,
}


def gradient(*args: Any) -> Any:
    return pure_nn.value_and_grad(*args)[1]


@pairs
def test_hessian_of_the_cost_is_the_jacobian_of_our_gradient(output: str, loss: str) -> None:
    args = example(output, loss, L=1, B=3)
    by_hand = jax.jit(jax.jacfwd(gradient, argnums=1))(*args)
    assert_same(by_hand, jax.jit(jax.hessian(pure_nn.cost, argnums=1))(*args), rtol=1e-13)


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_hessian_through_each_hidden_activation(hidden: str) -> None:
    net, sizes = pure_nn.Network((hidden, "softmax")), (3, 4, 2)
    args = (net, *as_jax((numpy_params(sizes), *numpy_data(sizes, 3, "cross_entropy"))))
    by_hand = jax.jit(jax.jacrev(gradient, argnums=1))(*args)
    assert_same(by_hand, jax.jit(jax.hessian(pure_nn.cost, argnums=1))(*args), rtol=1e-13)


def test_jvp_through_value_and_grad() -> None:
    net, params, X, Y = example(L=3)
    tangent = as_jax(numpy_params((2, 5, 3, 2), seed=9))

    def along(f: Any) -> Any:
        return jax.jit(lambda p: jax.jvp(lambda p: f(net, p, X, Y), (p,), (tangent,)))(params)

    assert_same(
        along(pure_nn.value_and_grad),
        along(jax.value_and_grad(pure_nn.cost, argnums=1)),
        rtol=1e-13,
    )


@pytest.mark.parametrize("name", SECOND)
def test_second_derivative_is_right_and_finite_from_0_to_1e4(name: str) -> None:
    g = pure_nn.Network((name,), "squared_error").activations[0]
    got = jax.vmap(jax.grad(lambda z: g.g_prime(z, g.g(z))))(jnp.asarray(FAR))
    expected = SECOND[name](np.clip(FAR, -350, 350))
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-150)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pairs
def test_jvp_is_finite_from_0_to_1e4(output: str, loss: str, dtype: str) -> None:
    net = pure_nn.Network((output,), loss)
    params = ({"W": jnp.eye(3, dtype=dtype), "b": jnp.zeros((3, 1), dtype)},)
    X = jnp.asarray(np.stack([FAR, 0 * FAR, FAR]), dtype)
    Y = jnp.asarray(np.eye(3)[:, np.arange(len(FAR)) % 3], dtype)
    _, tangents = jax.jit(jvp_along_itself)(net, params, X, Y)
    assert all(np.all(np.isfinite(np.asarray(x, np.float64))) for x in jax.tree.leaves(tangents))


def jvp_along_itself(net: Any, params: Any, X: Any, Y: Any) -> Any:
    return jax.jvp(lambda p: pure_nn.value_and_grad(net, p, X, Y), (params,), (params,))
