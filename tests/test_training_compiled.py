"""An epoch is one compiled program: one scan, nothing to the host, buffers used again."""

import importlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import as_numpy, assert_same, example
from jaxprs import primitives

from pure_nn import training

KEY = jax.random.key(0)
ADAM = optax.adam(1e-3)
HOST = {"pure_callback", "io_callback", "debug_callback", "device_put"}
OPTIMIZERS: dict[str, optax.GradientTransformation] = {
    "momentum": optax.sgd(0.1, momentum=0.9),
    "schedule": optax.adam(optax.cosine_decay_schedule(1e-3, 10)),
    "injected": optax.inject_hyperparams(optax.adam)(learning_rate=1e-3),
    "state is params": optax.GradientTransformation(lambda params: params, lambda g, s, p: (g, s)),
}


ARRAYS = example("softmax", "cross_entropy", L=1, dtype="float32")


def copied(tree: Any) -> Any:
    return jax.tree.map(jnp.copy, tree)


def compilations(optimizer: optax.GradientTransformation, *batch_sizes: int) -> int:
    """How many programs it takes to fit three epochs with each batch size in turn."""
    compiled: Any = importlib.import_module("pure_nn.training.fit")._epochs
    before = compiled._cache_size()
    for B in batch_sizes:
        training.fit(*ARRAYS, optimizer=optimizer, batch_size=B, epochs=3, key=KEY)
    return int(compiled._cache_size() - before)


@pytest.mark.parametrize("name", ["schedule", "injected"])
def test_compiled_once_for_all_epochs_and_fits(name: str) -> None:
    assert compilations(optax.chain(OPTIMIZERS[name]), 2, 2) == 1


def test_compiled_anew_for_another_batch_size() -> None:
    assert compilations(optax.chain(optax.sgd(0.1)), 2, 3, 2, 3) == 2


@pytest.mark.parametrize("B", [2, 5])
def test_one_scan_and_nothing_to_the_host(B: int) -> None:
    net, params, X, Y = ARRAYS

    def epoch(params: Any, state: Any, X: Any, Y: Any) -> Any:
        return training.epoch(net, params, state, X, Y, optimizer=ADAM, batch_size=B, key=KEY)

    found = list(primitives(jax.make_jaxpr(epoch)(params, ADAM.init(params), X, Y).jaxpr))
    assert found.count("scan") == 1
    assert not HOST & set(found)


def test_a_callback_would_be_found() -> None:
    def printing(x: Any) -> Any:
        jax.debug.callback(print, x)
        return x

    assert HOST & set(primitives(jax.make_jaxpr(printing)(1.0).jaxpr))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_epoch_uses_the_buffers_of_params_and_state_again(name: str) -> None:
    net, params, X, Y = ARRAYS
    optimizer = OPTIMIZERS[name]
    given = copied((params, optimizer.init(params)))
    training.epoch(net, given[0], given[1], X, Y, optimizer=optimizer, batch_size=2, key=KEY)
    assert all(x.is_deleted() for x in jax.tree.leaves(given))
    assert not X.is_deleted()
    assert not Y.is_deleted()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_leaves_the_params_of_its_caller(name: str) -> None:
    net, params, X, Y = ARRAYS
    before = as_numpy(params)
    training.fit(net, params, X, Y, optimizer=OPTIMIZERS[name], batch_size=2, epochs=2, key=KEY)
    assert_same(as_numpy(params), before, rtol=0)


def test_an_epoch_leaves_arrays_of_numpy() -> None:
    net, *arrays = ARRAYS
    params, X, Y = jax.tree.map(np.array, tuple(arrays))
    state = ADAM.init(params)
    training.epoch(net, params, state, X, Y, optimizer=ADAM, batch_size=2, key=KEY)
    assert_same((params, X, Y), jax.tree.map(np.array, tuple(arrays)), rtol=0)
