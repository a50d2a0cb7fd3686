"""L2 adds (λ/2) Σ‖W‖² to the cost and λW to its gradient, and nothing where λ is 0."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_numpy, assert_same, example

import pure_nn

LAMBDA = 0.3


@pytest.mark.usefixtures("x64")
def test_gradients_are_those_of_the_cost() -> None:
    net, params, X, Y = example("softmax", "cross_entropy", L=3)
    got = jax.jit(lambda p: pure_nn.value_and_grad(net, p, X, Y, l2=LAMBDA))(params)
    cost = jax.value_and_grad(lambda p: pure_nn.cost(net, p, X, Y, l2=LAMBDA))
    assert_same(got, cost(params), rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_what_it_adds() -> None:
    net, params, X, Y = example()
    J, grads = pure_nn.value_and_grad(net, params, X, Y)
    J_l2, grads_l2 = pure_nn.value_and_grad(net, params, X, Y, l2=LAMBDA)
    squares = sum(np.sum(layer["W"] ** 2) for layer in as_numpy(params))
    assert float(J_l2 - J) == pytest.approx(LAMBDA / 2 * squares, rel=1e-14)
    for d, d_l2, layer in zip(grads, grads_l2, params, strict=True):
        np.testing.assert_allclose(d_l2["W"] - d["W"], LAMBDA * layer["W"], rtol=1e-12, atol=1e-15)
        assert (d_l2["b"] == d["b"]).all()


def test_nothing_is_computed_for_zero() -> None:
    net, params, X, Y = example(dtype="float32")
    without = jax.make_jaxpr(lambda p: pure_nn.value_and_grad(net, p, X, Y))(params)
    zero = jax.make_jaxpr(lambda p: pure_nn.value_and_grad(net, p, X, Y, l2=0.0))(params)
    some = jax.make_jaxpr(lambda p: pure_nn.value_and_grad(net, p, X, Y, l2=0.1))(params)
    assert str(zero) == str(without) != str(some)


def test_a_sweep_over_it_is_one_program() -> None:
    net, params, X, Y = example(dtype="float32")
    cost: Any = jax.jit(lambda l2: pure_nn.cost(net, params, X, Y, l2=l2))
    by_number = [float(pure_nn.cost(net, params, X, Y, l2=l2)) for l2 in (0.0, 0.5)]
    swept = [float(cost(jnp.float32(l2))) for l2 in (0.0, 0.5)]
    np.testing.assert_allclose(swept, by_number, rtol=1e-6)
    assert cost._cache_size() == 1


def test_16_bit_gradients_are_rounded_once() -> None:
    net, params, X, Y = example(dtype="bfloat16")
    _, grads = pure_nn.value_and_grad(net, params, X, Y, l2=LAMBDA)
    cache = pure_nn.forward(net, params, X)
    deltas = pure_nn.backpropagate(net, params, cache, pure_nn.output_delta(net, cache, Y))
    Δ, A = (np.asarray(x, np.float64) for x in (deltas[1], X))
    exact = Δ @ A.T / A.shape[1] + LAMBDA * np.asarray(params[0]["W"], np.float64)
    np.testing.assert_allclose(np.asarray(grads[0]["W"], np.float64), exact, rtol=2.0**-8)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "negative": (-0.1, ValueError, "l2: expected a finite number from 0 on, got -0.1"),
    "NaN": (float("nan"), ValueError, "l2: expected a finite number from 0 on, got nan"),
    "text": ("0.1", TypeError, "l2: expected a number, got str"),
    "one per layer": (np.ones(2), TypeError, "l2: expected a number, got ndarray"),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    l2, error, message = REFUSED[name]
    with pytest.raises(error, match=re.escape(message)):
        pure_nn.cost(*example(dtype="float32"), l2=l2)
