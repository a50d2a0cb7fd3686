"""K-FAC beside Adam and momentum on an autoencoder of the digits, per step and per second.

64-32-16-8-16-32-64, tanh, a sigmoid output and its cross-entropy summed over pixels: deep and
narrow, where gradient descent is slow. The factors are sampled from what the network predicts,
averaged with decay 0.95 and inverted every k steps; K-FAC and SGD have momentum 0.9, and K-FAC
goes no further than the curvature is trusted. Martens & Grosse, ICML 2015: K-FAC's steps cost a
few times those of SGD and gain so much more that it is much faster in the end than SGD with
momentum, on autoencoders such as these. Each method has the best of its learning rates, all of
which the table names, by the training cost of one seed. K-FAC had more: its damping, trust and
intervals were chosen by hand on this problem, and without `trust` it was no better than Adam per
step.
"""

import dataclasses
import functools
import time
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

import pure_nn
from experiments.studies import steps, study
from experiments.studies.steps import Examples, Step
from experiments.studies.study import COLORS, Note, Outcome, Settings
from pure_nn import quantities, training
from pure_nn.network import Params

SIZES = (64, 32, 16, 8, 16, 32, 64)
NET = pure_nn.Network((*["tanh"] * 5, "sigmoid"), "binary_cross_entropy")
RATES = {
    "SGD, momentum": (0.001, 0.003, 0.01, 0.03, 0.1),
    "Adam": (0.001, 0.003, 0.01, 0.03, 0.1),
    "K-FAC": (0.1, 0.3, 1.0, 3.0),
}
REPORTED = {
    "SGD, momentum": "the slowest (Martens & Grosse 2015)",
    "Adam": "",
    "K-FAC": "fewest steps, much faster in seconds",
}
COLUMNS = (
    "method",
    "rates tried",
    "rate",
    "cost",
    "test cost",
    "ms a step",
    "steps to momentum's cost",
    "seconds to it",
    "reported",
)
FAST: dict[str, Any] = {"steps": 100, "every": 20}


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """K-FAC beside Adam and momentum on an autoencoder of the digits, per step and per second."""

    steps: int = 1000
    """Of each method, with each of its learning rates."""
    every: int = 50
    """Steps between measurements of the cost."""
    batch_size: int = 256
    """Examples per step."""
    damping: float = 0.1
    """λ of K-FAC."""
    trust: float = 0.03
    """The largest ⟨V, ∇J⟩ of K-FAC, before learning rate and momentum."""
    inverse_every: int = 20
    """Steps of K-FAC between inverses."""
    seed: int = 0
    """For the split, the initial weights and the batches."""


class Run(NamedTuple):
    """At every so many steps: training and test cost, and the seconds so far without measuring"""

    costs: npt.NDArray[Any]
    test_costs: npt.NDArray[Any]
    seconds: npt.NDArray[Any]

    def steps_to(self, cost: float, every: int) -> float:
        """NaN where it never comes there"""
        there = np.flatnonzero(self.costs <= cost)
        return float(there[0] * every) if len(there) else float("nan")


def run(config: Config, note: Note) -> Outcome:
    best, rates = {}, {}
    for method in RATES:
        tried = {}
        for rate in RATES[method]:
            note(f"{method}, rate {rate:g}")
            tried[rate] = trained(config, method, rate)
        rates[method] = min(tried, key=lambda rate: _last(tried[rate]))
        best[method] = tried[rates[method]]
    goal = float(best["SGD, momentum"].costs[-1])
    rows = [row(config, method, rates[method], best[method], goal) for method in best]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, config, best, rates))


def _last(run: Run) -> float:
    """One that diverged is the worst"""
    last = float(run.costs[-1])
    return last if np.isfinite(last) else float("inf")


def trained(config: Config, method: str, rate: float) -> Run:
    train, test = study.examples(config.seed)
    params = study.initial(SIZES, "xavier", config.seed)
    state, step = (params, direction(method, config).init(params)), step_of(method, config)
    seen = [(*_costs(params, train[0], test[0]), 0.0)]
    steps.through(step, state, steps.key_of(0, 0), config.every, rate, train)  # compiles
    for i in range(config.steps // config.every):
        key, start = steps.key_of(config.seed, 4 + i), time.perf_counter()
        state, _ = steps.through(step, state, key, config.every, rate, train)
        jax.block_until_ready(state)
        seconds = time.perf_counter() - start
        seen.append((*_costs(state[0], train[0], test[0]), seconds))
    costs, test_costs, each = map(np.array, zip(*seen, strict=True))
    # the shortest, as other work on the machine only adds
    return Run(costs, test_costs, np.arange(len(each)) * np.min(each[1:]))


@jax.jit
def _costs(params: Params, *X: Float[Array, "n_0 _"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    train, test = (pure_nn.cost(NET, params, x, x) for x in X)
    return train, test


@functools.cache
def direction(method: str, config: Config) -> optax.GradientTransformationExtraArgs:
    """The way to go; how far, `rate` says at each update, so that all rates compile once"""
    kfac = training.kfac(config.damping, every=config.inverse_every, trust=config.trust)
    ways = {
        "SGD, momentum": (optax.trace(0.9),),
        "Adam": (optax.scale_by_adam(),),
        "K-FAC": (kfac, optax.trace(0.9)),
    }
    return optax.chain(*ways[method], by_rate())


def by_rate() -> optax.GradientTransformationExtraArgs:
    """Downhill, `rate` times, an argument of the update"""

    def update(updates: Any, state: Any, params: Any = None, *, rate: Any, **_: Any) -> Any:
        return jax.tree.map(lambda x: -rate * x, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


@functools.cache
def step_of(method: str, config: Config) -> Step:
    also = ("kronecker_factors",) if method == "K-FAC" else ()

    optimizer = direction(method, config)

    def step(state: Any, key: PRNGKeyArray, rate: Any, data: Examples) -> Any:
        of_batch, draw = jax.random.split(key)
        X, _ = steps.drawn(of_batch, data, config.batch_size)
        J, grads, found = quantities.value_and_grad(NET, state[0], X, X, also=also, draw=draw)
        factors = found.get("kronecker_factors")  # which other methods do without
        return steps.updated(optimizer, grads, state, rate=rate, factors=factors), J

    return step


def row(config: Config, method: str, rate: float, run: Run, goal: float) -> tuple[str | float, ...]:
    """`goal` is the cost to come to"""
    needed, step = run.steps_to(goal, config.every), float(run.seconds[1]) / config.every
    costs = float(run.costs[-1]), float(run.test_costs[-1])
    tried = " ".join(f"{x:g}" for x in RATES[method])
    return method, tried, rate, *costs, 1000 * step, needed, needed * step, REPORTED[method]


def _draw(figure: Figure, config: Config, best: dict[str, Run], rates: dict[str, float]) -> None:
    figure.set_size_inches(14, 5.5)
    by_step, by_second = figure.subplots(1, 2, sharey=True)
    for (method, run), color in zip(best.items(), COLORS, strict=False):
        name = f"{method}, rate {rates[method]:g}"
        by_step.plot(np.arange(len(run.costs)) * config.every, run.costs, color=color, label=name)
        by_second.plot(run.seconds, run.costs, color=color, label=name)
    study.labelled(by_step, "step", title="training cost J, by step")
    study.labelled(by_second, "seconds", title="and by the time that steps take")
    by_step.set_yscale("log")
    by_step.yaxis.set_major_formatter(ScalarFormatter())
    by_step.yaxis.set_minor_formatter(ScalarFormatter())
    by_step.legend(fontsize=12)
