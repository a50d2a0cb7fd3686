"""To and from Flax, linen and NNX: the same outputs to rounding, and the same bits."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_jax, numpy_data, numpy_params

import pure_nn
from pure_nn import interop

pytest.importorskip("flax")
from flax import linen, nnx

SIZES = (3, 5, 2)
NET = pure_nn.Network(("tanh", "sigmoid"))
X = as_jax(numpy_data(SIZES, 6, "squared_error")[0], "float32")
OURS = as_jax(numpy_params(SIZES), "float32")


class Linen(linen.Module):
    """Dense_0, Dense_1, or names of their own"""

    names: tuple[str | None, ...] = (None, None)

    @linen.compact
    def __call__(self, x: Any) -> Any:
        x = jnp.tanh(linen.Dense(SIZES[1], name=self.names[0])(x))
        return linen.sigmoid(linen.Dense(SIZES[2], name=self.names[1])(x))


def sequential(use_bias: bool = True) -> Any:
    first = nnx.Linear(3, 5, use_bias=use_bias, rngs=nnx.Rngs(0))
    second = nnx.Linear(5, 2, use_bias=use_bias, rngs=nnx.Rngs(1))
    return nnx.Sequential(first, jnp.tanh, second, nnx.sigmoid)


def assert_same_outputs(rows: Any, params: Any) -> None:
    np.testing.assert_allclose(rows.T, pure_nn.predict(NET, params, X), rtol=2e-6)


def assert_same_bits(got: Any, expected: Any) -> None:
    assert str(jax.tree.structure(got)) == str(jax.tree.structure(expected))
    assert all(map(np.array_equal, jax.tree.leaves(got), jax.tree.leaves(expected)))


def test_linen() -> None:
    variables = Linen().init(jax.random.key(0), X.T)
    assert_same_outputs(Linen().apply(variables, X.T), interop.from_flax(variables))
    assert_same_outputs(Linen().apply(interop.to_flax(OURS), X.T), OURS)
    assert_same_bits(interop.from_flax(interop.to_flax(OURS)), OURS)
    assert_same_bits(interop.from_flax(interop.to_flax(OURS)["params"]), OURS)


def test_linen_with_names_of_its_own() -> None:
    """A mapping of JAX's comes sorted, so that the order has to be said."""
    model, layers = Linen(("hidden", "a")), ("params.hidden", "params.a")
    variables = jax.tree.map(jnp.asarray, model.init(jax.random.key(0), X.T))
    assert list(variables["params"]) == ["a", "hidden"]
    assert_same_outputs(model.apply(variables, X.T), interop.from_flax(variables, layers=layers))
    assert_same_outputs(model.apply(interop.to_flax(OURS, layers=layers), X.T), OURS)
    with pytest.raises(ValueError, match=r"as in layers=\('params\.a', 'params\.hidden'\)"):
        interop.from_flax(variables)


@pytest.mark.parametrize("use_bias", [True, False])
def test_nnx(use_bias: bool) -> None:
    model = sequential(use_bias)
    assert_same_outputs(model(X.T), interop.from_flax(nnx.state(model, nnx.Param)))
    pure = nnx.to_pure_dict(nnx.state(model, nnx.Param))
    assert_same_outputs(model(X.T), interop.from_flax(pure))


def test_into_nnx() -> None:
    model, layers = sequential(), ("layers.0", "layers.2")
    nnx.update(model, interop.to_flax(OURS, layers=layers))
    assert_same_outputs(model(X.T), OURS)
    assert_same_bits(interop.from_flax(nnx.state(model, nnx.Param)), OURS)
