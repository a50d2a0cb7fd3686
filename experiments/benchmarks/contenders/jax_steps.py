"""One step of training in JAX: pure_nn, and `jax.value_and_grad` in its layout and in rows."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import pure_nn
import pure_nn.interop
from experiments.benchmarks import counts
from experiments.benchmarks.counts import Counts
from experiments.benchmarks.problem import Contender, Problem, Running, Weights
from pure_nn import training

Step = Callable[[Any, Any, Any, Any], Any]  # params, state, X, Y → params, state, J
Cost = Callable[[Any, Any, Any], Any]  # params, X, Y → J


def params_of(problem: Problem) -> Any:
    """In the layout of pure_nn and the dtype of the problem"""
    weights, _, _ = problem.arrays
    return tuple(
        {"W": jnp.asarray(W, problem.dtype), "b": jnp.asarray(b, problem.dtype)} for W, b in weights
    )


def columns_of(problem: Problem) -> tuple[jax.Array, jax.Array]:
    _, X, _ = problem.arrays
    return jnp.asarray(X, problem.dtype), jnp.asarray(problem.Y, problem.dtype)


def network_of(problem: Problem) -> pure_nn.Network:
    return pure_nn.Network(problem.activations)


@functools.cache
def sgd(learning_rate: float) -> optax.GradientTransformation:
    return optax.sgd(learning_rate)


def own(problem: Problem) -> Step:
    """pure_nn's step as a function of what changes"""
    return step_of(network_of(problem), problem)


def step_of(net: pure_nn.Network, problem: Problem) -> Step:
    optimizer = sgd(problem.learning_rate)
    return lambda params, state, X, Y: training.step(net, params, state, X, Y, optimizer=optimizer)


def own_cost(problem: Problem) -> Cost:
    """Its gradient is ours"""
    return functools.partial(pure_nn.interop.cost, network_of(problem))


def in_columns(problem: Problem) -> Step:
    """The same network in the same layout, differentiated by JAX"""
    return _by_autodiff(cost_in_columns(problem), sgd(problem.learning_rate))


def cost_in_columns(problem: Problem) -> Cost:
    hidden = getattr(jax.nn, problem.hidden)

    def cost(params: Any, X: Any, Y: Any) -> Any:
        A = X
        for layer in params[:-1]:
            A = hidden(layer["W"] @ A + layer["b"])
        Z = params[-1]["W"] @ A + params[-1]["b"]
        return jnp.mean(OUTPUTS[problem.output](Z, Y, 0))

    return cost


def in_rows(problem: Problem) -> Step:
    """As people write it: one example per row"""
    return _by_autodiff(cost_in_rows(problem), sgd(problem.learning_rate))


def cost_in_rows(problem: Problem) -> Cost:
    hidden = getattr(jax.nn, problem.hidden)

    def cost(params: Any, X: Any, Y: Any) -> Any:
        *below, (W, b) = params
        for W_l, b_l in below:
            X = hidden(X @ W_l + b_l)
        return jnp.mean(OUTPUTS[problem.output](X @ W + b, Y, 1))

    return cost


OUTPUTS: dict[str, Callable[[Any, Any, int], Any]] = {
    "softmax": lambda Z, Y, axis: optax.softmax_cross_entropy(Z, Y, axis=axis),
    "sigmoid": lambda Z, Y, axis: jnp.sum(optax.sigmoid_binary_cross_entropy(Z, Y), axis=axis),
}


def _by_autodiff(cost: Any, optimizer: optax.GradientTransformation) -> Step:
    def step(params: Any, state: Any, X: Any, Y: Any) -> Any:
        J, grads = jax.value_and_grad(cost)(params, X, Y)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, J

    return step


def rows_of(problem: Problem) -> Any:
    """params, X and Y, transposed"""
    params = tuple((layer["W"].T, layer["b"][:, 0]) for layer in params_of(problem))
    return params, *(x.T for x in columns_of(problem))


def given(problem: Problem, make: Callable[[Problem], Step]) -> tuple[Any, ...]:
    """What the step is called with first"""
    params, X, Y = (
        rows_of(problem) if make is in_rows else (params_of(problem), *columns_of(problem))
    )
    return params, sgd(problem.learning_rate).init(params), X, Y


class Stepping:
    """A compiled step and where it stands"""

    def __init__(self, step: Any, params: Any, state: Any, *data: Any) -> None:
        self.step, self.params, self.state, self.data, self.J = step, params, state, data, None

    def __call__(self) -> None:
        self.params, self.state, self.J = self.step(self.params, self.state, *self.data)

    def wait(self) -> None:
        jax.block_until_ready((self.params, self.J))

    def weights(self) -> Weights:
        return weights_of(self.params)


def weights_of(params: Any) -> Weights:
    """In the layout of pure_nn, of params in either"""
    layers = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
    if isinstance(layers[0], dict):
        return [(layer["W"], layer["b"]) for layer in layers]
    return [(W.T, b[:, None]) for W, b in layers]


def running(
    problem: Problem,
    make: Callable[[Problem], Step],
    cost: Callable[[Problem], Cost] | None = None,
) -> Running:
    """Of the cost, if given, the residuals are counted"""
    step = jax.jit(make(problem), donate_argnums=(0, 1))
    stepping = Stepping(step, *jax.block_until_ready(given(problem, make)))

    def counted() -> Counts:
        now = stepping.params, stepping.state, *stepping.data
        kept = cost and counts.residuals(cost(problem), stepping.params, *stepping.data)
        return counts.of(step.lower(*now).compile(), kept)

    return Running(stepping, stepping.wait, stepping.weights, counted)


def _tracing(
    problem: Problem,
    make: Callable[[Problem], Step],
    *,
    compiled: bool = False,
    again: bool = False,
) -> Running:
    """A fresh function each time, as what was traced is remembered; so are the calls within it, but
    for those that are forgotten on purpose, unless it is traced `again`"""
    step, arguments = make(problem), given(problem, make)

    def call() -> Any:
        traced = jax.jit(lambda *x: step(*x)).trace(*arguments)
        return traced.lower().compile() if compiled else traced

    return Running(call, before=None if again else jax.clear_caches)


OURS, COLUMNS, ROWS = "pure_nn", "jax.value_and_grad", "jax.value_and_grad, rows"
MADE: dict[str, tuple[Callable[[Problem], Step], Callable[[Problem], Cost]]] = {
    OURS: (own, own_cost),
    COLUMNS: (in_columns, cost_in_columns),
    ROWS: (in_rows, cost_in_rows),
}
STEPS = tuple(
    Contender(name, functools.partial(running, make=make, cost=cost))
    for name, (make, cost) in MADE.items()
)


def _traced(tracing: Callable[..., Running]) -> tuple[Contender, ...]:
    return tuple(
        Contender(name, functools.partial(tracing, make=MADE[name][0])) for name in (OURS, COLUMNS)
    )


TRACES = _traced(_tracing)
TRACES_AGAIN = _traced(functools.partial(_tracing, again=True))
COMPILES = _traced(functools.partial(_tracing, compiled=True))
