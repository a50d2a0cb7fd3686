"""An epoch stays on the device, and new values of the same shapes compile nothing."""

import functools
import re
from collections.abc import Callable
from typing import Any

import counting
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from counting import compilations
from helpers import example

from pure_nn import training

NET, *ARRAYS = example("softmax", "cross_entropy", L=3, B=8, dtype="float32")
KEY = jax.random.key(0)
SGD = optax.sgd(0.1)
TO_THE_HOST = re.compile(r" (?:infeed|outfeed|send|recv|custom-call)(?:-start|-done)?\(")


def epoch(params: Any, X: Any, Y: Any, optimizer: Any = SGD, **settings: Any) -> Any:
    by = {"optimizer": optimizer, "batch_size": 3, "key": KEY} | settings
    return training.epoch(NET, params, optimizer.init(params), X, Y, **by)


def committed() -> Any:
    """Copies, as an epoch uses the buffers of params again"""
    return jax.device_put(jax.tree.map(jnp.copy, tuple(ARRAYS)), jax.devices()[0])


def others() -> Any:
    return jax.tree.map(lambda x: x / 2, committed())


# nothing to the host


@pytest.mark.parametrize("optimizer", [SGD, optax.adam(1e-3)], ids=["sgd", "adam"])
def test_the_compiled_epoch_calls_nothing_outside(optimizer: Any) -> None:
    program = functools.partial(epoch, optimizer=optimizer)
    text = counting.counts(program, *ARRAYS).text
    assert " while(" in text
    assert not TO_THE_HOST.findall(text)


def test_a_callback_inside_would_be_found() -> None:
    def told(cache: Any, deltas: Any, grads: Any) -> Any:
        norm = jnp.sum(deltas[1])
        return jax.pure_callback(np.asarray, jax.ShapeDtypeStruct((), norm.dtype), norm)

    text = counting.counts(functools.partial(epoch, observe=told), *ARRAYS).text
    assert TO_THE_HOST.findall(text)


def test_an_epoch_moves_nothing_to_or_from_the_device() -> None:
    params, X, Y = committed()
    state = SGD.init(params)
    with jax.transfer_guard("disallow"):
        found = training.epoch(NET, params, state, X, Y, optimizer=SGD, batch_size=3, key=KEY)
        jax.block_until_ready(found)
    assert np.isfinite(found[-1])


def test_arrays_of_numpy_would_be_refused() -> None:
    params, X, Y = committed()
    with (
        pytest.raises(jax.errors.JaxRuntimeError, match="Disallowed host-to-device transfer"),
        jax.transfer_guard("disallow"),
    ):
        epoch(params, np.asarray(X), Y)


# one program for all values


def compiled_step() -> Callable[..., Any]:
    """Compiled for nobody yet"""
    step: Any = jax.jit(
        lambda *arrays, optimizer, l2: training.step(NET, *arrays, optimizer=optimizer, l2=l2),
        static_argnames=("optimizer", "l2"),
    )
    return lambda params, X, Y, l2=0.0: step(params, SGD.init(params), X, Y, optimizer=SGD, l2=l2)


def fresh_epoch() -> Callable[..., Any]:
    return functools.partial(epoch, optimizer=optax.chain(SGD))


ONCE: dict[str, Callable[[], Callable[..., Any]]] = {"step": compiled_step, "epoch": fresh_epoch}


@pytest.mark.parametrize("name", ONCE)
def test_compiled_once_for_all_values(name: str) -> None:
    run, arrays, other = ONCE[name](), committed(), others()
    assert compilations(lambda: run(*arrays)) == 1
    assert compilations(lambda: run(*other)) == 0


@pytest.mark.parametrize("name", ONCE)
def test_another_number_in_python_would_be_counted(name: str) -> None:
    run, arrays, other = ONCE[name](), committed(), others()
    assert compilations(lambda: run(*arrays, l2=0.1)) == 1
    assert compilations(lambda: run(*other, l2=0.2)) == 1


@pytest.mark.parametrize("name", ONCE)
def test_another_shape_would_be_counted(name: str) -> None:
    run, arrays = ONCE[name](), committed()
    params, X, Y = others()
    assert compilations(lambda: run(*arrays)) == 1
    fewer = jax.block_until_ready((X[:, :7], Y[:, :7]))
    assert compilations(lambda: run(params, *fewer)) == 1
