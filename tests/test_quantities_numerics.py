"""Digits of float32 where the usual form loses them all, and what is 0, tiny or undefined."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_jax, as_numpy, deviation, numpy_data, numpy_params

import pure_nn
from pure_nn import quantities as q
from verify import oracles

NET, SIZES, B = pure_nn.Network(("tanh", "identity")), (3, 4, 2), 6
ONE = pure_nn.Network(("identity",))


def example(dtype: str = "float32") -> Any:
    """net, params, cache, Y, deltas"""
    params, X, Y = as_jax((numpy_params(SIZES), *numpy_data(SIZES, B, "squared_error")), dtype)
    cache = pure_nn.forward(NET, params, X)
    return params, cache, Y, pure_nn.backward(NET, params, cache, Y)[1]


# examples that nearly agree

RATIO = 1e3  # of the mean to what they differ by


def agreeing() -> Any:
    """A cache of one layer and its Δ, in float32; and the variance of g, in float64"""
    rng = np.random.default_rng(0)
    A, Δ = ((1 + rng.normal(size=(n, B)) / RATIO).astype(np.float32) for n in (4, 3))
    cache = pure_nn.Cache((None, jnp.asarray(Δ)), (jnp.asarray(A), jnp.asarray(Δ)))
    g = np.einsum("ib,jb->bij", Δ.astype(np.float64), A.astype(np.float64))
    expected = {"W": np.var(g, axis=0), "b": np.var(Δ.astype(np.float64), axis=1)[:, None]}
    return cache, (None, jnp.asarray(Δ)), (expected,)


def usual(net: Any, cache: Any, deltas: Any) -> Any:
    """The mean of g² less the square of the mean"""
    moments, means = q.second_moment(net, cache, deltas), pure_nn.gradients(net, cache, deltas)
    return jax.tree.map(lambda m, g: m - g**2, moments, means)


def test_the_variance_of_examples_that_nearly_agree() -> None:
    cache, deltas, expected = agreeing()
    assert deviation(q.variance(ONE, cache, deltas), expected) <= 1e-5
    assert deviation(usual(ONE, cache, deltas), expected) > 1e-2


def test_the_variance_of_examples_that_agree_is_0_and_never_below() -> None:
    Δ = jnp.full((3, B), 0.1, jnp.float32)
    cache = pure_nn.Cache((None, Δ), (jnp.full((4, B), 0.7, jnp.float32), Δ))
    found = as_numpy(q.variance(ONE, cache, (None, Δ)))
    assert all(np.all((0 <= x) & (x <= 1e-13)) for x in jax.tree.leaves(found))
    below = jax.tree.leaves(as_numpy(usual(ONE, cache, (None, Δ))))
    assert not all(np.all(np.abs(x) <= 1e-13) for x in below)


def test_the_noise_of_examples_that_nearly_agree() -> None:
    """And the mean of ‖gᵢ‖² less ‖ḡ‖² has none of its digits"""
    cache, deltas, (variance,) = agreeing()
    expected = sum(np.sum(x) for x in variance.values()) * B / (B - 1)
    found = float(q.noise_scale(ONE, cache, deltas).trace)
    assert found == pytest.approx(expected, rel=1e-5)
    squares = q.squared_norms(ONE, cache, deltas).all
    (mean,) = pure_nn.gradients(ONE, cache, deltas)
    of_mean = jnp.sum(mean["W"] ** 2) + jnp.sum(mean["b"] ** 2)
    usual = float(q.two_batch_noise_scale(jnp.mean(squares), of_mean, 1, B).trace)
    assert usual != pytest.approx(expected, rel=1e-2)


# entries that few examples have


def sparse() -> Any:
    """A and Δ as of ReLU, of which an example has few, and the variance of g in float64"""
    rng = np.random.default_rng(0)
    A, Δ = (np.maximum(rng.normal(-1, 1, (n, 16)), 0).astype(np.float32) for n in (40, 30))
    cache = pure_nn.Cache((None, jnp.asarray(Δ)), (jnp.asarray(A), jnp.asarray(Δ)))
    g = np.einsum("ib,jb->bij", Δ.astype(np.float64), A.astype(np.float64))
    return cache, (None, jnp.asarray(Δ)), np.var(g, axis=0)


def test_the_variance_of_entries_that_few_examples_have() -> None:
    """Entry by entry; as deviations from the means alone, it is off by far more"""
    cache, deltas, expected = sparse()
    found = as_numpy(q.variance(ONE, cache, deltas))[0]["W"]
    some = expected > 0
    assert np.all(found[~some] == 0)
    assert np.mean(~some) > 0.1
    np.testing.assert_allclose(found[some], expected[some], rtol=1e-5)
    A, Δ = (np.asarray(x) for x in (cache.A[0], deltas[1]))
    a, d = (x - x.mean(axis=1, keepdims=True) for x in (A, Δ))
    of_means = d @ a.T / 16
    off = np.mean(np.square(d) @ np.square(a).T / 16 - of_means**2) - np.mean(expected)
    assert abs(off) > 1e-3 * np.mean(expected)


def test_signal_to_noise_of_entries_that_no_example_has() -> None:
    cache, deltas, expected = sparse()
    found = as_numpy(q.signal_to_noise(ONE, cache, deltas))[0]["W"]
    np.testing.assert_array_equal(np.isnan(found), expected == 0)


# tiny, and 0


@pytest.mark.parametrize("size", [1e-25, 1e25])
def test_angles_and_cosines_do_not_hang_on_the_size_of_the_deltas(size: float) -> None:
    _, cache, _, deltas = example()
    others = pure_nn.backpropagate(NET, example()[0], cache, deltas[-1], rule=q.sign_symmetric)
    scaled = (None, *(Δ * np.float32(size) for Δ in deltas[1:]))
    angles = q.alignment_angles(NET, cache, deltas, others)
    np.testing.assert_allclose(q.alignment_angles(NET, cache, scaled, others), angles, atol=0.05)
    for got, expected in zip(q.cosines(scaled), q.cosines(deltas), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)
    assert 1 < angles[0] < 90
    assert float(jnp.sum(jnp.square(scaled[1]))) in (0, np.inf)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_rms_of_deltas_whose_squares_are_no_numbers(size: float) -> None:
    Δ = jnp.asarray([[3.0, -4.0], [0.0, 5.0]], jnp.float32) * np.float32(size)
    expected = np.sqrt(12.5) * np.array([size, size / 2])
    deltas = (None, Δ, Δ / 2)
    np.testing.assert_allclose(q.delta_rms(deltas), expected, rtol=1e-6)
    np.testing.assert_allclose(q.delta_ratios(deltas), [2, 1], rtol=1e-6)
    plain = jnp.sqrt(jnp.mean(jnp.square(Δ)))
    assert not np.isclose(plain, expected[0], rtol=0.1, atol=0)


def test_of_no_deltas_the_rms_is_0_and_the_ratio_undefined() -> None:
    zeros = (None, jnp.ones((4, B)), jnp.zeros((2, B)))
    np.testing.assert_array_equal(q.delta_rms(zeros), [1, 0])
    assert not np.any(np.isfinite(q.delta_ratios(zeros)))


def none_at_first() -> Any:
    """The Δs of which the first example has none"""
    params, cache, Y, deltas = example()
    return params, cache, Y, (None, *(Δ.at[:, 0].set(0) for Δ in deltas[1:]))


@pytest.mark.parametrize("clip", [0.5, [0.5, 0.25]], ids=["all", "by layer"])
def test_the_clipped_sum_of_an_example_without_gradient(clip: Any) -> None:
    _, cache, _, deltas = none_at_first()
    found = as_numpy(q.clipped_sum(NET, cache, deltas, clip))
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(found))
    assert {float(c[0]) for c in found.factors} == {1.0}
    assert found.squared_norms.all[0] == 0
    zeros = (None, *(0 * Δ for Δ in deltas[1:]))
    of_zeros = as_numpy(q.clipped_sum(NET, cache, zeros, clip).sum)
    assert all(np.all(x == 0) for x in jax.tree.leaves(of_zeros))


@pytest.mark.parametrize("C", [1e-3, 0.5])
def test_no_example_moves_the_clipped_sum_by_more_than_its_norm(C: float) -> None:
    _, cache, _, deltas = example()
    found = q.clipped_sum(NET, cache, deltas, C)
    norms = np.sqrt(as_numpy(found.squared_norms.all))
    assert np.all(found.factors[0] * norms <= C * (1 + 1e-6))
    assert np.max(norms) > C


def test_the_cosines_of_an_example_without_delta_are_0() -> None:
    _, _, _, deltas = none_at_first()
    for found in as_numpy(q.cosines(deltas)):
        assert np.all(found[0] == 0)
        np.testing.assert_allclose(np.diag(found)[1:], 1, rtol=1e-6)


def test_signal_to_noise_of_what_no_example_has() -> None:
    """NaN for a weight of an input that is always 0, a number for the others"""
    params, cache, Y, _ = example()
    X = cache.A[0].at[0].set(0)
    cache = pure_nn.forward(NET, params, X)
    deltas = pure_nn.backward(NET, params, cache, Y)[1]
    found = as_numpy(q.signal_to_noise(NET, cache, deltas))
    assert np.all(np.isnan(found[0]["W"][:, 0]))
    assert np.all(np.isfinite(found[0]["W"][:, 1:]))


# the noise scale


def test_the_noise_scale_is_undefined_where_noise_is_all_there_is() -> None:
    _, cache, _, deltas = example()
    opposite = (None, *(Δ - jnp.mean(Δ, axis=1, keepdims=True) for Δ in deltas[1:]))
    same = pure_nn.Cache(cache.Z, tuple(jnp.ones_like(A) for A in cache.A))
    found = q.noise_scale(NET, same, opposite)
    assert float(found.squared_norm) < 0 < float(found.trace)
    assert np.isnan(found.ratio)
    assert np.isfinite(q.noise_scale(NET, cache, deltas).ratio)


def test_the_ratio_is_taken_of_means_and_step_by_step_is_undefined_by_itself() -> None:
    trace, squared_norm = jnp.asarray([2.0, 4.0, 6.0]), jnp.asarray([1.0, -0.5, 1.0])
    steps = q.NoiseScale(trace, squared_norm)
    np.testing.assert_array_equal(steps.ratio, [2, np.nan, 6])
    np.testing.assert_allclose(steps.mean().ratio, 8.0)


def test_two_batches_know_what_norms_are_made_of() -> None:
    """E‖g_B‖² = ‖G‖² + tr Σ/B"""
    trace, squared = 5.0, 2.0
    small, big = (jnp.asarray(squared + trace / B) for B in (4, 32))
    found = q.two_batch_noise_scale(small, big, 4, 32)
    np.testing.assert_allclose(found, (trace, squared), rtol=1e-5)
    assert not np.allclose(q.two_batch_noise_scale(small, big, 4, 16), (trace, squared), rtol=1e-2)


# 16 bits


def of_all(params: Any, cache: Any, Y: Any, deltas: Any) -> dict[str, Any]:
    of, with_params, V = (NET, cache, deltas), (NET, params, cache, Y), params
    return {
        "individual_gradients": q.individual_gradients(*of),
        "squared_norms": q.squared_norms(*of),
        "inner_products": q.inner_products(*of, V),
        "gram": q.gram(*of),
        "tangent_kernel": q.tangent_kernel(NET, params, cache),
        "clipped_sum": q.clipped_sum(*of, 0.5),
        "second_moment": q.second_moment(*of),
        "variance": q.variance(*of),
        "signal_to_noise": q.signal_to_noise(*of),
        "noise_scale": q.noise_scale(*of),
        "gauss_newton_diagonal": q.gauss_newton_diagonal(*with_params),
        "hessian_diagonal": q.hessian_diagonal(*with_params, deltas),
        "kronecker_factors": q.kronecker_factors(*with_params, key=jax.random.key(0)),
        "kfra_factors": q.kfra_factors(*with_params),
        "hessian_product": q.hessian_product(*with_params, deltas, V),
        "gauss_newton_product": q.gauss_newton_product(*with_params, V),
        "empirical_fisher_product": q.empirical_fisher_product(*of, V),
        "delta_rms": q.delta_rms(deltas),
        "delta_ratios": q.delta_ratios(deltas),
        "cosines": q.cosines(deltas),
        "stuck": q.stuck(NET, cache, 0.9),
        "alignment_angles": q.alignment_angles(*of, deltas),
    }


LOOSE = {
    "variance",
    "signal_to_noise",
    "noise_scale",
    "alignment_angles",
    "stuck",
}  # which cancel, or count


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_16_bits_give_float32(dtype: str) -> None:
    found = jax.eval_shape(of_all, *example(dtype))
    assert {str(x.dtype) for x in jax.tree.leaves(found)} == {"float32"}


def test_16_bits_lose_no_more_than_the_deltas_do() -> None:
    narrow = example("bfloat16")
    wide = jax.tree.map(lambda x: x.astype(jnp.float32), narrow)
    found, expected = (oracles.compiled(of_all)(*args) for args in (narrow, wide))
    off = {name: deviation(found[name], expected[name]) for name in found if name not in LOOSE}
    assert {name for name, x in off.items() if x > 1 / 32} == set()
    of_one_bit_less = jax.tree.map(lambda x: x * 17 / 16, expected["gram"])
    assert deviation(of_one_bit_less, expected["gram"]) > 1 / 32
