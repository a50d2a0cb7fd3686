"""0.01·randn, Xavier and He: A and Δ by layer before training, and the costs that follow.

Each keeps another thing of the same size from layer to layer: Xavier A and Δ where g′ is about 1,
He Δ where g′ is 1 for half of the units and 0 for the others, 0.01·randn none.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import pure_nn
from experiments.studies import study
from experiments.studies.study import COLORS, LAYER, Note, OfSeeds, Outcome

ACTIVATIONS = ("tanh", "relu")
SCHEMES: dict[str, str | float] = {"0.01·randn": 0.01, "Xavier": "xavier", "He": "he"}
COLUMNS = ("hidden layers", "weights", "A[L-1]", "Δ[1]", "first cost", "last cost", "test acc.")
FAST = {"epochs": 2, "seeds": 2}


@dataclasses.dataclass(frozen=True)
class Config(OfSeeds):
    """0.01·randn, Xavier and He: A and Δ by layer before training, and the costs that follow."""

    depth: int = 8
    """Layers."""
    learning_rate: float = 0.05
    """Of gradient descent."""


PANELS = (
    (LAYER, "size of A[ℓ] before training", "A"),
    (LAYER, "size of Δ[ℓ] before training", "Δ"),
    ("epoch", "cost J", "costs"),
)


class Compared(NamedTuple):
    """By seed, then by layer or epoch."""

    A: npt.NDArray[Any]
    Δ: npt.NDArray[Any]
    costs: npt.NDArray[Any]
    accuracies: npt.NDArray[Any]


def run(config: Config, note: Note) -> Outcome:
    found = {}
    for g in ACTIVATIONS:
        for weights in SCHEMES:
            note(f"{g}, {weights}, {config.seeds} seeds")
            found[g, weights] = compared(config, g, weights)
    rows = [(*key, *numbers(one)) for key, one in found.items()]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, found))


def compared(config: Config, g: str, weights: str) -> Compared:
    net = pure_nn.Network((*[g] * (config.depth - 1), "softmax"))
    sizes, optimizer = study.sizes(config.depth, config.width), study.sgd(config.learning_rate)
    task, scheme = study.Task(net, sizes, optimizer, config.epochs), SCHEMES[weights]
    starts = [study.at_start(task, scheme, seed) for seed in range(config.seeds)]
    runs = [study.train(task, scheme, seed) for seed in range(config.seeds)]
    A, Δ = map(np.array, zip(*starts, strict=True))
    return Compared(A, Δ, np.array([r.costs for r in runs]), np.array([r.accuracies for r in runs]))


def numbers(found: Compared) -> tuple[float, ...]:
    columns = (found.A[:, -2], found.Δ[:, 0], found.costs[:, 0], found.costs[:, -1])
    return tuple(float(np.median(x)) for x in (*columns, found.accuracies[:, -1]))


def _draw(figure: Figure, found: dict[tuple[str, str], Compared]) -> None:
    figure.set_size_inches(15, 8.5)
    for g, row in zip(ACTIVATIONS, figure.subplots(2, 3), strict=True):
        for axes, (x, what, field) in zip(row, PANELS, strict=True):
            for weights, color in zip(SCHEMES, COLORS, strict=False):
                study.median_and_range(axes, getattr(found[g, weights], field), weights, color)
            axes.set_yscale("log")
            study.labelled(axes, x, title=f"{g}: {what}")
        row[0].legend(fontsize=12)
