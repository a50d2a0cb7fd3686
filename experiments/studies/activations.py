"""Activations compared on digits: accuracy, and how much of Δ their g′ lets through.

A unit of ReLU whose Z is below 0 has Δ = 0, one of sigmoid has at most a quarter of what comes
from above, and a saturated one next to nothing.
"""

import dataclasses
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float
from matplotlib.figure import Figure

import pure_nn
from experiments.studies import study
from experiments.studies.study import COLORS, Note, OfSeeds, Outcome
from pure_nn.network import Params
from pure_nn.structure import Cache, FromOne

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "leaky_relu")
SCHEMES = {"relu": "he", "leaky_relu": "he"}  # Xavier's for the others
COLUMNS = ("hidden layers", "test acc.", "lowest", "highest", "last cost", "Δ[1]/Δ[L]", "Δ[1] = 0")
FAST = {"epochs": 2, "seeds": 2}


@dataclasses.dataclass(frozen=True)
class Config(OfSeeds):
    """Activations compared on digits: accuracy, and how much of Δ their g′ lets through."""

    depth: int = 5
    """Layers."""
    learning_rate: float = 1e-3
    """Of Adam."""


class Compared(NamedTuple):
    """By seed and epoch."""

    costs: npt.NDArray[Any]
    accuracies: npt.NDArray[Any]
    let_through: npt.NDArray[Any]  # the size of Δ[1] in that of Δ[L]
    zero: npt.NDArray[Any]  # the part of Δ[1] that is 0


def run(config: Config, note: Note) -> Outcome:
    found = {}
    for g in ACTIVATIONS:
        note(f"{g}, {config.seeds} seeds")
        found[g] = compared(config, g)
    rows = [(g, *numbers(one)) for g, one in found.items()]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, found))


def compared(config: Config, g: str) -> Compared:
    net = pure_nn.Network((*[g] * (config.depth - 1), "softmax"))
    sizes, optimizer = study.sizes(config.depth, config.width), study.adam(config.learning_rate)
    task = study.Task(net, sizes, optimizer, config.epochs, see)
    runs = [study.train(task, SCHEMES.get(g, "xavier"), seed) for seed in range(config.seeds)]
    by_seed = ((r.costs, r.accuracies, *r.seen) for r in runs)
    return Compared(*map(np.array, zip(*by_seed, strict=True)))


def see(cache: Cache, deltas: FromOne, grads: Params) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """What `observe` of `pure_nn.training` takes."""
    return study.size(deltas[1]) / study.size(deltas[-1]), jnp.mean(deltas[1] == 0)


def numbers(found: Compared) -> tuple[float, ...]:
    last = found.accuracies[:, -1]
    rest = (found.costs[:, -1], found.let_through[:, 0], found.zero[:, -1])
    return (
        float(np.median(last)),
        float(last.min()),
        float(last.max()),
        *(float(np.median(x)) for x in rest),
    )


def _draw(figure: Figure, found: dict[str, Compared]) -> None:
    figure.set_size_inches(13, 9)
    titles = ("cost J", "test accuracy", "size of Δ[1] in that of Δ[L]", "part of Δ[1] that is 0")
    for axes, title, field in zip(
        figure.subplots(2, 2).flat, titles, Compared._fields, strict=True
    ):
        for (g, one), color in zip(found.items(), COLORS, strict=False):
            study.median_and_range(axes, getattr(one, field), g, color)
        study.labelled(axes, "epoch", title=title)
        if field in ("costs", "let_through"):
            axes.set_yscale("log")
        if field == "accuracies":
            axes.legend(fontsize=12)
