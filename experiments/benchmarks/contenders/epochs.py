"""Epochs over shuffled examples, and thousands of steps on all of them, by each."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.contenders import jax_steps, others
from experiments.benchmarks.contenders.jax_steps import COLUMNS, OURS, ROWS
from experiments.benchmarks.problem import Contender, Problem, Running
from pure_nn import training


def own_epochs(problem: Problem) -> Running:
    params, state, X, Y = jax_steps.given(problem, jax_steps.own)
    net, optimizer = jax_steps.network_of(problem), jax_steps.sgd(problem.learning_rate)
    keys, how = _keys(), {"optimizer": optimizer, "batch_size": problem.B}

    def fit(params: Any, state: Any, X: Any, Y: Any) -> Any:
        now = {**how, "epochs": problem.epochs, "key": next(keys)}
        fitted = training.fit(net, params, X, Y, **now)
        return fitted.params, state, fitted.costs

    stepping = jax_steps.Stepping(fit, params, state, X, Y)
    return Running(stepping, stepping.wait, stepping.weights)


def _several(start: Callable[[Problem], Running]) -> Callable[[Problem], Running]:
    """Of what runs one epoch a call, as many as the problem has"""

    def started(problem: Problem) -> Running:
        running = start(problem)

        def call() -> None:
            for _ in range(problem.epochs):
                running.call()

        return running._replace(call=call)

    return started


def _keys() -> Any:
    """Without end, made before they are asked for"""
    found = list(jax.random.split(jax.random.key(0), 1000))
    while True:
        yield from found


def scanned_epoch(problem: Problem, make: Any) -> Running:
    """A scan over gathered batches, as people write it, of a step by autodiff"""
    step, keys = make(problem), _keys()
    params, state, X, Y = jax_steps.given(problem, make)
    rows = (X, Y) if make is jax_steps.in_rows else (X.T, Y.T)
    turn = (lambda x: x) if make is jax_steps.in_rows else jnp.transpose

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def epoch(params: Any, state: Any, key: Any, X: Any, Y: Any) -> Any:
        def one(carry: Any, batch: Any) -> Any:
            params, state, J = step(*carry, turn(X[batch]), turn(Y[batch]))
            return (params, state), J

        whole = len(X) // problem.B * problem.B
        batches = jax.random.permutation(key, len(X))[:whole].reshape(-1, problem.B)
        (params, state), costs = jax.lax.scan(one, (params, state), batches)
        return params, state, jnp.mean(costs)

    def call(params: Any, state: Any, *data: Any) -> Any:
        return epoch(params, state, next(keys), *data)

    stepping = jax_steps.Stepping(call, params, state, *rows)
    return Running(stepping, stepping.wait, stepping.weights)


def pytorch_epoch(problem: Problem) -> Running:
    it = others.Torch(problem)

    def epoch() -> None:
        order = it.torch.randperm(len(it.X))
        for batch in order.split(problem.B):
            it.step(it.X[batch], it.Y[batch])

    return Running(epoch, it.wait, it.weights)


def numpy_epoch(problem: Problem) -> Running:
    it, rng = others.NumPy(problem), np.random.default_rng(0)
    rows, labels = np.ascontiguousarray(it.X.T), np.ascontiguousarray(it.Y.T)

    def epoch() -> None:
        order = rng.permutation(len(rows))
        for i in range(0, len(rows), problem.B):
            batch = order[i : i + problem.B]
            it.step(rows[batch].T, labels[batch].T)

    return Running(epoch, weights=it.weights)


EPOCHS = (
    Contender(OURS, own_epochs),
    Contender(COLUMNS, _several(functools.partial(scanned_epoch, make=jax_steps.in_columns))),
    Contender(ROWS, _several(functools.partial(scanned_epoch, make=jax_steps.in_rows))),
    Contender("PyTorch", _several(pytorch_epoch)),
    Contender("scikit-learn", _several(others.scikit_learn)),
    Contender("NumPy", _several(numpy_epoch)),
)


# steps on all examples


def own_steps(problem: Problem) -> Running:
    net, optimizer = jax_steps.network_of(problem), jax_steps.sgd(problem.learning_rate)
    params, _, X, Y = jax_steps.given(problem, jax_steps.own)
    fitted: list[Any] = []

    def call() -> None:
        fitted[:] = training.fit(net, params, X, Y, optimizer=optimizer, epochs=problem.steps)

    return Running(
        call, lambda: jax.block_until_ready(fitted), lambda: jax_steps.weights_of(fitted[0])
    )


def scanned_steps(problem: Problem) -> Running:
    step = jax_steps.in_columns(problem)
    params, state, X, Y = jax_steps.given(problem, jax_steps.in_columns)
    found: list[Any] = []

    @jax.jit
    def run(params: Any, state: Any, X: Any, Y: Any) -> Any:
        def one(carry: Any, _: None) -> Any:
            params, state, J = step(carry[0], carry[1], X, Y)
            return (params, state), J

        return jax.lax.scan(one, (params, state), length=problem.steps)

    def call() -> None:
        found[:] = run(params, state, X, Y)

    return Running(
        call, lambda: jax.block_until_ready(found), lambda: jax_steps.weights_of(found[0][0])
    )


def _repeated(start: Callable[[Problem], Any], problem: Problem) -> Running:
    """So many steps from the first weights"""
    it = [start(problem)]

    def call() -> None:
        it[0] = start(problem)
        for _ in range(problem.steps):
            it[0].step(it[0].X, it[0].Y)

    return Running(call, weights=lambda: it[0].weights())


FULL_BATCH = (
    Contender(OURS, own_steps),
    Contender(COLUMNS, scanned_steps),
    Contender("PyTorch", functools.partial(_repeated, others.Torch)),
    Contender("NumPy", functools.partial(_repeated, others.NumPy)),
)
