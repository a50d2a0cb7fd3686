"""Dropout by hand: the pull drops what forward dropped, and nothing is dropped without a key."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_same, deviation, example

import pure_nn
from pure_nn import dropout

KEY = jax.random.key(7)
RATES: dict[str, Any] = {"hidden": 0.4, "each": (0.2, 0.5, 0.3), "inputs alone": (0.5, 0.0, 0.0)}


def dropping(rates: Any, dtype: str = "float64") -> Any:
    net, params, X, Y = example("softmax", "squared_error", L=3, B=6, dtype=dtype)
    return pure_nn.Network(net.activations, net.loss, dropout=rates), params, X, Y


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
def test_gradients_are_those_of_the_cost_with_the_same_key(rates: Any) -> None:
    net, params, X, Y = dropping(rates)
    got = jax.jit(lambda p: pure_nn.value_and_grad(net, p, X, Y, key=KEY))(params)
    cost = jax.jit(jax.value_and_grad(lambda p: pure_nn.cost(net, p, X, Y, key=KEY)))
    assert_same(got, cost(params), rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_the_gradient_of_the_inputs_is_dropped_as_they_were() -> None:
    net, params, X, Y = dropping(RATES["each"])
    cache: Any = pure_nn.forward(net, params, X, key=KEY)
    _, deltas = pure_nn.backward(net, params, cache, Y)
    by_hand = pure_nn.input_gradient(net, params, deltas, masks=cache.D)
    losses = jax.grad(lambda X: jnp.sum(pure_nn.losses(net, params, X, Y, key=KEY)))
    assert_same(by_hand, losses(X), rtol=1e-14)
    assert deviation(pure_nn.input_gradient(net, params, deltas), by_hand) > 0.1


@pytest.mark.usefixtures("x64")
def test_a_backward_pass_without_the_masks_would_be_found() -> None:
    net, params, X, Y = dropping(RATES["hidden"])
    cache: Any = pure_nn.forward(net, params, X, key=KEY)
    grads, _ = pure_nn.backward(net, params, cache, Y)
    forgotten, _ = pure_nn.backward(net, params, pure_nn.Cache(cache.Z, cache.A), Y)
    assert deviation(forgotten, grads) > 0.1


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", [bool, int, float])
def test_masks_may_be_given(kind: type) -> None:
    net, params, X, Y = dropping(RATES["hidden"])
    cache: Any = pure_nn.forward(net, params, X, key=KEY)
    masks: Any = tuple(None if D is None else np.asarray(D, kind) for D in cache.D)
    assert_same(
        pure_nn.value_and_grad(net, params, X, Y, masks=masks),
        pure_nn.value_and_grad(net, params, X, Y, key=KEY),
        rtol=0,
    )


def test_nothing_is_dropped_without_a_key() -> None:
    net, params, X, Y = dropping(RATES["each"], "float32")
    plain = pure_nn.Network(net.activations, net.loss)
    assert isinstance(pure_nn.forward(net, params, X), pure_nn.Cache)
    assert not isinstance(pure_nn.forward(net, params, X), pure_nn.DropoutCache)
    programs = [
        str(jax.make_jaxpr(lambda p, net=net: pure_nn.value_and_grad(net, p, X, Y))(params))
        for net in (net, plain)
    ]
    assert programs[0] == programs[1]
    with_key = jax.make_jaxpr(lambda p: pure_nn.value_and_grad(net, p, X, Y, key=KEY))(params)
    assert str(with_key) != programs[0]


def test_a_dropout_cache_is_a_cache() -> None:
    net, params, X, _ = dropping(RATES["hidden"], "float32")
    cache: Any = jax.jit(lambda X: pure_nn.forward(net, params, X, key=KEY))(X)
    Z, A = cache
    assert (Z, A) == (cache.Z, cache.A)
    assert [D is None for D in cache.D] == [True, False, False]
    assert_same(jax.tree.map(jnp.copy, cache.A), cache.A, rtol=0)
    assert "D=" in repr(cache)


def test_a_share_of_units_is_dropped_and_the_mean_stays() -> None:
    """Of n = 40,000 with p = ¼: n(1 − p) are kept, within 5 standard deviations √(np(1 − p))."""
    (D,) = dropout.draw((0.25,), (100,), 400, KEY)
    assert D is not None
    assert abs(int(D.sum()) - 30_000) <= 5 * np.sqrt(40_000 * 0.25 * 0.75)
    A = dropout.forward(0.25, D, jnp.ones(D.shape))
    assert set(np.unique(A).tolist()) == {0.0, np.float32(4 / 3)}


def test_layers_and_keys_draw_apart() -> None:
    first, second = dropout.draw((0.5, 0.5), (8, 8), 8, KEY)
    (other,) = dropout.draw((0.5,), (8,), 8, jax.random.key(8))
    assert first is not None
    assert second is not None
    assert other is not None
    assert (first != second).any()
    assert (first != other).any()


def test_16_bit_types_are_rounded_once() -> None:
    """1/(1 − 0.1) in bfloat16 is off by 0.16 %, which every kept unit would be."""
    A = jnp.linspace(0.5, 2.0, 64, dtype="bfloat16").reshape(1, 64)
    got = dropout.forward(0.1, jnp.ones(A.shape, bool), A)
    exact = np.asarray(A, np.float64) / 0.9
    assert np.max(np.abs(np.asarray(got, np.float64) / exact - 1)) <= 2.0**-8


def cost(rates: Any, **drop: Any) -> Any:
    return pure_nn.cost(*dropping(rates, "float32"), **drop)


REFUSED: dict[str, tuple[type[Exception], Any, str]] = {
    "keep nothing": (ValueError, lambda: pure_nn.Network(("relu", "softmax"), dropout=1), "in [0"),
    "a rate too many": (
        ValueError,
        lambda: pure_nn.Network(("softmax",), dropout=(0.1, 0.2)),
        "the output A[1] is not dropped",
    ),
    "seed for key": (
        TypeError,
        lambda: cost(0.5, key=0),
        "key: expected a key, as from jax.random.key(0), got int",
    ),
    "both": (
        ValueError,
        lambda: cost(0.5, key=KEY, masks=(None,) * 3),
        "or the masks, got both",
    ),
    "one mask": (
        ValueError,
        lambda: cost(0.5, masks=(None,)),
        "masks: expected 3 entries, one for each of A[0] … A[2]",
    ),
    "turned": (
        ValueError,
        lambda: cost(0.5, masks=(None, np.ones((6, 5)), None)),
        "masks[1]: expected the shape of what it masks, (5, 6), got (6, 5)",
    ),
    "scaled already": (
        ValueError,
        lambda: cost(0.5, masks=(None, 2 * np.ones((5, 6)), None)),
        "masks[1]: expected 1 where a unit is kept and 0 elsewhere",
    ),
    "nothing to drop": (
        ValueError,
        lambda: cost(0.0, masks=(None, np.ones((5, 6)), None)),
        "Network(activations, dropout=1 - keep_prob)",
    ),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    error, call, message = REFUSED[name]
    with pytest.raises(error, match=re.escape(message)):
        call()
