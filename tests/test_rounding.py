"""16-bit arrays are computed in float32 and rounded once: within half a ULP of the exact value."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_jax, as_numpy

import pure_nn
from pure_nn import dense
from verify.errors import in_units, ulp

RNG = np.random.default_rng(0)
ONCE = 0.52  # half, and what float32 adds; rounded twice it would be up to one
half = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])


def positive(*shape: int) -> Any:
    """Nothing cancels, so that float32 is exact enough."""
    return RNG.uniform(0.5, 1, size=shape)


def off(got: Any, exact: Any, dtype: str) -> float:
    """The largest error in ULPs."""
    value = (np.asarray(exact, np.float64), np.zeros(np.shape(exact)))
    return float(np.max(in_units(got, value, ulp(value, dtype))))


@half
def test_forward(dtype: str) -> None:
    layer, X = as_jax(({"W": positive(5, 300), "b": positive(5, 1)}, positive(300, 40)), dtype)
    exact = as_numpy(layer)["W"] @ as_numpy(X) + as_numpy(layer)["b"]
    got = dense.forward(layer, X)
    assert got.dtype == dtype
    assert off(got, exact, dtype) <= ONCE
    twice = (layer["W"] @ X) + layer["b"]
    assert off(twice, exact, dtype) > ONCE


@half
def test_pull_and_sums_are_not_rounded_to_16_bits(dtype: str) -> None:
    layer, X, Δ = as_jax(
        ({"W": positive(5, 300), "b": positive(5, 1)}, positive(300, 40), 1000 * positive(5, 40)),
        dtype,
    )
    dA, sums = dense.pull(layer, Δ), dense.sums(X, Δ)
    W, x, δ = as_numpy((layer["W"], X, Δ))
    np.testing.assert_allclose(dA, W.T @ δ, rtol=1e-5)
    np.testing.assert_allclose(sums["W"], δ @ x.T, rtol=1e-5)
    np.testing.assert_allclose(sums["b"], δ.sum(axis=1, keepdims=True), rtol=1e-5)


@half
def test_backpropagate_rounds_each_delta_once(dtype: str) -> None:
    net = pure_nn.Network(("identity", "tanh", "sigmoid"))
    params = as_jax([{"W": positive(3, 3) / 9, "b": np.zeros((3, 1))} for _ in range(3)], dtype)
    cache = pure_nn.forward(net, params, as_jax(positive(3, 400), dtype))
    delta_L = as_jax(positive(3, 400), dtype)
    _, below, middle, top = pure_nn.backpropagate(net, params, cache, delta_L)
    (_, W2, W3), Z2 = as_numpy(([layer["W"] for layer in params], cache.Z[2]))
    assert top is delta_L
    assert off(middle, W3.T @ as_numpy(top) / np.cosh(Z2) ** 2, dtype) <= ONCE
    assert off(below, W2.T @ as_numpy(middle), dtype) <= ONCE


@half
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
def test_losses_and_their_deltas_are_those_of_Z_in_float32(
    output: str, loss: str, dtype: str
) -> None:
    """Not those of A, which is rounded."""
    net = pure_nn.Network((output,), loss)
    Z, Y = as_jax((RNG.normal(size=(3, 400)), positive(3, 400)), dtype)
    losses, deltas = of_output(net, Z, Y)
    wide_losses, wide_deltas = of_output(net, Z.astype("float32"), Y.astype("float32"))
    assert losses.tolist() == wide_losses.tolist()
    assert deltas.tolist() == wide_deltas.astype(dtype).tolist()


def of_output(net: pure_nn.Network, Z: Any, Y: Any) -> tuple[Any, Any]:
    """Every 𝓛, and Δ[L]."""
    g, loss = net.activations[0], net.loss
    return loss.value(Z, g.g(Z), Y, g), loss.delta(Z, g.g(Z), Y, g)


def test_a_sum_beyond_float16_has_a_mean_within_it() -> None:
    net = pure_nn.Network(("identity",))
    params = as_jax(({"W": np.ones((1, 1)), "b": np.zeros((1, 1))},), "float16")
    X, Y = as_jax((np.ones((1, 400)), np.full((1, 400), -399.0)), "float16")
    J, ((grad,)) = jax.jit(pure_nn.value_and_grad)(net, params, X, Y)
    assert (float(grad["W"][0, 0]), float(grad["b"][0, 0])) == (400, 400)
    assert float(J) == 80_000
    assert not jnp.isfinite(J.astype("float16"))
