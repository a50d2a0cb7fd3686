"""What is equal only of one example, of one layer, of a linear network, or in expectation."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import (
    as_jax,
    as_numpy,
    assert_same,
    assert_values,
    deviation,
    numpy_data,
    numpy_params,
)
from quantity import Example, autodiff, example, like, of_arrays, of_the_first

import pure_nn
from pure_nn import quantities as q
from verify import oracles

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("x64")]

LIKELIHOODS = ["softmax, cross_entropy", "sigmoid, binary_cross_entropy", "tanh, squared_error"]
likelihoods = pytest.mark.parametrize("net", LIKELIHOODS)


@oracles.compiled
def _factors(e: Example) -> tuple[Any, Any]:
    exact = q.kronecker_factors(e.net, e.params, e.cache, e.Y, kind="exact")
    return exact, q.kfra_factors(e.net, e.params, e.cache, e.Y)


@functools.cache
def factors(net: str, B: int) -> tuple[Any, Any]:
    """KFLR and KFRA"""
    with jax.enable_x64(True):
        found: tuple[Any, Any] = _factors(example(net, B))
    return found


# one example


@likelihoods
def test_kfra_is_kflr_of_one_example_and_of_no_more(net: str) -> None:
    assert_same(*factors(net, 1), 1e-13)
    assert deviation(*factors(net, 6)) > 1e-3


def blocks(e: Any, matrix: Any) -> Any:
    """Of a matrix (P, P) that of each layer, in the order in which A ⊗ G has W and b"""
    order = like(e.params, np.arange(len(matrix)))
    numbers = [np.concatenate([of["W"], of["b"]], axis=1).ravel() for of in order]
    return [matrix[np.ix_(i, i)] for i in numbers]


def products(factors: Any) -> Any:
    return [np.kron(of.G, of.A) for of in as_numpy(factors)]


@likelihoods
def test_the_factors_give_the_gauss_newton_matrix_of_one_example_and_of_no_more(net: str) -> None:
    o, of = autodiff(net), example(net)
    expected = blocks(of, of_the_first(o).gauss_newton)
    assert deviation(products(factors(net, 1)[0]), expected) <= 1e-12
    assert deviation(products(factors(net, 6)[0]), blocks(of, o.gauss_newton)) > 1e-3


# linear networks


def test_kfac_is_exact_of_a_linear_network_under_squared_error() -> None:
    """Layer by layer, as what is sent back is the same for every example: of any batch"""
    e, o = example("linear"), autodiff("linear")
    assert deviation(products(factors("linear", 6)[0]), blocks(e, o.hessian)) <= 1e-12
    diagonal = q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y)
    assert_values(diagonal, like(e.params, np.diag(o.hessian)), 1e-12)


def test_a_network_that_bends_is_no_such_case() -> None:
    e, o = example("tanh, squared_error"), autodiff("tanh, squared_error")
    expected = blocks(e, o.hessian)
    assert deviation(products(factors("tanh, squared_error", 6)[0]), expected) > 1e-2
    diagonal = q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y)
    assert deviation(diagonal, like(e.params, np.diag(o.hessian))) > 1e-2


def test_one_linear_layer() -> None:
    """G = I; and Gauss-Newton is the Hessian, V[A; 1][A; 1]ᵀ/B"""
    net, (X, Y) = pure_nn.Network(("identity",)), numpy_data((5, 4), 6, "squared_error")
    params, V = numpy_params((5, 4)), numpy_params((5, 4), 3)
    e = of_arrays(net, *as_jax((params, X, Y, V)))
    A = np.concatenate([X, np.ones((1, 6))])
    found = q.kronecker_factors(net, e.params, e.cache, e.Y, kind="exact")
    assert_values(found, (q.Factors(*as_jax((A @ A.T / 6, np.eye(4)))),), 1e-13)
    VAA = np.concatenate([V[0]["W"], V[0]["b"]], axis=1) @ A @ A.T / 6
    expected = ({"W": VAA[:, :-1], "b": VAA[:, -1:]},)
    assert_values(q.gauss_newton_product(net, e.params, e.cache, e.Y, e.V), expected, 1e-13)
    full = q.hessian_product(net, e.params, e.cache, e.Y, e.deltas, e.V)
    assert_values(full, expected, 1e-13)


def test_gauss_newton_is_no_hessian_of_a_network_that_bends() -> None:
    e = example("tanh, squared_error")
    gauss_newton = q.gauss_newton_product(e.net, e.params, e.cache, e.Y, e.V)
    full = q.hessian_product(e.net, e.params, e.cache, e.Y, e.deltas, e.V)
    assert deviation(gauss_newton, full) > 1e-2


# the Fisher matrix


def classes(net: str) -> tuple[Any, Any]:
    """Each target that the network may draw for one example, and how likely it is"""
    A = np.asarray(example(net, 1).cache.A[-1])[:, 0]
    if net.startswith("softmax"):
        return np.eye(len(A)), A
    bits = np.array(np.meshgrid(*[[0.0, 1.0]] * len(A))).reshape(len(A), -1).T
    return bits, np.prod(np.where(bits == 1, A, 1 - A), axis=1)


ENUMERATED = pytest.mark.parametrize("net", LIKELIHOODS[:2])


@oracles.compiled
def _of_class(e: Example) -> tuple[Any, Any]:
    _, deltas = pure_nn.backward(e.net, e.params, e.cache, e.Y)
    factors = q.kronecker_factors(e.net, e.params, e.cache, e.Y, kind="empirical")
    return factors, q.empirical_fisher_product(e.net, e.cache, deltas, e.V)


@ENUMERATED
def test_over_all_classes_the_empirical_fisher_is_gauss_newton(net: str) -> None:
    """Of factors and products; of targets alone it is not"""
    e = example(net, 1)
    e = e._replace(Y=jnp.ones_like(e.Y) / len(e.Y))  # which sum to 1, as those drawn
    of_class = [
        jax.tree.map(lambda x, p=p: p * np.asarray(x), _of_class(e._replace(Y=y[:, None])))
        for y, p in zip(*classes(net), strict=True)
    ]
    exact = _factors(e)[0], q.gauss_newton_product(e.net, e.params, e.cache, e.Y, e.V)
    assert_values(jax.tree.map(lambda *terms: sum(terms), *of_class), exact, 1e-12)
    assert deviation(_of_class(e), exact) > 1e-2


KEYS = 4096


@likelihoods
def test_sampled_factors_and_diagonals_average_to_the_exact_ones(net: str) -> None:
    """Within five standard errors, and not of what is a tenth more"""
    e = example(net)
    e = e._replace(Y=jnp.ones_like(e.Y) / len(e.Y))
    keys = jax.random.split(jax.random.key(1), KEYS)

    def sampled(key: Any) -> Any:
        how: Any = {"kind": "sampled", "key": key}
        diagonal = q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y, **how)
        return q.kronecker_factors(e.net, e.params, e.cache, e.Y, **how), diagonal

    found = oracles.compiled(jax.vmap(sampled))(keys)
    expected = (
        q.kronecker_factors(e.net, e.params, e.cache, e.Y, kind="exact"),
        q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y),
    )
    leaves = zip(jax.tree.leaves(as_numpy(found)), jax.tree.leaves(as_numpy(expected)), strict=True)
    for samples, mean in leaves:
        off = np.abs(samples.mean(axis=0) - mean)
        error = samples.std(axis=0) / np.sqrt(KEYS) + 1e-12
        assert np.all(off <= 5 * error)
        of_A = np.max(error) < 1e-9  # which no target changes
        assert of_A or np.max(np.abs(1.1 * mean - samples.mean(axis=0)) / error) > 5


@pytest.mark.parametrize("net", ["tanh, squared_error", "softmax, cross_entropy"])
def test_the_empirical_diagonal_is_the_second_moment(net: str) -> None:
    e = example(net)
    found = q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y, kind="empirical")
    assert_same(found, q.second_moment(e.net, e.cache, e.deltas), 1e-14)
    exactly = q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y)
    assert deviation(found, exactly) > 1e-2
