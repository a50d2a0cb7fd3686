"""To and from Equinox: the same outputs to rounding, and the same bits."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_jax, numpy_data, numpy_params

import pure_nn
from pure_nn import interop

eqx = pytest.importorskip("equinox")
SIZES = (3, 4, 4, 2)
NET = pure_nn.Network(("tanh", "tanh", "sigmoid"))
X = as_jax(numpy_data(SIZES, 6, "squared_error")[0], "float32")
OURS = as_jax(numpy_params(SIZES), "float32")


def mlp(**settings: Any) -> Any:
    key = jax.random.key(0)
    return eqx.nn.MLP(3, 2, 4, 2, jnp.tanh, jax.nn.sigmoid, key=key, **settings)


def sequential() -> Any:
    keys = jax.random.split(jax.random.key(1), 3)
    linear = [
        eqx.nn.Linear(*n, key=k) for n, k in zip(itertools.pairwise(SIZES), keys, strict=True)
    ]
    tanh, sigmoid = eqx.nn.Lambda(jnp.tanh), eqx.nn.Lambda(jax.nn.sigmoid)
    return eqx.nn.Sequential([linear[0], tanh, linear[1], tanh, linear[2], sigmoid])


def assert_same_outputs(model: Any, params: Any) -> None:
    rows = jax.vmap(model)(X.T)
    np.testing.assert_allclose(rows.T, pure_nn.predict(NET, params, X), rtol=2e-6)


@pytest.mark.parametrize("make", [mlp, sequential])
def test_same_outputs_both_ways(make: Any) -> None:
    model = make()
    assert_same_outputs(model, interop.from_equinox(model))
    replaced = interop.to_equinox(OURS, model)
    assert type(replaced) is type(model)
    assert_same_outputs(replaced, OURS)
    again = interop.from_equinox(replaced)
    assert all(map(np.array_equal, jax.tree.leaves(again), jax.tree.leaves(OURS)))


def test_without_bias() -> None:
    model = mlp(use_bias=False)
    params = interop.from_equinox(model)
    assert_same_outputs(model, params)
    same = interop.to_equinox(params, model)
    assert_same_outputs(same, params)
    with pytest.raises(ValueError, match=r"layers\[0\]\.bias: expected b = 0, as the layer has no"):
        interop.to_equinox(OURS, model)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (OURS[:2], r"params: expected 3 layers, as of the model, got 2"),
        (
            as_jax(numpy_params((3, 5, 4, 2)), "float32"),
            r"layers\[0\]\.weight: expected float32 of shape \(4, 3\), got .* \(5, 3\)",
        ),
        (as_jax(OURS, "float16"), r"layers\[0\]\.weight: expected float32 .* got float16"),
    ],
    ids=["fewer layers", "more units", "another dtype"],
)
def test_parameters_of_another_model(params: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        interop.to_equinox(params, mlp())


def test_other_models_are_refused() -> None:
    key = jax.random.key(0)
    with pytest.raises(
        TypeError, match=r"model: expected an MLP or a Sequential of Equinox, got L"
    ):
        interop.from_equinox(eqx.nn.Linear(3, 2, key=key))
    with pytest.raises(ValueError, match=r"layers\[0\]: expected an eqx\.nn\.Linear, got GRUCell"):
        interop.from_equinox(eqx.nn.Sequential([eqx.nn.GRUCell(3, 2, key=key)]))
    with pytest.raises(ValueError, match=r"layers\[0\]\.weight: expected \(outputs, inputs\)"):
        interop.from_equinox(eqx.nn.Sequential([eqx.nn.LayerNorm(3)]))
