"""An epoch takes the steps of a loop over batches in NumPy, the last batch with its own B."""

from typing import Any

import jax
import numpy as np
import numpy.typing as npt
import optax
import page
import pytest
from helpers import as_jax, as_numpy, assert_same, assert_values, deviation, example

import pure_nn
from pure_nn import training

pytestmark = pytest.mark.usefixtures("x64")
NAMES, LOSS = ("tanh", "sigmoid"), "cross_entropy"
M, RATE, DECAY = 7, 0.3, 0.9
KEY = jax.random.key(4)
MOMENTUM = optax.sgd(RATE, momentum=DECAY)
BATCH_SIZES = [1, 3, 4, 7]  # all but 1 and 7 leave a rest


def data() -> tuple[pure_nn.Network, Any, Any, Any]:
    return example("sigmoid", LOSS, L=2, B=M)


def loop(
    params: Any, velocity: Any, order: npt.ArrayLike, B: int, X: Any, Y: Any
) -> tuple[Any, Any, float]:
    """Momentum by hand over the batches of `order`, and the mean of the costs of the examples."""
    total = 0.0
    for i in np.split(np.asarray(order), range(B, M, B)):
        total += len(i) * page.cost(NAMES, LOSS, params, X[:, i], Y[:, i])
        grads = page.backward(NAMES, LOSS, params, X[:, i], Y[:, i], np.ones(len(i)))
        velocity = jax.tree.map(lambda v, g: DECAY * v + g, velocity, grads)
        params = jax.tree.map(lambda x, v: x - RATE * v, params, velocity)
    return params, velocity, total / M


@pytest.mark.parametrize("B", BATCH_SIZES)
def test_an_epoch_is_a_loop_over_batches(B: int) -> None:
    net, *arrays = data()
    params, X, Y = as_numpy(tuple(arrays))
    rest = jax.tree.map(np.zeros_like, params)
    expected, _, J = loop(params, rest, jax.random.permutation(KEY, M), B, X, Y)
    state = MOMENTUM.init(arrays[0])
    got, _, J_got = training.epoch(
        net, arrays[0], state, *arrays[1:], optimizer=MOMENTUM, batch_size=B, key=KEY
    )
    assert_values((got, J_got), (expected, np.float64(J)), rtol=1e-13)


@pytest.mark.parametrize("B", BATCH_SIZES)
def test_fit_is_epochs_in_the_orders_of_its_key(B: int) -> None:
    net, *arrays = data()
    params, X, Y = as_numpy(tuple(arrays))
    velocity, costs = jax.tree.map(np.zeros_like, params), []
    for i in (1, 2, 3):
        order = jax.random.permutation(jax.random.fold_in(KEY, i), M)
        params, velocity, J = loop(params, velocity, order, B, X, Y)
        costs.append(J)
    got = training.fit(net, *arrays, optimizer=MOMENTUM, batch_size=B, epochs=3, key=KEY)
    assert_values(tuple(got), (params, np.array(costs)), rtol=1e-12)


def test_another_order_would_be_noticed() -> None:
    _, *arrays = data()
    params, X, Y = as_numpy(tuple(arrays))
    expected, _, _ = loop(params, params, jax.random.permutation(KEY, M), 3, X, Y)
    other, _, _ = loop(params, params, jax.random.permutation(jax.random.key(5), M), 3, X, Y)
    assert deviation(other, expected) > 1e-3


def test_a_step_is_one_batch() -> None:
    net, params, X, Y = data()
    sgd, step = optax.sgd(RATE), jax.jit(training.step, static_argnames="optimizer")
    J, grads = jax.jit(pure_nn.value_and_grad)(net, params, X, Y)
    expected = jax.tree.map(lambda x, g: x - RATE * g, params, grads)
    got, _, J_got = step(net, params, sgd.init(params), X, Y, optimizer=sgd)
    assert_same((got, J_got), (expected, J), rtol=1e-15)


def test_structure_and_dtype_stay() -> None:
    net, *arrays = data()
    params, X, Y = as_jax((list(arrays[0]), *arrays[1:]), "bfloat16")
    adam = optax.adam(1e-3)
    got, _ = training.fit(net, params, X, Y, optimizer=adam, batch_size=3, epochs=2, key=KEY)
    assert str(jax.tree.structure(got)) == str(jax.tree.structure(params))
    assert {str(x.dtype) for x in jax.tree.leaves(got)} == {"bfloat16"}
