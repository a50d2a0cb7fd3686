"""Where a run left the finite numbers: the first step, layer and quantity, by replaying it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import pure_nn
from pure_nn import training

pytestmark = pytest.mark.usefixtures("x64")
KEY = jax.random.key(2)
NET = pure_nn.Network(("tanh", "identity"))
SGD = optax.inject_hyperparams(optax.sgd)(0.01, momentum=0.9)
Arrays = dict[str, Any]


def arrays() -> Arrays:
    rng = np.random.default_rng(0)
    params = tuple(
        {"W": jnp.asarray(rng.normal(size=(n, m))), "b": jnp.zeros((n, 1))}
        for n, m in ((4, 3), (2, 4))
    )
    X, Y = jnp.asarray(rng.normal(size=(3, 6))), jnp.asarray(rng.normal(size=(2, 6)))
    return {"params": params, "state": SGD.init(params), "X": X, "Y": Y}


def located(given: Arrays) -> training.NonFinite | None:
    return training.locate_nonfinite(NET, **given, optimizer=SGD, batch_size=2, order=jnp.arange(6))


def entry(name: str, at: tuple[int, int], value: float) -> Callable[[Arrays], Arrays]:
    return lambda given: {**given, name: given[name].at[at].set(value)}


def weights(first: float, second: float) -> Callable[[Arrays], Arrays]:
    """Every weight of a layer"""

    def change(given: Arrays) -> Arrays:
        filled = [
            {**layer, "W": jnp.full_like(layer["W"], w)}
            for layer, w in zip(given["params"], (first, second), strict=True)
        ]
        return {**given, "params": tuple(filled)}

    return change


def scaled(name: str, scale: float) -> Callable[[Arrays], Arrays]:
    return lambda given: {**given, name: given[name] * scale}


def rate(value: float) -> Callable[[Arrays], Arrays]:
    def change(given: Arrays) -> Arrays:
        state = given["state"]
        rates = {**state.hyperparams, "learning_rate": jnp.asarray(value)}
        return {**given, "state": state._replace(hyperparams=rates)}

    return change


NAN, INF = float("nan"), float("inf")
BREAKS: dict[str, tuple[list[Callable[[Arrays], Arrays]], tuple[str, int | None, int, int]]] = {
    "X of example 3": ([entry("X", (1, 3), NAN)], ("X", 0, 2, 1)),
    "Y of example 5": ([entry("Y", (0, 5), -INF)], ("Y", 0, 3, 1)),
    "X before Y": ([entry("X", (1, 4), INF), entry("Y", (0, 5), NAN)], ("X", 0, 3, 1)),
    "a weight that is given": ([weights(1.0, NAN)], ("W[2]", 2, 0, 8)),
    "a rate that is given": (
        [rate(NAN)],
        ("optimizer state.hyperparams['learning_rate']", None, 0, 1),
    ),
    "Z[1]": ([weights(1e308, 1.0), scaled("X", 9.0)], ("Z[1]", 1, 1, 8)),
    "Z[2]": ([weights(1.0, 1e308), scaled("X", 9.0)], ("Z[2]", 2, 1, 4)),
    "J": ([weights(1.0, 1e200)], ("J", None, 1, 1)),
    "Δ[1]": ([weights(0.0, 1e160), scaled("Y", 1e150)], ("Δ[1]", 1, 1, 8)),
    "∂J/∂W[1]": (
        [weights(0.0, 1.0), scaled("X", 1e200), scaled("Y", 1e150)],
        ("∂J/∂W[1]", 1, 1, 12),
    ),
    "W[1] after a step": ([rate(1e308), scaled("Y", 1e3)], ("W[1]", 1, 1, 12)),
}


@pytest.mark.parametrize(("changes", "expected"), BREAKS.values(), ids=BREAKS)
def test_the_first_that_is_not_finite(
    changes: list[Callable[[Arrays], Arrays]], expected: tuple[str, int | None, int, int]
) -> None:
    given = arrays()
    for change in changes:
        given |= change(given)
    found = located(given)
    assert found is not None
    assert found[:4] == expected


def test_a_finite_epoch_has_none() -> None:
    given = arrays()
    assert located(given) is None
    assert bool(jnp.all(jnp.isfinite(given["params"][0]["W"]))), "given away"


def test_the_words() -> None:
    found = training.NonFinite("Z[2]", 2, 17, 3, 128)
    assert f"{found}" == "Z[2] at step 17 (3 of 128 entries)"
    assert found.where(epoch=3) == "Z[2] at step 17 of epoch 3 (3 of 128 entries)"


def test_steps_count_on_from_the_first() -> None:
    given = entry("X", (1, 3), NAN)(arrays())
    found = training.locate_nonfinite_step(
        NET, **given, optimizer=SGD, batches=jnp.arange(6).reshape(3, 2), first=20
    )
    assert found is not None
    assert (found.name, found.step) == ("X", 22)


def test_it_is_the_epoch_that_is_replayed() -> None:
    """With its order, its dropout and its last, smaller batch, in which it first shows."""
    net, sgd = pure_nn.Network(("relu", "identity"), dropout=0.5), optax.sgd(1e200)
    given = arrays()
    given["state"] = sgd.init(given["params"])
    copies, settings = jax.tree.map(jnp.copy, given), {"optimizer": sgd, "batch_size": 4}
    *_, bad = training.epoch(net, **copies, **settings, key=KEY, observe=bad_outputs)
    found = training.locate_nonfinite(net, **given, **settings, key=KEY)
    assert found is not None
    assert (found.name, found.step) == ("Z[2]", 2)
    assert [0, found.entries] == bad.tolist()
    assert 0 < found.entries < found.size


def bad_outputs(cache: Any, deltas: Any, grads: Any) -> Any:
    return jnp.sum(~jnp.isfinite(cache.Z[-1]))
