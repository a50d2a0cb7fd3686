"""Weighted examples: J = (1/B) Σ wᵢ𝓛ᵢ, and its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import page
import pytest
from helpers import HIDDEN, as_jax, as_numpy, assert_same, assert_values, example

import pure_nn

WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0, 3.25])
by_hand = jax.jit(pure_nn.value_and_grad)
by_autodiff = jax.jit(jax.value_and_grad(pure_nn.cost, argnums=1))
NAMES, LOSS = (*HIDDEN[3], "sigmoid"), "binary_cross_entropy"


@pytest.mark.usefixtures("x64")
def test_cost_is_the_weighted_sum_over_B() -> None:
    net, params, X, Y = example(L=3)
    losses = page.losses(NAMES, LOSS, *as_numpy((params, X, Y)))
    expected = np.sum(WEIGHTS * losses) / 5
    assert_values(pure_nn.cost(net, params, X, Y, weights=as_jax(WEIGHTS)), expected, rtol=1e-14)
    J, _ = pure_nn.value_and_grad(net, params, X, Y, weights=as_jax(WEIGHTS))
    assert_values(J, expected, rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_gradients_are_those_of_the_weighted_cost() -> None:
    net, *arrays = example(L=3)
    got = by_hand(net, *arrays, weights=as_jax(WEIGHTS))
    assert_same(got, by_autodiff(net, *arrays, weights=as_jax(WEIGHTS)), rtol=1e-14)
    params, X, Y = as_numpy(arrays)
    assert_values(got[1], page.backward(NAMES, LOSS, params, X, Y, WEIGHTS), rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_every_function_that_takes_weights_agrees() -> None:
    net, params, X, Y = example(L=3)
    cache = pure_nn.forward(net, params, X)
    grads, deltas = pure_nn.backward(net, params, cache, Y, weights=as_jax(WEIGHTS))
    _, unweighted = pure_nn.backward(net, params, cache, Y)
    assert_same(deltas[1:], unweighted[1:], rtol=0)
    assert_same(pure_nn.gradients(net, cache, deltas, weights=as_jax(WEIGHTS)), grads, rtol=0)
    _, composed = pure_nn.value_and_grad(net, params, X, Y, weights=as_jax(WEIGHTS))
    assert_same(composed, grads, rtol=0)


@pytest.mark.usefixtures("x64")
def test_weights_of_one_change_no_bit() -> None:
    args = example(L=3)
    weighted = pure_nn.value_and_grad(*args, weights=jnp.ones(5))
    assert_same(weighted, pure_nn.value_and_grad(*args), rtol=0)
    assert_same(pure_nn.value_and_grad(*args, weights=None), weighted, rtol=0)


@pytest.mark.usefixtures("x64")
def test_a_weight_of_zero_removes_its_example_but_not_from_B() -> None:
    net, params, X, Y = example(L=3)
    weights = jnp.array([1.0, 1.0, 0.0, 1.0, 1.0])
    without = by_hand(net, params, *(jnp.delete(x, 2, axis=1) for x in (X, Y)))
    weighted = by_hand(net, params, X, Y, weights=weights)
    assert_same(weighted, jax.tree.map(lambda x: x * 4 / 5, without), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_mask_may_be_boolean_and_dtypes_stay(dtype: str) -> None:
    args = example(L=3, dtype=dtype)
    mask = jnp.array([True, True, False, True, False])
    masked = by_hand(*args, weights=mask)
    assert_same(masked, by_hand(*args, weights=as_jax(mask, dtype)), rtol=0)
    expected = by_autodiff(*args, weights=as_jax(mask, dtype))
    assert_same(masked, expected, rtol=64 * float(jnp.finfo(dtype).eps))


def test_weights_of_16_bit_arrays_may_be_of_32() -> None:
    """1.001 is 1 in bfloat16: what the cost and the gradients are computed in holds more."""
    args, weights = example(L=3, dtype="bfloat16"), jnp.full(5, 1.001)
    heavier, once = by_hand(*args, weights=weights), by_hand(*args)
    assert float(heavier[0]) == pytest.approx(1.001 * float(once[0]), rel=1e-6)
    assert_same(heavier[1], once[1], rtol=2 * float(jnp.finfo("bfloat16").eps))


def test_the_weighted_delta_is_not_rounded() -> None:
    """wΔ = 79,280 is infinite in float16; its product with A, summed and divided by B, is not."""
    net = pure_nn.Network(("identity",))
    params = ({"W": jnp.ones((1, 1), "float16"), "b": jnp.zeros((1, 1), "float16")},)
    X, Y = jnp.full((1, 4), 0.1, "float16"), jnp.full((1, 4), -99, "float16")
    _, ((grad,)) = pure_nn.value_and_grad(net, params, X, Y, weights=jnp.full(4, 800, "float16"))
    assert float(grad["W"][0, 0]) == pytest.approx(800 * 99.1 * 0.1, rel=1e-3)


def test_weights_of_32_bits_are_not_rounded_to_16() -> None:
    """Δ = ±128 cancel but for what 1.003 is more than 1, which bfloat16 does not hold."""
    net, zero = pure_nn.Network(("identity",)), jnp.zeros((1, 1), "bfloat16")
    X, Y = jnp.zeros((1, 2), "bfloat16"), jnp.array([[-128, 128]], "bfloat16")
    weights = jnp.array([1.003, 1.0])
    _, (grad,) = pure_nn.value_and_grad(net, ({"W": zero, "b": zero},), X, Y, weights=weights)
    assert float(grad["b"][0, 0]) == pytest.approx(128 * 0.003 / 2, rel=1e-2)
