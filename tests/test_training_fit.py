"""The same key gives the same bits, and the caller hears of every epoch."""

from typing import Any

import jax
import numpy as np
import optax
from helpers import as_numpy, assert_same, deviation, example

from pure_nn import training

ADAM = optax.adam(1e-2)


def fit(seed: int, epochs: int = 3, **others: Any) -> Any:
    net, params, X, Y = example(dtype="float32")
    key = jax.random.key(seed)
    return training.fit(
        net, params, X, Y, optimizer=ADAM, batch_size=2, epochs=epochs, key=key, **others
    )


def test_the_same_key_gives_the_same_bits() -> None:
    assert_same(fit(0), fit(0), rtol=0)


def test_another_key_gives_other_bits() -> None:
    assert deviation(fit(1), fit(0)) > 1e-5


def test_more_epochs_go_on_from_fewer() -> None:
    (_, few), (_, more) = fit(0, epochs=2), fit(0, epochs=4)
    assert more[:2].tolist() == few.tolist()


def test_every_epoch_is_reported_with_its_params_and_cost() -> None:
    heard = []

    def hear(now: training.Progress) -> None:
        heard.append((now.epoch, as_numpy(now.params), float(now.cost)))

    params, costs = fit(0, after_epoch=hear)
    assert [i for i, _, _ in heard] == [1, 2, 3]
    assert [J for _, _, J in heard] == costs.tolist()
    assert_same(heard[-1][1], as_numpy(params), rtol=0)
    assert deviation(heard[0][1], heard[1][1]) > 0


def test_the_cost_falls() -> None:
    _, costs = fit(0, epochs=60)
    assert np.isfinite(costs).all()
    assert costs[-1] < 0.99 * costs[0]


def test_targets_may_be_booleans() -> None:
    net, params, X, Y = example(dtype="float32")
    settings: Any = {"optimizer": ADAM, "batch_size": 2, "epochs": 1, "key": jax.random.key(0)}
    by_bits = training.fit(net, params, X, Y > 0.5, **settings)
    by_floats = training.fit(net, params, X, (Y > 0.5).astype(Y.dtype), **settings)
    assert_same(by_bits, by_floats, rtol=0)
