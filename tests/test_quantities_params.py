"""Quantities of params that are lists or hold b before W, of one's own functions, and under jit."""

import collections
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import assert_values
from quantity import autodiff, example, flat

import pure_nn
from pure_nn import quantities as q
from pure_nn import training

pytestmark = pytest.mark.usefixtures("x64")
SOFT = "softmax, cross_entropy"


def turned(params: Any) -> Any:
    """A list of mappings whose leaves are b, W"""
    return [collections.OrderedDict(b=layer["b"], W=layer["W"]) for layer in params]


def structure(tree: Any) -> Any:
    return jax.tree.structure(tree)


LIKE_PARAMS: dict[str, Callable[[Any], Any]] = {
    "gauss_newton_diagonal": lambda e: q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y),
    "hessian_diagonal": lambda e: q.hessian_diagonal(e.net, e.params, e.cache, e.Y, e.deltas),
    "hessian_product": lambda e: q.hessian_product(e.net, e.params, e.cache, e.Y, e.deltas, e.V),
    "gauss_newton_product": lambda e: q.gauss_newton_product(e.net, e.params, e.cache, e.Y, e.V),
    "empirical_fisher_product": lambda e: q.empirical_fisher_product(e.net, e.cache, e.deltas, e.V),
}


@pytest.mark.parametrize("name", LIKE_PARAMS)
def test_what_is_like_the_params_has_their_structure(name: str) -> None:
    e, of = example(SOFT), LIKE_PARAMS[name]
    right, of_turned = of(e), e._replace(params=turned(e.params), V=turned(e.V))
    found = of(of_turned)
    assert structure(found) == structure(of_turned.params)
    assert_values(tuple(map(dict, found)), tuple(map(dict, right)), 1e-14)


def test_the_largest_eigenvalue_where_b_is_before_W() -> None:
    e = example(SOFT)

    def largest(params: Any) -> Any:
        def product(V: Any) -> Any:
            return q.gauss_newton_product(e.net, params, e.cache, e.Y, V)

        return q.largest_eigenvalue(product, params, jax.random.key(0), iterations=400).value

    expected = np.linalg.eigvalsh(autodiff(SOFT).gauss_newton)[-1]
    assert_values(largest(turned(e.params)), expected, 1e-11)
    assert_values(largest(e.params), expected, 1e-11)


def updates(e: Any, params: Any, optimizer: str) -> Any:
    """Of the same gradient, by name"""
    grads = pure_nn.value_and_grad(e.net, params, e.X, e.Y)[1]
    if optimizer == "kfac":
        way = training.kfac(0.1)
        factors = q.kronecker_factors(e.net, params, e.cache, e.Y)
        found, _ = way.update(grads, way.init(params), params, factors=factors)
    else:
        way = training.natural_gradient(0.1, iterations=200)

        def times(V: Any) -> Any:
            return q.gauss_newton_product(e.net, params, e.cache, e.Y, V)

        found, _ = way.update(grads, way.init(params), params, fisher_product=times)
    return optax.apply_updates(params, found)


@pytest.mark.parametrize("optimizer", ["kfac", "natural_gradient"])
def test_steps_along_the_curvature_where_b_is_before_W(optimizer: str) -> None:
    e = example(SOFT)
    found = updates(e, turned(e.params), optimizer)
    assert structure(found) == structure(turned(e.params))
    expected = updates(e, e.params, optimizer)
    assert_values(tuple(map(dict, found)), tuple(map(dict, expected)), 1e-3)
    assert np.max(np.abs(flat(expected) - flat(e.params))) > 0.01


def test_a_clipped_sum_is_applied_to_params_of_any_structure() -> None:
    e = example(SOFT)
    params = turned(e.params)
    found = q.clipped_sum(e.net, e.cache, e.deltas, 1.0)
    mean = training.noised_mean(1.0, 0.0, 2.0, None)
    of_params, _ = mean.update(found.sum, mean.init(params), params)
    applied = optax.apply_updates(params, of_params)
    expected = jax.tree.map(lambda x, s: x + s / 2, e.params, found.sum)
    assert_values(tuple(map(dict, applied)), expected, 1e-14)


# by value, not by name


def steep() -> pure_nn.Activation:
    """Of the name of another: σ(3z)"""

    def g(z: Any) -> Any:
        return jax.nn.sigmoid(3 * z)

    return pure_nn.Activation(
        "sigmoid",
        g,
        lambda Z, A: 3 * A * (1 - A),
        lambda Z, A: 9 * A * (1 - A) * (1 - 2 * A),
        range=(0.0, 1.0),
    )


def test_an_activation_with_the_name_of_another_has_its_own_curvature() -> None:
    """Of one unit: ∂²𝓛/∂z² by autodiff, x² times it for the weight"""
    net = pure_nn.Network((steep(),), "binary_cross_entropy")
    z, y, x = 0.7, 0.25, 2.0
    params = ({"W": jnp.full((1, 1), z / x), "b": jnp.zeros((1, 1))},)
    Y, cache = jnp.full((1, 1), y), pure_nn.forward(net, params, jnp.full((1, 1), x))
    deltas = pure_nn.backward(net, params, cache, Y)[1]

    def loss(z: Any) -> Any:
        return -y * jax.nn.log_sigmoid(3 * z) - (1 - y) * jax.nn.log_sigmoid(-3 * z)

    bend = float(jax.hessian(loss)(z))
    (diagonal,) = q.hessian_diagonal(net, params, cache, Y, deltas)
    (product,) = q.hessian_product(net, params, cache, Y, deltas, params)
    np.testing.assert_allclose(diagonal["W"], x**2 * bend, rtol=1e-12)
    np.testing.assert_allclose(diagonal["b"], bend, rtol=1e-12)
    np.testing.assert_allclose(product["W"], x * z * bend, rtol=1e-12)


def test_curvature_is_finite_where_the_gradient_is() -> None:
    """Softmax, so sure that A is 0 where Y is: Y/A² would be 0/0"""
    net = pure_nn.Network(("softmax",), "binary_cross_entropy")
    params = ({"W": jnp.asarray([[400.0], [-400.0]]), "b": jnp.zeros((2, 1))},)
    X, Y = jnp.ones((1, 1)), jnp.asarray([[1.0], [0.0]])
    cache = pure_nn.forward(net, params, X)
    for x in jax.tree.leaves(q.gauss_newton_diagonal(net, params, cache, Y)):
        np.testing.assert_array_equal(x, 0)


# compiled


def test_a_feedback_rule_is_an_argument_of_a_compiled_step() -> None:
    e, compiled = example(SOFT), 0

    @jax.jit
    def step(rule: Any) -> Any:
        nonlocal compiled
        compiled += 1
        return pure_nn.backpropagate(e.net, e.params, e.cache, e.deltas[-1], rule=rule)

    for seed in range(3):
        F = q.random_feedback(jax.random.key(seed), e.params)
        by_rule = step(q.feedback_alignment(F))
        expected = F[-1] @ e.deltas[-1] * e.net.activations[1].g_prime(e.cache.Z[2], e.cache.A[2])
        assert_values(by_rule[2], expected, 1e-13)
    assert compiled == 1


def test_a_clip_is_an_argument_of_a_compiled_step() -> None:
    e = example(SOFT)
    norms = jax.jit(lambda C: q.clipped_sum(e.net, e.cache, e.deltas, C).factors[0])
    for C in (0.1, 0.5):
        assert_values(norms(C), q.clipped_sum(e.net, e.cache, e.deltas, C).factors[0], 1e-14)


def test_quantities_beside_the_gradient_take_arguments() -> None:
    e = example(SOFT)
    also: dict[str, Any] = {
        "clipped_sum": {"clip": 0.5},
        "kronecker_factors": {"kind": "empirical"},
        "hessian_product": {"direction": e.V},
        "delta_rms": {},
    }
    found = q.value_and_grad(e.net, e.params, e.X, e.Y, also=also)[2]
    of = e.net, e.params, e.cache, e.Y
    assert_values(found["clipped_sum"], q.clipped_sum(e.net, e.cache, e.deltas, 0.5), 1e-13)
    assert_values(found["hessian_product"], q.hessian_product(*of, e.deltas, e.V), 1e-13)
    empirical = q.kronecker_factors(*of, kind="empirical")
    assert_values(found["kronecker_factors"], empirical, 1e-13)
    assert list(found) == list(also)
