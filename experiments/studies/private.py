"""Differentially private SGD: test accuracy by the privacy that is spent, ε at δ = 10⁻⁵.

Each of the training examples is in a batch with probability q, by a weight of 0 or 1; its gradient
is clipped to C; the sum is noised by σC, σ the smallest that spends no more than ε. Abadi et al.,
CCS 2016, report on 60 000 digits of MNIST 90 % at ε = 0.5, 95 % at 2, 97 % at 8 and 98.3 % without
privacy. Here are 1438, and the price is higher: the noise is the same, the sum of fewer.
"""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jaxtyping import Array, PRNGKeyArray
from matplotlib.figure import Figure

import pure_nn
from experiments.digits import TRAINING_EXAMPLES
from experiments.studies import steps, study
from experiments.studies.steps import Examples, Step
from experiments.studies.study import COLORS, Note, OfSeeds, Outcome
from pure_nn import quantities, training

REPORTED = {
    "0.5": "90 %, MNIST (Abadi 2016)",
    "2": "95 %",
    "8": "97 %",
    "no noise, no clip": "98.3 %",
}
COLUMNS = ("ε asked", "σ", "ε spent", "clipped", "test acc.", "lowest", "reported")
NO_CLIP = 1e6
FAST: dict[str, Any] = {"epochs": 2, "seeds": 1, "epsilons": (2.0,)}


@dataclasses.dataclass(frozen=True)
class Config(OfSeeds):
    """Differentially private SGD: test accuracy by the privacy that is spent, ε at δ = 10⁻⁵."""

    epochs: int = 20
    """Passes through the digits, on the average."""
    epsilons: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    """ε to spend; without noise, and without clipping, come after them."""
    delta: float = 1e-5
    """δ, to stay far below 1 in the number of examples."""
    batch_size: int = 256
    """Examples per step, on the average."""
    clip: float = 1.0
    """C, the norm that the gradient of an example is clipped to."""
    learning_rate: float = 1.0
    """Of gradient descent."""

    @property
    def rate(self) -> float:
        """q, with which each example is in a batch"""
        return self.batch_size / TRAINING_EXAMPLES

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_an_epoch

    @property
    def steps_an_epoch(self) -> int:
        return math.ceil(1 / self.rate)


class Way(NamedTuple):
    """σ, C, and the ε that was asked for"""

    epsilon: float
    noise: float
    clip: float


class Compared(NamedTuple):
    """By seed: test accuracies after each epoch, and the share that was clipped at each step"""

    accuracies: npt.NDArray[Any]
    clipped: npt.NDArray[Any]


def run(config: Config, note: Note) -> Outcome:
    found = {}
    for way in ways(config):
        note(f"ε = {way.epsilon:g}, σ = {way.noise:.3g}, {config.seeds} seeds")
        found[way] = compared(config, way)
    rows = [row(config, way, one) for way, one in found.items()]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, config, found))


def ways(config: Config) -> list[Way]:
    """Of each ε; of no noise; of no clipping, which is SGD"""
    private = [Way(x, noise_for(config, x), config.clip) for x in config.epsilons]
    return [*private, Way(math.inf, 0.0, config.clip), Way(math.inf, 0.0, NO_CLIP)]


def noise_for(config: Config, epsilon: float) -> float:
    """σ"""
    return training.noise_for(epsilon, config.delta, config.rate, config.steps)


def spent(config: Config, noise: float) -> float:
    """ε, by what was done"""
    return training.epsilon_spent(noise, config.rate, config.steps, config.delta)


def compared(config: Config, way: Way) -> Compared:
    runs = (trained(config, way, seed) for seed in range(config.seeds))
    return Compared(*map(np.array, zip(*runs, strict=True)))


def trained(config: Config, way: Way, seed: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    net, (train, test) = pure_nn.Network(("tanh", "softmax")), study.examples(seed)
    params = study.initial(study.sizes(2, config.width), "xavier", seed)
    state = params, optimizer_of(config, way, steps.key_of(seed, 3)).init(params)
    accuracies, clipped = [], []
    for epoch in range(config.epochs):
        key, n = steps.key_of(seed, 4 + epoch), config.steps_an_epoch
        state, seen = steps.through(step_of(config, way), state, key, n, net, train)
        accuracies.append(steps.accuracy(net, state[0], test))
        clipped.append(seen)
    return np.array(accuracies), np.concatenate(clipped)


def optimizer_of(config: Config, way: Way, key: PRNGKeyArray) -> optax.GradientTransformation:
    """Of a clipped sum. The state carries the key on, so that `update` is the same for all"""
    noised = training.noised_mean(way.clip, way.noise, float(config.batch_size), key)
    return optax.chain(noised, optax.sgd(config.learning_rate))


@functools.cache
def step_of(config: Config, way: Way) -> Step:
    optimizer = optimizer_of(config, way, jax.random.key(0))

    def step(state: Any, key: PRNGKeyArray, net: pure_nn.Network, data: Examples) -> Any:
        (X, Y), (params, _) = data, state
        cache = pure_nn.forward(net, params, X)
        _, deltas = pure_nn.backward(net, params, cache, Y)
        drawn = jax.random.bernoulli(key, config.rate, (X.shape[1],)).astype(X.dtype)
        found = quantities.clipped_sum(net, cache, deltas, way.clip, weights=drawn)
        return steps.updated(optimizer, found.sum, state), share(found, drawn, way.clip)

    return step


def share(found: quantities.Clipped, drawn: Array, clip: float) -> Array:
    """Of those drawn, the part that was longer than C"""
    longer = (found.squared_norms.all > clip**2).astype(drawn.dtype)
    return jnp.sum(drawn * longer) / jnp.sum(drawn)


def row(config: Config, way: Way, found: Compared) -> tuple[Any, ...]:
    last = found.accuracies[:, -1]
    accuracies = float(np.median(last)), float(last.min())
    spends = spent(config, way.noise)
    numbers = (way.noise, spends, float(np.mean(found.clipped)), *accuracies)
    return label(way), *numbers, REPORTED.get(label(way), "")


def label(way: Way) -> str:
    if way.noise > 0:
        return f"{way.epsilon:g}"
    return "no noise" if way.clip < NO_CLIP else "no noise, no clip"


def _draw(figure: Figure, config: Config, found: dict[Way, Compared]) -> None:
    figure.set_size_inches(14, 5.5)
    by_epsilon, by_epoch = figure.subplots(1, 2)
    last = np.array([one.accuracies[:, -1] for one in found.values()])
    middle, places = np.median(last, axis=1), np.arange(len(last))
    ranges = [middle - last.min(axis=1), last.max(axis=1) - middle]
    by_epsilon.errorbar(places, middle, ranges, fmt="o", capsize=4, color=COLORS[2])
    by_epsilon.set_xticks(places, [label(way).replace(", ", "\n") for way in found])
    study.labelled(by_epsilon, f"ε at δ = {config.delta:g}", title="test accuracy at the end")
    for i, (way, one) in enumerate(found.items()):
        name = f"ε = {label(way)}" if way.noise else label(way)
        study.median_and_range(by_epoch, one.accuracies, name, f"C{i}")
    study.labelled(by_epoch, "epoch", title="test accuracy")
    by_epoch.legend(fontsize=11, loc="lower right")
