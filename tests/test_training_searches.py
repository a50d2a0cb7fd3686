"""Optimizers that look at the cost: what they are given, and that they need it."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest
from helpers import assert_same, deviation, example

import pure_nn
from pure_nn import training

KEY = jax.random.key(0)
SEARCHES: dict[str, Any] = {
    "reduce_on_plateau": optax.chain(optax.sgd(0.3), optax.contrib.reduce_on_plateau(patience=1)),
    "polyak_sgd": optax.polyak_sgd(),
    "backtracking": optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(5)),
    "lbfgs": optax.lbfgs(),
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", SEARCHES)
def test_a_run_follows_a_loop_of_optax(name: str) -> None:
    """Of which the searches differentiate the cost themselves"""
    net, params, X, Y = example()
    optimizer = SEARCHES[name]

    def J(params: Any) -> Any:
        return pure_nn.cost(net, params, X, Y, l2=0.1)

    @jax.jit
    def once(params: Any, state: Any) -> Any:
        cost, grads = jax.value_and_grad(J)(params)
        more = {"value": cost, "grad": grads, "value_fn": J}
        with jax.numpy_dtype_promotion("standard"):
            updates, state = optimizer.update(grads, state, params, **more)
        return optax.apply_updates(params, updates), state

    expected, state = params, optimizer.init(params)
    for _ in range(8):
        expected, state = once(expected, state)
    got, costs = training.fit(net, params, X, Y, optimizer=optimizer, epochs=8, l2=0.1)
    assert_same(got, expected, rtol=1e-9)
    assert costs[-1] < costs[0]
    assert deviation(got, params) > 0
    with (
        jax.numpy_dtype_promotion("standard"),
        pytest.raises(TypeError, match=r"required keyword-only argument.*value"),
    ):
        optimizer.update(params, state, params)


def noted() -> optax.GradientTransformationExtraArgs:
    """Goes nowhere, and keeps how far the cost that it is given is from its value"""

    def update(updates: Any, state: Any, params: Any = None, **more: Any) -> Any:
        found = jnp.stack([more["value_fn"](params), more["value"]])
        return jax.tree.map(jnp.zeros_like, updates), found

    return optax.GradientTransformationExtraArgs(lambda params: jnp.zeros(2), update)


def test_the_cost_is_that_of_the_same_batch_and_masks() -> None:
    net, params, X, Y = example(dtype="float32")
    net = pure_nn.Network(net.activations, net.loss, dropout=0.5)
    optimizer, found = noted(), []
    for i in range(3):
        _, state, _ = training.steps(
            *(net, jax.tree.map(jnp.copy, params), jnp.zeros(2), X, Y),
            optimizer=optimizer,
            batches=jnp.array([[i, i + 1]]),
            key=KEY,
            first=i,
            l2=0.1,
        )
        found.append(state)
    assert_same([x[0] for x in found], [x[1] for x in found], rtol=1e-6)
    assert deviation(found[0], found[1]) > 1e-3


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("B", [None, 2], ids=["full batch", "with a rest"])
def test_what_begins_as_infinite_is_no_fault(name: str, B: int | None) -> None:
    net, params, X, Y = example(dtype="float32")
    optimizer = SEARCHES[name]
    state = optimizer.init(params)
    asked: dict[str, Any] = {"optimizer": optimizer, "batch_size": B, "key": KEY}
    assert training.locate_nonfinite(net, params, state, X, Y, **asked) is None
    bad = jax.tree.map(lambda x: x.at[0, 0].set(jnp.nan), params)
    found = training.locate_nonfinite(net, bad, state, X, Y, **asked)
    assert found is not None
    assert (found.name, found.step) == ("W[1]", 0)
