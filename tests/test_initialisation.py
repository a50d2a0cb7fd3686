"""Initial parameters: Gaussian W with the variance of its scheme, b = 0, all from explicit keys."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pure_nn

SIZES = (200, 500, 50, 400)
N = [500 * 200, 50 * 500, 400 * 50]
SCHEMES: dict[str, tuple[dict[str, Any], list[float]]] = {
    "normal": ({}, [1e-4, 1e-4, 1e-4]),
    "normal with scale=0.5": ({"scale": 0.5}, [0.25, 0.25, 0.25]),
    "he": ({}, [2 / 200, 2 / 500, 2 / 50]),
    "xavier": ({}, [2 / 700, 2 / 550, 2 / 450]),
    "xavier_fan_in": ({}, [1 / 200, 1 / 500, 1 / 50]),
}


def draw(name: str, seed: int = 0, **options: Any) -> Any:
    return pure_nn.init(jax.random.key(seed), SIZES, name.split()[0], **options)


def distance_from_gaussian(sample: Any) -> float:
    """Kolmogorov and Smirnov's: the largest gap between the two distribution functions."""
    z = np.sort(np.ravel(sample).astype(np.float64))
    gaussian = np.asarray(jax.scipy.special.ndtr(jnp.asarray(z, jnp.float32)), np.float64)
    return float(np.max(np.abs(gaussian - np.arange(len(z)) / len(z))))


@pytest.mark.parametrize("name", SCHEMES)
def test_variance_and_distribution(name: str) -> None:
    """Six standard errors of a variance, √(2/N); 1.95/√N is exceeded once in a thousand."""
    options, variances = SCHEMES[name]
    for layer, variance, n in zip(draw(name, **options), variances, N, strict=True):
        W = np.asarray(layer["W"], np.float64)
        assert np.var(W) == pytest.approx(variance, rel=6 * math.sqrt(2 / n))
        assert abs(np.mean(W)) <= 6 * math.sqrt(variance / n)
        assert distance_from_gaussian(W / math.sqrt(variance)) <= 1.95 / math.sqrt(n)


@pytest.mark.parametrize("lower", [-2, -4])
def test_another_distribution_would_be_found(lower: float) -> None:
    """A normal cut at two standard deviations, and a skew one."""
    sample = jax.random.truncated_normal(jax.random.key(0), lower, 2, (N[0],))
    assert distance_from_gaussian(sample / jnp.std(sample)) > 1.95 / math.sqrt(N[0])


@pytest.mark.parametrize("name", SCHEMES)
def test_shapes_and_biases(name: str) -> None:
    params = draw(name)
    assert isinstance(params, tuple)
    assert [layer["W"].shape for layer in params] == [(500, 200), (50, 500), (400, 50)]
    assert [layer["b"].shape for layer in params] == [(500, 1), (50, 1), (400, 1)]
    assert not any(np.any(layer["b"]) for layer in params)


def test_he_is_the_default() -> None:
    for default, he in zip(pure_nn.init(jax.random.key(0), SIZES), draw("he"), strict=True):
        np.testing.assert_array_equal(default["W"], he["W"])


@pytest.mark.parametrize("name", SCHEMES)
def test_the_key_decides_every_bit(name: str) -> None:
    first, again, other = (draw(name, seed)[0]["W"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.mean(first == other) < 0.01


def test_layers_of_one_shape_differ() -> None:
    first, second, third = pure_nn.init(jax.random.key(0), (30, 30, 30, 30), "normal")
    assert not np.any(first["W"] == second["W"])
    assert not np.any(second["W"] == third["W"])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", jnp.bfloat16, np.float32])
def test_dtype(dtype: Any) -> None:
    params = pure_nn.init(jax.random.key(0), (3, 4, 2), dtype=dtype)
    assert {x.dtype for x in jax.tree.leaves(params)} == {np.dtype(dtype)}


def test_the_default_dtype_is_that_of_jax() -> None:
    sizes, key = (3, 4, 2), jax.random.key(0)
    assert {x.dtype for x in jax.tree.leaves(pure_nn.init(key, sizes))} == {np.dtype("float32")}
    with jax.enable_x64(True):
        assert {x.dtype for x in jax.tree.leaves(pure_nn.init(key, sizes))} == {np.dtype("float64")}


def test_under_jit_and_vmap() -> None:
    keys = jax.random.split(jax.random.key(0), 3)
    ensemble = jax.jit(jax.vmap(lambda key: pure_nn.init(key, (3, 4, 2))))(keys)
    for k, key in enumerate(keys):
        alone = pure_nn.init(key, (3, 4, 2))
        np.testing.assert_allclose(ensemble[1]["W"][k], alone[1]["W"], rtol=1e-6)
