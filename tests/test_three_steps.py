"""Each of the three steps is its equation on the page, for any cache, also one no forward made."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import page
import pytest
from helpers import HIDDEN, SIZES, as_jax, as_numpy, assert_same, assert_values, example, pairs

import pure_nn

pytestmark = pytest.mark.usefixtures("x64")
NAMES, L, B = (*HIDDEN[4], "sigmoid"), 4, 5


def unrelated_cache(sizes: tuple[int, ...]) -> tuple[list[Any], list[Any]]:
    """Z[1 … L] and A[0 … L] that have nothing to do with each other; A in (0, 1), columns of sum 1,
    which the pull of softmax relies on."""
    rng = np.random.default_rng(5)
    Z = [rng.normal(size=(n, B)) for n in sizes[1:]]
    A = [rng.uniform(0.1, 0.9, size=(n, B)) for n in sizes]
    return Z, [a / a.sum(axis=0) for a in A]


def cache_of(Z: list[Any], A: list[Any]) -> pure_nn.Cache:
    Z, A = as_jax((Z, A))
    return pure_nn.Cache((None, *Z), tuple(A))


def test_forward_is_the_page_layer_by_layer() -> None:
    net, params, X, _ = example(L=L)
    cache = pure_nn.forward(net, params, X)
    z, a = page.forward(NAMES, as_numpy(params), np.asarray(X)[:, 2])
    assert cache.Z[0] is None
    assert cache.A[0] is X
    for got, expected in zip((*cache.Z[1:], *cache.A), (*z, *a), strict=True):
        np.testing.assert_allclose(got[:, 2], expected, rtol=1e-14)
    assert pure_nn.predict(net, params, X).tolist() == cache.A[L].tolist()


@pairs
def test_direct_and_chain_agree_inside(output: str, loss: str) -> None:
    net, params, X, Y = example(output, loss, L=1)
    cache = pure_nn.forward(net, params, X)
    direct = pure_nn.output_delta(net, cache, Y)
    assert_same(pure_nn.output_delta(net, cache, Y, form="chain"), direct, rtol=1e-14)
    assert_same(pure_nn.output_delta(net, cache, Y, form="direct"), direct, rtol=0)
    Z, A, Y = as_numpy((cache.Z[1], cache.A[1], Y))
    assert_values(direct, page.output_delta(output, loss, Z, A, Y), rtol=1e-14)


@pairs
def test_chain_takes_the_cache_as_it_is(output: str, loss: str) -> None:
    net, _, _, Y = example(output, loss, L=1)
    Z, A = unrelated_cache(SIZES[1])
    got = pure_nn.output_delta(net, cache_of(Z, A), Y, form="chain")
    assert_values(got, page.output_delta(output, loss, Z[0], A[1], np.asarray(Y)), rtol=1e-14)


def test_chain_takes_activations_that_are_no_probabilities() -> None:
    net, _, _, Y = example(L=1)
    Z, A = unrelated_cache(SIZES[1])
    A = [3 - 4 * a for a in A]
    got = pure_nn.output_delta(net, cache_of(Z, A), Y, form="chain")
    expected = page.output_delta("sigmoid", net.loss.name, Z[0], A[1], np.asarray(Y))
    assert_values(got, expected, rtol=1e-14)


@pytest.mark.parametrize("hidden", [HIDDEN[4], HIDDEN[3][::-1] + HIDDEN[2]], ids="-".join)
def test_backpropagate_takes_the_cache_as_it_is(hidden: tuple[str, ...]) -> None:
    net, params, _, _ = example(L=L)
    net = pure_nn.Network((*hidden, "sigmoid"))
    Z, A = unrelated_cache(SIZES[L])
    delta_L = np.random.default_rng(6).normal(size=Z[-1].shape)
    none, *deltas = pure_nn.backpropagate(net, params, cache_of(Z, A), jnp.asarray(delta_L))
    assert none is None
    expected = page.backpropagate((*hidden, "sigmoid"), as_numpy(params), Z, A[1:], delta_L)
    assert_values(deltas, expected, rtol=1e-14)


def test_gradients_are_loops_over_the_examples() -> None:
    net = example(L=L)[0]
    Z, A = unrelated_cache(SIZES[L])
    deltas = [np.random.default_rng(l).normal(size=z.shape) for l, z in enumerate(Z)]
    got = pure_nn.gradients(net, cache_of(Z, A), (None, *as_jax(deltas)))
    assert_values(got, page.gradients(A[:-1], deltas, np.ones(B)), rtol=1e-14)


def test_a_delta_belongs_to_its_example_and_carries_no_batch_size() -> None:
    net, params, X, Y = example(L=3)
    _, deltas = pure_nn.backward(net, params, pure_nn.forward(net, params, X), Y)
    x, y = X[:, 1:2], Y[:, 1:2]
    _, alone = pure_nn.backward(net, params, pure_nn.forward(net, params, x), y)
    assert deltas[0] is alone[0] is None
    assert_same([d[:, 1:2] for d in deltas[1:]], list(alone[1:]), rtol=1e-14)


@pytest.mark.parametrize("container", [tuple, list])
def test_backward_composes_the_steps(container: type) -> None:
    net, params, X, Y = example(L=3)
    cache = pure_nn.forward(net, container(params), X)
    deltas = pure_nn.backpropagate(net, params, cache, pure_nn.output_delta(net, cache, Y))
    grads = container(pure_nn.gradients(net, cache, deltas))
    composed = pure_nn.backward(net, container(params), cache, Y)
    assert_same(composed, (grads, deltas), rtol=0)
    assert_same(pure_nn.value_and_grad(net, container(params), X, Y)[1], grads, rtol=1e-14)


@pytest.mark.parametrize("L", [1, 3])
def test_input_gradient_is_jax_grad_with_respect_to_each_example(L: int) -> None:
    net, params, X, Y = example(L=L)
    _, deltas = pure_nn.backward(net, params, pure_nn.forward(net, params, X), Y)
    of_the_sum = jax.jit(jax.grad(lambda X: jnp.sum(pure_nn.losses(net, params, X, Y))))
    assert_same(pure_nn.input_gradient(net, params, deltas), of_the_sum(X), rtol=1e-14)


def test_losses_are_one_per_example_and_J_is_their_mean() -> None:
    net, params, X, Y = example("softmax", "cross_entropy", L=3)
    losses = pure_nn.losses(net, params, X, Y)
    names, arrays = (*HIDDEN[3], "softmax"), as_numpy((params, X, Y))
    assert_values(losses, page.losses(names, "cross_entropy", *arrays), rtol=1e-14)
    assert_values(pure_nn.cost(net, params, X, Y), np.mean(losses), rtol=1e-15)
    assert_values(pure_nn.value_and_grad(net, params, X, Y)[0], np.mean(losses), rtol=1e-14)


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_one_layer_is_regression(output: str) -> None:
    """∂J/∂W = (1/B)(Ŷ − Y)Xᵀ for logistic and for softmax regression."""
    params, X, Y = as_numpy(example(L=1)[1:])
    Y = Y / Y.sum(axis=0)
    _, grads = pure_nn.value_and_grad(pure_nn.Network((output,)), *as_jax((params, X, Y)))
    residual = np.stack([page.forward((output,), params, x)[1][-1] for x in X.T], axis=1) - Y
    expected = ({"W": residual @ X.T / B, "b": residual.sum(axis=1, keepdims=True) / B},)
    assert_values(grads, expected, rtol=1e-14)
