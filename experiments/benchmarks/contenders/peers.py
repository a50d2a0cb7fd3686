"""One step of training by the peers: Equinox and Flax NNX, and those of `others`."""

import functools
import importlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.contenders import others
from experiments.benchmarks.contenders.jax_steps import OUTPUTS, rows_of, sgd
from experiments.benchmarks.problem import Contender, Problem, Running, Weights

KEY = jax.random.key(0)


def cost(problem: Problem, layers: Any, X: Any, Y: Any) -> Any:
    """J of layers that are functions, one after the other"""
    *below, last = layers
    for layer in below:
        X = getattr(jax.nn, problem.hidden)(layer(X))
    return jnp.mean(OUTPUTS[problem.output](last(X), Y, 1))


class Equinox:
    """A list of equinox.nn.Linear, and optax"""

    def __init__(self, problem: Problem) -> None:
        eqx: Any = importlib.import_module("equinox")
        params, X, Y = rows_of(problem)
        bare = [eqx.nn.Linear(*W.shape, key=KEY) for W, _ in params]
        parts = [part for W, b in params for part in (W.T, b)]
        layers = eqx.tree_at(lambda xs: [p for x in xs for p in (x.weight, x.bias)], bare, parts)
        self.eqx, self.problem, self.data = eqx, problem, (X, Y)
        self.optimizer = sgd(problem.learning_rate)
        self.now = [layers, self.optimizer.init(layers), None]
        self.compiled = eqx.filter_jit(self.step, donate="all-except-first")

    def step(self, data: Any, layers: Any, state: Any) -> Any:
        def J_of(layers: Any) -> Any:
            return cost(self.problem, map(jax.vmap, layers), *data)

        J, grads = self.eqx.filter_value_and_grad(J_of)(layers)
        updates, state = self.optimizer.update(grads, state)
        return self.eqx.apply_updates(layers, updates), state, J

    def call(self) -> None:
        self.now = self.compiled(self.data, *self.now[:2])

    def weights(self) -> Weights:
        return [(np.asarray(x.weight), np.asarray(x.bias)[:, None]) for x in self.now[0]]


def equinox(problem: Problem) -> Running:
    it = Equinox(problem)
    return Running(it.call, lambda: jax.block_until_ready(it.now), it.weights)


class Flax:
    """An nnx.List of nnx.Linear, and nnx.Optimizer"""

    def __init__(self, problem: Problem) -> None:
        nnx: Any = importlib.import_module("flax.nnx")
        params, *self.data = rows_of(problem)
        new = functools.partial(nnx.Linear, rngs=nnx.Rngs(0), param_dtype=self.data[0].dtype)
        self.layers = nnx.List([new(*W.shape) for W, _ in params])
        for layer, (W, b) in zip(self.layers, params, strict=True):
            layer.kernel[...], layer.bias[...] = W, b
        self.optimizer = nnx.Optimizer(self.layers, sgd(problem.learning_rate), wrt=nnx.Param)
        self.nnx, self.problem = nnx, problem
        self.compiled = nnx.jit(self.step, donate_argnums=(0, 1))

    def step(self, layers: Any, optimizer: Any, *data: Any) -> Any:
        J, grads = self.nnx.value_and_grad(lambda layers: cost(self.problem, layers, *data))(layers)
        optimizer.update(layers, grads)
        return J

    def call(self) -> None:
        self.compiled(self.layers, self.optimizer, *self.data)

    def wait(self) -> None:
        jax.block_until_ready(self.nnx.state(self.layers))

    def weights(self) -> Weights:
        read = [(x.kernel[...], x.bias[...]) for x in self.layers]
        return [(np.asarray(W).T, np.asarray(b)[:, None]) for W, b in read]


def flax(problem: Problem) -> Running:
    it = Flax(problem)
    return Running(it.call, it.wait, it.weights)


PEERS = tuple(
    Contender(name, start)
    for name, start in {
        "Equinox": equinox,
        "Flax NNX": flax,
        "PyTorch": others.pytorch,
        "PyTorch, torch.compile": others.pytorch_compiled,
        "scikit-learn": others.scikit_learn,
        "NumPy": others.numpy,
    }.items()
)
