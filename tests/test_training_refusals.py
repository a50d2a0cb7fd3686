"""What training refuses, and what it says."""

import re
from typing import Any

import jax
import numpy as np
import optax
import pytest
from helpers import example

from pure_nn import training

pytestmark = pytest.mark.usefixtures("as_installed")
SGD = optax.sgd(0.1)
GOOD: dict[str, Any] = {"optimizer": SGD, "batch_size": 2, "epochs": 1, "key": jax.random.key(0)}
EPOCH: dict[str, Any] = {name: GOOD[name] for name in ("optimizer", "batch_size", "key")}
REFUSED: list[tuple[str, Any, str]] = [
    ("batch_size", 0, "batch_size: expected an integer from 1 to 5, the examples of X, got 0"),
    ("batch_size", 6, "batch_size: expected an integer from 1 to 5, the examples of X, got 6"),
    ("batch_size", -1, "batch_size: expected an integer from 1 to 5, the examples of X, got -1"),
    ("batch_size", 2.0, "batch_size: expected an integer from 1 to 5, the examples of X, got 2.0"),
    ("epochs", 0, "epochs: expected an integer from 1 on, got 0"),
    ("epochs", 1.5, "epochs: expected an integer from 1 on, got 1.5"),
]


def refuse(error: type[Exception], message: str) -> Any:
    return pytest.raises(error, match=re.escape(message))


@pytest.mark.parametrize(
    ("name", "value", "message"), REFUSED, ids=[f"{name}={value}" for name, value, _ in REFUSED]
)
def test_fit_refuses(name: str, value: Any, message: str) -> None:
    with refuse(ValueError, message):
        training.fit(*example(dtype="float32"), **GOOD | {name: value})


@pytest.mark.parametrize("batch_size", [0, 6, 2.0])
def test_an_epoch_refuses(batch_size: Any) -> None:
    net, params, X, Y = example(dtype="float32")
    with refuse(ValueError, "batch_size: expected an integer from 1 to 5, the examples of X, got"):
        training.epoch(net, params, SGD.init(params), X, Y, **EPOCH | {"batch_size": batch_size})


@pytest.mark.parametrize("optimizer", [optax.adam, 1e-3, None], ids=["maker", "rate", "None"])
def test_an_optimizer_of_another_kind(optimizer: Any) -> None:
    net, params, X, Y = example(dtype="float32")
    message = "optimizer: expected an optax.GradientTransformation, such as"
    with refuse(TypeError, message):
        training.fit(net, params, X, Y, **GOOD | {"optimizer": optimizer})
    with refuse(TypeError, message):
        training.epoch(net, params, (), X, Y, **EPOCH | {"optimizer": optimizer})
    with refuse(TypeError, message):
        training.step(net, params, (), X, Y, optimizer=optimizer)


def test_the_border_is_that_of_pure_nn() -> None:
    net, params, X, Y = example(dtype="float32")
    wide: Any = np.asarray(X, np.float64)
    with refuse(ValueError, "the examples are in its rows: pass X.T"):
        training.fit(net, params, X.T, Y, **GOOD)
    with refuse(ValueError, "params: expected 2 layers"):
        training.step(net, params[:1], SGD.init(params), X, Y, optimizer=SGD)
    with refuse(TypeError, "X: got float64 while JAX is limited to 32 bits; compute in"):
        training.epoch(net, params, SGD.init(params), wide, Y, **EPOCH)


def test_the_good_settings_are_good() -> None:
    _, costs = training.fit(*example(dtype="float32"), **GOOD)
    assert np.isfinite(costs).all()
