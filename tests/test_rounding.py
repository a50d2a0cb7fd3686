"""16-bit arrays are computed in float32 and rounded once: the bits of float32, rounded."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_jax

import pure_nn
from pure_nn import dense

RNG = np.random.default_rng(0)
W, b, A = RNG.normal(size=(5, 300)), RNG.normal(size=(5, 1)), RNG.normal(size=(300, 40))
NET = pure_nn.Network(("identity", "tanh", "sigmoid"))
half = pytest.mark.parametrize("dtype", ["float16", "bfloat16"])


def layers(dtype: str) -> tuple[Any, Any, Any]:
    """The dense layer, its input and a Δ that a sum of 16 bits would lose or overflow."""
    Δ = 400 * RNG.uniform(0.5, 1, size=(5, 40))
    return as_jax(({"W": W, "b": b}, A, Δ), dtype)


def wide(tree: Any) -> Any:
    return jax.tree.map(lambda x: x.astype("float32"), tree)


def bits(tree: Any) -> list[Any]:
    return [np.asarray(x, np.float32).tolist() for x in jax.tree.leaves(tree)]


def rounded(tree: Any, dtype: str) -> list[Any]:
    return bits(jax.tree.map(lambda x: x.astype(dtype), tree))


@half
def test_forward(dtype: str) -> None:
    layer, X, _ = layers(dtype)
    assert dense.forward(layer, X).dtype == dtype
    assert bits(dense.forward(layer, X)) == rounded(dense.forward(wide(layer), wide(X)), dtype)


@half
def test_pull_and_sums_are_not_rounded_at_all(dtype: str) -> None:
    layer, X, Δ = layers(dtype)
    assert bits(dense.pull(layer, Δ)) == bits(dense.pull(wide(layer), wide(Δ)))
    assert bits(dense.sums(X, Δ)) == bits(dense.sums(wide(X), wide(Δ)))


@half
def test_backpropagate_rounds_each_delta_once(dtype: str) -> None:
    params = as_jax(
        [{"W": RNG.normal(size=(3, 3)), "b": np.zeros((3, 1))} for _ in range(3)], dtype
    )
    cache = pure_nn.forward(NET, params, as_jax(RNG.normal(size=(3, 8)), dtype))
    delta_L = as_jax(RNG.normal(size=(3, 8)), dtype)
    (_, *deltas) = pure_nn.backpropagate(NET, params, cache, delta_L)
    for l in (2, 1):
        dA = wide(params[l]["W"]).T @ wide(deltas[l])
        once = NET.activations[l - 1].pull(*wide((cache.Z[l], cache.A[l])), dA)
        assert bits(deltas[l - 1]) == rounded(once, dtype)


def test_a_sum_beyond_float16_has_a_mean_within_it() -> None:
    net = pure_nn.Network(("identity",))
    params = as_jax(({"W": np.ones((1, 1)), "b": np.zeros((1, 1))},), "float16")
    X, Y = as_jax((np.ones((1, 400)), np.full((1, 400), -399.0)), "float16")
    J, ((grad,)) = pure_nn.value_and_grad(net, params, X, Y)
    assert (float(grad["W"][0, 0]), float(grad["b"][0, 0])) == (400, 400)
    assert float(J) == 80_000
    assert not jnp.isfinite(400 * jnp.sum(jnp.ones(400, "float16")))
