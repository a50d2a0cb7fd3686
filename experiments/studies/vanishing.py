"""Δ that vanish and explode: their size by layer and epoch, by activation and initial weights.

Step 2 of the page multiplies Δ by W[ℓ+1]ᵀ and g′(Z[ℓ]) in every layer: in a deep network it
shrinks or grows with the product of all. Glorot & Bengio, AISTATS 2010; He et al., ICCV 2015.
"""

import dataclasses
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import pure_nn
from experiments.studies import study
from experiments.studies.study import Note, Outcome, Settings

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu")
SCHEMES: dict[str, str | float] = {
    "0.01·randn": 0.01,
    "Xavier": "xavier",
    "He": "he",
    "0.3·randn": 0.3,
}
COLUMNS = ("hidden layers", "weights", "Δ[1]", "Δ[L]", "Δ[1]/Δ[L]", "at the end", "test acc.")
POWERS = (-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100)  # of 10, as the colours are
FAST = {"depth": 8, "epochs": 1}


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Δ that vanish and explode: their size by layer and epoch, by activation and initial
    weights."""

    depth: int = 50
    """Layers."""
    width: int = 64
    """Units of every hidden layer."""
    epochs: int = 10
    """Passes through the digits."""
    learning_rate: float = 0.01
    """Of gradient descent."""
    seed: int = 0
    """For the split, the initial weights and the order of the examples."""


def run(config: Config, note: Note) -> Outcome:
    """In float64, which holds what 50 layers make of 0.01·randn"""
    runs = {}
    with jax.enable_x64(True):
        for g in ACTIVATIONS:
            for weights in SCHEMES:
                note(f"{config.depth} layers, {g}, {weights}")
                runs[g, weights] = trained(config, g, weights)
    rows = [(*key, *numbers(*one)) for key, one in runs.items()]
    maps = {key: sizes for key, (sizes, _) in runs.items()}
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, config, maps))


def trained(config: Config, g: str, weights: str) -> tuple[npt.NDArray[Any], float]:
    """The sizes of Δ[1] … Δ[L] before training and in each epoch, and the test accuracy"""
    net = pure_nn.Network((*[g] * (config.depth - 1), "softmax"))
    sizes = study.sizes(config.depth, config.width)
    optimizer = study.sgd(config.learning_rate)
    task = study.Task(net, sizes, optimizer, config.epochs, study.sizes_of_deltas)
    _, before = study.at_start(task, SCHEMES[weights], config.seed)
    run = study.train(task, SCHEMES[weights], config.seed)
    return np.vstack([before, run.seen]), float(run.accuracies[-1])


def numbers(sizes: npt.NDArray[Any], accuracy: float) -> tuple[float, ...]:
    """Of the first and the last Δ before training, their ratio then and at the end, accuracy"""
    ratios = sizes[[0, -1], 0] / sizes[[0, -1], -1]
    return float(sizes[0, 0]), float(sizes[0, -1]), *map(float, ratios), accuracy


def _draw(figure: Figure, config: Config, maps: dict[tuple[str, str], npt.NDArray[Any]]) -> None:
    """A map for each: layers from left to right, epochs downwards, colours for powers of 10."""
    figure.set_size_inches(15, 11)
    figure.suptitle(f"size of Δ[ℓ], {config.depth} layers", fontsize=17)
    panels = figure.subplots(len(ACTIVATIONS), len(SCHEMES), sharex=True, sharey=True)
    extent = (0.5, config.depth + 0.5, config.epochs + 0.5, -0.5)
    norm = SymLogNorm(linthresh=1, vmin=POWERS[0], vmax=POWERS[-1])
    for axes, ((g, weights), sizes) in zip(panels.flat, maps.items(), strict=True):
        with np.errstate(divide="ignore"):
            powers = np.log10(sizes)
        shown = np.ma.masked_invalid(powers)
        image = axes.imshow(shown, "RdBu_r", norm=norm, extent=extent, aspect="auto")
        axes.set_title(f"{g}, {weights}", fontsize=13)
        axes.set_facecolor("#bbbbbb")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.supxlabel("layer ℓ   (grey: Δ = 0, or not a number)", fontsize=14)
    figure.supylabel("epoch, 0 before training", fontsize=14)
    bar = figure.colorbar(image, ax=panels, shrink=0.6, ticks=POWERS)
    bar.set_ticklabels([f"$10^{{{power}}}$" for power in POWERS])
