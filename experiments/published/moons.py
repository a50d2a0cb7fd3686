"""Gradient descent, momentum and Adam on two moons, in mini-batches of a known order."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Int
from matplotlib.figure import Figure
from sklearn.datasets import make_moons

import pure_nn
from experiments.published import drawing, table
from experiments.published.recipe import (
    COURSE_2,
    RELU,
    Examples,
    Outcome,
    Recipe,
    Trained,
    accuracy,
    examples,
    he,
    initial,
    train,
)
from experiments.published.table import Row

NET = pure_nn.Network((RELU, RELU, "sigmoid"))
RATE, BATCH, M = 0.0007, 64, 300
COSTS = {
    "gradient descent": """0.702405 0.668101 0.635288 0.600491 0.573367
                           0.551977 0.532370 0.514007 0.496472 0.468014""",
    "momentum": """0.702413 0.668167 0.635388 0.600591 0.573444
                   0.552058 0.532458 0.514101 0.496652 0.468160""",
    "Adam": "0.702166 0.167845 0.141316 0.138788 0.136066",
}
ACCURACIES = {"gradient descent": "79.67", "momentum": "79.67", "Adam": "94.33"}
EPOCHS = {"gradient descent": 10_000, "momentum": 10_000, "Adam": 5000}


def optimizer(name: str, rate: float = RATE) -> optax.GradientTransformation:
    """Momentum is v = 0.9 v + 0.1 g, and Adam's ε stands outside the root."""
    match name:
        case "momentum":
            return optax.chain(optax.ema(0.9, debias=False), optax.scale(-rate))
        case "Adam":
            return optax.adam(rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0)
        case _:
            return optax.sgd(rate)


def load() -> Examples:
    return examples(*make_moons(n_samples=M, noise=0.2, random_state=3))


def orders(epochs: int) -> Int[Array, "epochs m"]:
    """Seed 11 + i for epoch i, from 0."""
    return jnp.asarray([np.random.RandomState(11 + i).permutation(M) for i in range(epochs)])


def trained(name: str, epochs: int | None = None, rate: float = RATE) -> Trained:
    epochs = EPOCHS[name] if epochs is None else epochs
    params = initial(3, (2, 5, 2, 1), he)
    return train(NET, params, load(), optimizer(name, rate), epochs, BATCH, orders(epochs))


def cost_rows(name: str, run: Trained) -> list[Row]:
    return table.costs(f"{name}, cost of epoch ", run.costs, COSTS[name], 1000)


def accuracy_row(name: str, run: Trained) -> Row:
    return Row(f"{name}, accuracy %", ACCURACIES[name], accuracy(run, load()))


def outcome(_: Path) -> Outcome:
    runs = {name: trained(name) for name in COSTS}
    rows = [r for name, run in runs.items() for r in cost_rows(name, run)]
    rows += [accuracy_row(name, run) for name, run in runs.items()]

    def draw(figure: Figure) -> None:
        figure.set_size_inches(14, 8.5)
        for column, (name, run) in zip(figure.subplots(2, 3).T, runs.items(), strict=True):
            drawing.curve(column[0], run, 100, cost_rows(name, run))
            column[0].set_title(f"{name}: rate {RATE}", fontsize=13)
            column[0].set_xlabel("epoch", fontsize=13)
            drawing.boundary(column[1], run, load(), f"{name}: {accuracy(run, load()):.2f} %")

    return Outcome(rows, draw)


RECIPE = Recipe(
    "moons",
    "2 – 5 – 2 – 1 on moons in batches of 64 by gradient descent, momentum and Adam",
    f"{COURSE_2}, week 2, «Optimization methods»: E S",
    outcome,
)
