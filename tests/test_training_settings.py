"""What training may be told: orders, what to observe, when to stop, and a dtype to compute in."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import as_jax, as_numpy, assert_same, assert_values, deviation, example

import pure_nn
from pure_nn import training
from pure_nn.training.update import How, update

SGD = optax.sgd(0.3)
KEY = jax.random.key(0)
M = 5


def fit(epochs: int = 4, **settings: Any) -> training.Fitted:
    net, params, X, Y = example(dtype="float32")
    return training.fit(net, params, X, Y, optimizer=SGD, epochs=epochs, **settings)


def norms(cache: Any, deltas: Any, grads: Any) -> Any:
    return [jnp.linalg.norm(Δ) for Δ in deltas[1:]]


@pytest.mark.usefixtures("x64")
def test_full_batch_runs_follow_a_loop_of_value_and_grad() -> None:
    net, params, X, Y = example()
    differentiate = jax.jit(lambda p: pure_nn.value_and_grad(net, p, X, Y, l2=0.1))
    expected, costs = params, []
    for _ in range(50):
        J, grads = differentiate(expected)
        expected = jax.tree.map(lambda p, g: p - 0.3 * g, expected, grads)
        costs.append(J)
    got = training.fit(net, params, X, Y, optimizer=SGD, epochs=50, l2=0.1)
    assert_same(tuple(got), (expected, jnp.stack(costs)), rtol=1e-13)


@pytest.mark.parametrize("B", [None, 2], ids=["full batch", "with a rest"])
def test_calls_do_not_change_a_bit(B: int | None) -> None:
    at_once = fit(batch_size=B, key=KEY)
    assert_same(fit(batch_size=B, key=KEY, after_epoch=print), at_once, rtol=0)
    assert_same(fit(batch_size=B, key=KEY, after_epoch=print, every=3), at_once, rtol=0)


def test_given_orders_are_followed() -> None:
    orders = np.stack([np.random.default_rng(i).permutation(M) for i in range(4)])
    keys = [jax.random.fold_in(KEY, i) for i in range(1, 5)]
    shuffled = np.stack([jax.random.permutation(key, M) for key in keys])
    assert_same(fit(batch_size=2, orders=jnp.asarray(shuffled)), fit(batch_size=2, key=KEY), rtol=0)
    assert deviation(fit(batch_size=2, orders=jnp.asarray(orders)), fit(batch_size=2, key=KEY)) > 0


def test_steps_over_slices_of_the_order_are_an_epoch() -> None:
    net, params, X, Y = example(dtype="float32")
    order = jax.random.permutation(KEY, M)
    state = SGD.init(params)
    p, _, J = training.epoch(
        net, jax.tree.map(jnp.copy, params), state, X, Y, optimizer=SGD, batch_size=2, key=KEY
    )
    q, t, first = training.steps(
        net, params, state, X, Y, optimizer=SGD, batches=order[:4].reshape(2, 2)
    )
    q, t, last = training.steps(net, q, t, X, Y, optimizer=SGD, batches=order[None, 4:])
    assert_same(q, p, rtol=0)
    assert float(J) == pytest.approx(float(2 * first.sum() + last.sum()) / M, rel=1e-6)


def test_steps_drop_by_their_number() -> None:
    net, params, X, Y = example(dtype="float32")
    net = pure_nn.Network(net.activations, net.loss, dropout=0.5)
    batches = jnp.arange(4).reshape(2, 2)
    settings: Any = {"optimizer": SGD, "key": KEY}
    p, s = jax.tree.map(jnp.copy, params), SGD.init(params)
    p, s, _ = training.steps(net, p, s, X, Y, batches=batches[:1], **settings)
    p, s, _ = training.steps(net, p, s, X, Y, batches=batches[1:], first=1, **settings)
    together, *_ = training.steps(
        net, jax.tree.map(jnp.copy, params), SGD.init(params), X, Y, batches=batches, **settings
    )
    assert_same(p, together, rtol=0)
    again, *_ = training.steps(net, params, SGD.init(params), X, Y, batches=batches[:1], **settings)
    assert deviation(again, together) > 0


def test_the_program_is_the_one_without_what_is_not_asked_for() -> None:
    net, params, X, Y = example(dtype="float32")

    def by_hand(carry: Any, X: Any, Y: Any) -> Any:
        params, state = carry
        J, grads = pure_nn.value_and_grad(net, params, X, Y)
        updates, state = SGD.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), (J, None)

    def trained(how: How) -> Any:
        return lambda carry, X, Y: update(how, carry, X, Y, None)

    programs = [
        str(jax.make_jaxpr(f)((params, SGD.init(params)), X, Y))
        for f in (by_hand, trained(How(net, SGD)), trained(How(net, SGD, observe=norms)))
    ]
    assert programs[0] == programs[1] != programs[2]


@pytest.mark.parametrize("B", [None, 2], ids=["full batch", "with a rest"])
def test_what_is_observed_is_seen_at_every_step(B: int | None) -> None:
    net, params, X, Y = example(dtype="float32")
    seen: list[Any] = []
    got = fit(batch_size=B, key=KEY, observe=norms, after_epoch=lambda now: seen.append(now))
    assert_same(got, fit(batch_size=B, key=KEY), rtol=0)
    steps = 1 if B is None else 3
    assert [[x.shape for x in now.observed] for now in seen] == [[(steps,), (steps,)]] * 4
    batch = slice(None) if B is None else jax.random.permutation(jax.random.fold_in(KEY, 1), M)[:2]
    cache = pure_nn.forward(net, params, X[:, batch])
    _, deltas = pure_nn.backward(net, params, cache, Y[:, batch])
    first = [x[0] for x in seen[0].observed]
    assert_same(first, norms(cache, deltas, None), rtol=1e-6)


def test_a_caller_ends_the_run() -> None:
    _, costs = fit(after_epoch=lambda now: now.epoch == 2)
    assert costs.shape == (2,)


def test_patience_keeps_the_best() -> None:
    """Of targets that are the opposite, updates soon make it worse."""
    _, _, X, Y = example(dtype="float32")
    found: list[float] = []

    def note(now: training.Progress) -> None:
        assert now.validation is not None
        found.append(float(now.validation.cost))

    got, costs = fit(epochs=20, validation=(X, 1 - Y), patience=3, after_epoch=note)
    best = int(np.argmin(found)) + 1
    assert len(costs) == len(found) == best + 3
    assert_same(got, fit(epochs=best)[0], rtol=0)


def test_a_run_that_goes_on_improving_is_not_stopped() -> None:
    _, _, X, Y = example(dtype="float32")
    got, costs = fit(epochs=9, validation=(X, Y), patience=1)
    assert costs.shape == (9,)
    assert_same(got, fit(epochs=9)[0], rtol=0)


def test_evaluate_counts_columns_whose_largest_is_right() -> None:
    net = pure_nn.Network(("softmax",))
    params = as_jax(({"W": np.eye(3), "b": np.zeros((3, 1))},), "float32")
    X = as_jax(np.array([[2, 0, 1], [1, 1, 0], [0, 2, 3]]), "float32")
    Y = as_jax(np.eye(3), "float32")
    found = training.evaluate(net, params, X, Y)
    assert float(found.accuracy) == np.float32(2 / 3)
    assert_values(found.cost, pure_nn.cost(net, params, X, Y), rtol=1e-7)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_updates_keep_what_the_lower_dtype_would_lose(dtype: Any) -> None:
    """An update of 2⁻¹² of a weight vanishes in bfloat16, and in float16 at its half."""
    net, params, X, Y = example(dtype="float32")
    tiny = optax.sgd(1e-4)
    got, costs = training.fit(net, params, X, Y, optimizer=tiny, epochs=20, compute_dtype=dtype)
    full, _ = training.fit(net, params, X, Y, optimizer=tiny, epochs=20)
    moved = jax.tree.map(lambda a, b: a - b, got, params)
    expected = jax.tree.map(lambda a, b: a - b, full, params)
    assert {str(x.dtype) for x in jax.tree.leaves((got, costs))} == {"float32"}
    assert deviation(moved, expected) < 0.05
    low, _ = training.fit(net, *as_jax((params, X, Y), dtype), optimizer=tiny, epochs=20)
    lost = jax.tree.map(lambda a, b: a - b, as_numpy(low), as_numpy(params))
    assert deviation(lost, expected) > 0.5


REFUSED: dict[str, tuple[type[Exception], dict[str, Any], str]] = {
    "no order": (ValueError, {"batch_size": 2}, "key: expected one to shuffle the batches by"),
    "orders of others": (
        ValueError,
        {"batch_size": 2, "orders": jnp.full((4, M), M)},
        "orders: expected examples from 0 to 4, got 5",
    ),
    "orders of few": (
        ValueError,
        {"batch_size": 2, "orders": jnp.zeros((3, M), int)},
        "orders: expected shape (4, 5), got (3, 5)",
    ),
    "orders in a list": (
        TypeError,
        {"batch_size": 2, "orders": [[0, 1, 2, 3, 4]] * 4},
        "orders: expected a NumPy or JAX array, got list of 4",
    ),
    "patience alone": (ValueError, {"patience": 2}, "patience: expected validation=(X, Y)"),
    "a traced l2": (TypeError, {"l2": jnp.float32(0.1)}, "l2: expected a Python number"),
    "negative l2": (ValueError, {"l2": -0.1}, "l2: expected a finite number from 0 on, got -0.1"),
    "integers": (TypeError, {"compute_dtype": int}, "compute_dtype: expected one of float64"),
    "what to observe": (TypeError, {"observe": "deltas"}, "observe: expected a function of"),
    "every": (ValueError, {"every": 0}, "every: expected an integer from 1 on, got 0"),
}


@pytest.mark.usefixtures("as_installed")
def test_batches_in_a_list_are_refused() -> None:
    net, params, X, Y = example(dtype="float32")
    with pytest.raises(TypeError, match="batches: expected a NumPy or JAX array, got list of 1"):
        training.steps(net, params, SGD.init(params), X, Y, optimizer=SGD, batches=[[0, 1]])  # type: ignore[arg-type]  # it is wrong


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    error, settings, message = REFUSED[name]
    with pytest.raises(error, match=re.escape(message)):
        fit(**settings)
