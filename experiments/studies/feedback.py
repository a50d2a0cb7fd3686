"""Errors sent back otherwise: accuracy without Wᵀ, and the angle to the true gradient.

Step 2 takes another matrix in the place of Wᵀ, steps 1 and 3 stay: feedback alignment a fixed
random one (Lillicrap et al., Nature Communications 7, 2016: 2.1 % wrong on MNIST where
backpropagation has 2.4 %, the angle falls below 90° as the network learns), direct feedback
alignment one from the output to each layer (Nøkland, NeurIPS 2016, 7 layers of 240 on MNIST:
2.16 % backpropagation, 2.20 % alignment, 2.32 % direct), sign-symmetric the signs of W (Liao,
Leibo & Poggio, AAAI 2016: about as good as backpropagation). The control sends nothing back, so
that only the last layer learns.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float
from matplotlib.figure import Figure

import pure_nn
from experiments.studies import steps, study
from experiments.studies.steps import Examples, Step
from experiments.studies.study import BATCH, COLORS, Note, OfSeeds, Outcome
from pure_nn import quantities
from pure_nn.network import Params
from pure_nn.structure import Cache, FromOne, Rule

REPORTED = {
    "backpropagation": "2.16 % wrong, MNIST (Nøkland 2016)",
    "alignment": "2.20 % wrong, below 90° (Nøkland; Lillicrap 2016)",
    "direct": "2.32 % wrong (Nøkland 2016)",
    "sign-symmetric": "about as backpropagation (Liao 2016)",
    "nothing": "",
}
COLUMNS = (
    "sent back by",
    "test acc.",
    "lowest",
    "∠W[1] before",
    "epoch 1",
    "at the end",
    "∠W[L-1] at the end",
    "reported",
)
FAST: dict[str, Any] = {"depth": 3, "epochs": 12, "seeds": 1, "learning_rate": 3e-3}


@dataclasses.dataclass(frozen=True)
class Config(OfSeeds):
    """Errors sent back otherwise: accuracy without Wᵀ, and the angle to the true gradient."""

    depth: int = 4
    """Layers."""
    epochs: int = 30
    """Passes through the digits."""
    seeds: int = 3
    """Runs of each, with the seeds 0, 1, …; tables and figures give their median."""
    learning_rate: float = 1e-3
    """Of Adam, to which it is all one how large a rule makes Δ."""


class Compared(NamedTuple):
    """By seed and epoch, 0 before training; and layer"""

    accuracies: npt.NDArray[Any]
    angles: npt.NDArray[Any]


def run(config: Config, note: Note) -> Outcome:
    found = {}
    for rule in REPORTED:
        note(f"{rule}, {config.seeds} seeds")
        found[rule] = compared(config, rule)
    rows = [(rule, *numbers(one), REPORTED[rule]) for rule, one in found.items()]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, found))


def compared(config: Config, rule: str) -> Compared:
    runs = (trained(config, rule, seed) for seed in range(config.seeds))
    return Compared(*map(np.array, zip(*runs, strict=True)))


def trained(config: Config, rule: str, seed: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Test accuracies and angles, before training and after each epoch"""
    net = pure_nn.Network((*["tanh"] * (config.depth - 1), "softmax"))
    train, test = study.examples(seed)
    params = study.initial(study.sizes(config.depth, config.width), "xavier", seed)
    F = quantities.random_feedback(steps.key_of(seed, 3), params, direct=rule == "direct")
    state, step = (params, study.adam(config.learning_rate).init(params)), step_of(rule, config)
    seen = []
    for epoch in range(config.epochs + 1):
        measured = steps.accuracy(net, state[0], test), angles(rule, net, state[0], F, train)
        seen.append(measured)
        key = steps.key_of(seed, 4 + epoch)
        state, _ = steps.through(step, state, key, train[0].shape[1] // BATCH, net, F, train)
    accuracies, degrees = zip(*seen, strict=True)
    return np.array(accuracies), np.array(degrees)


@functools.cache
def step_of(rule: str, config: Config) -> Step:
    optimizer = study.adam(config.learning_rate)

    def step(state: Any, key: Array, net: pure_nn.Network, F: Any, data: Examples) -> Any:
        cache, deltas = sent_back(rule, net, state[0], F, *steps.drawn(key, data, BATCH))
        grads = pure_nn.gradients(net, cache, deltas)
        return steps.updated(optimizer, grads, state), None

    return step


def sent_back(
    rule: str, net: pure_nn.Network, params: Params, F: Any, X: Array, Y: Array
) -> tuple[Cache, FromOne]:
    """The cache and the Δs of a rule: step 2 with another matrix"""
    cache = pure_nn.forward(net, params, X)
    delta_L = pure_nn.output_delta(net, cache, Y)
    if rule == "backpropagation":
        return cache, pure_nn.backpropagate(net, params, cache, delta_L)
    other: Rule = {
        "alignment": quantities.feedback_alignment(F),
        "direct": quantities.direct_feedback(F, delta_L),
        "sign-symmetric": quantities.sign_symmetric,
        "nothing": nothing,
    }[rule]
    return cache, pure_nn.backpropagate(net, params, cache, delta_L, rule=other)


def nothing(l: Any, layer: Any, Δ: Float[Array, "n B"]) -> Float[Array, "n_below B"]:
    """The control: dA[ℓ-1] = 0"""
    return jnp.zeros((layer["W"].shape[1], Δ.shape[1]), Δ.dtype)


@functools.partial(jax.jit, static_argnames="rule")
def angles(
    rule: str, net: pure_nn.Network, params: Params, F: Any, data: Examples
) -> Float[Array, " L"]:
    """To the true gradient of all training examples, layer by layer"""
    cache, deltas = sent_back(rule, net, params, F, *data)
    _, true = sent_back("backpropagation", net, params, F, *data)
    return quantities.alignment_angles(net, cache, true, deltas)


def numbers(found: Compared) -> tuple[float, ...]:
    last, degrees = found.accuracies[:, -1], np.median(found.angles, axis=0)
    first = (degrees[0, 0], degrees[1, 0], degrees[-1, 0], degrees[-1, -2])
    return float(np.median(last)), float(last.min()), *map(float, first)


def _draw(figure: Figure, found: dict[str, Compared]) -> None:
    figure.set_size_inches(14, 9)
    panels = figure.subplots(2, 2).flat
    accuracies = next(panels)
    for (rule, one), color in zip(found.items(), COLORS, strict=True):
        study.median_and_range(accuracies, one.accuracies[:, 1:], rule, color)
    study.labelled(accuracies, "epoch", title="test accuracy")
    accuracies.set_ylim(0.8, 1)
    accuracies.legend(fontsize=12)
    for rule, axes in zip(("alignment", "direct", "sign-symmetric"), panels, strict=True):
        layers = np.moveaxis(found[rule].angles[:, 1:], -1, 0)
        for l, of_layer in enumerate(layers[:-1], start=1):
            study.median_and_range(axes, of_layer, f"W[{l}]", COLORS[(l - 1) % len(COLORS)])
        axes.axhline(90, color="black", linestyle="--", linewidth=1)
        study.labelled(axes, "epoch", title=f"{rule}: degrees to the true gradient")
        axes.set_ylim(0, 100)
        axes.legend(fontsize=12)
