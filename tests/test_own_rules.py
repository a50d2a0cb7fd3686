"""Activations and losses of one's own get what is stated for them: Z and A, and 32 bits."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import page
import pytest
from helpers import as_numpy, assert_same, example

import pure_nn

by_hand = jax.jit(pure_nn.value_and_grad)
by_autodiff = jax.jit(jax.value_and_grad(pure_nn.cost, argnums=1))


def steep(Z: Any) -> Any:
    return jax.lax.logistic(2 * Z)


def steep_prime(Z: Any, A: Any) -> Any:
    """From A alone, so that Z in its place is noticed."""
    return 2 * A * (1 - A)


STEEP = pure_nn.Activation("steep", steep, steep_prime, range=(0.0, 1.0))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("loss", page.LOSS)
def test_a_loss_of_an_output_that_it_does_not_know(loss: str) -> None:
    """From A, and Δ by the chain rule."""
    net, (_, params, X, Y) = pure_nn.Network((STEEP, STEEP), loss), example(L=2)
    assert_same(by_hand(net, params, X, Y), by_autodiff(net, params, X, Y), rtol=1e-13)
    A, targets = as_numpy((pure_nn.predict(net, params, X), Y))
    expected = [page.LOSS[loss](a, y) for a, y in zip(A.T, targets.T, strict=True)]
    np.testing.assert_allclose(pure_nn.losses(net, params, X, Y), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_functions_of_a_loss_meet_float32(dtype: str) -> None:
    met: list[Any] = []

    def value(*arrays: Any) -> Any:
        met.extend(arrays)
        return jnp.sum(arrays[0], axis=0)

    def difference(*arrays: Any) -> Any:
        met.extend(arrays)
        return arrays[-2] - arrays[-1]

    g, x = pure_nn.tanh(), jnp.ones((2, 3), dtype)
    loss = pure_nn.Loss("f", value, difference, direct={g: difference}, from_Z={g: value})
    assert {loss.value(x, x, x, output).dtype for output in (g, STEEP)} == {np.dtype("float32")}
    assert loss.dA(x, x).dtype == "float32"
    assert loss.delta(x, x, x, g).dtype == dtype
    assert [str(array.dtype) for array in met] == ["float32"] * 11
