"""Logistic regression on photographs of cats, and its learning rates compared."""

from pathlib import Path

import optax
from matplotlib.figure import Figure

import pure_nn
from experiments.published import cats, drawing, table
from experiments.published.recipe import (
    COURSE,
    Examples,
    Outcome,
    Recipe,
    Trained,
    accuracy,
    initial,
    train,
)
from experiments.published.table import Row

NET = pure_nn.Network(("sigmoid",))
RATE, STEPS, STEPS_COMPARED = 0.005, 2000, 1500
COSTS = """
    0.693147 0.584508 0.466949 0.376007 0.331463 0.303273 0.279880 0.260042 0.242941 0.228004
    0.214820 0.203078 0.192544 0.183033 0.174399 0.166521 0.159305 0.152667 0.146542 0.140872
"""
ACCURACIES = {  # on the images for training and for test, by rate
    0.005: ("99.04306220095694", "70.0"),
    0.01: ("99.52153110047847", "68.0"),
    0.001: ("88.99521531100478", "64.0"),
    0.0001: ("68.42105263157895", "36.0"),
}
COLORS = {0.01: "#1b9e77", 0.001: "#d95f02", 0.0001: "#7570b3"}


def trained(data: Examples, rate: float = RATE, steps: int = STEPS) -> Trained:
    zeros = initial(0, (len(data.X), 1), lambda n_in: 0.0)
    return train(NET, zeros, data, optax.sgd(rate), steps)


def cost_rows(run: Trained) -> list[Row]:
    return table.costs(f"rate {RATE}, cost at ", run.costs, COSTS, 100)


def accuracy_rows(rate: float, run: Trained, parts: tuple[Examples, Examples]) -> list[Row]:
    named = zip(("train", "test"), ACCURACIES[rate], parts, strict=True)
    return [
        Row(f"rate {rate:g}, {part} accuracy %", published, accuracy(run, data))
        for part, published, data in named
    ]


def outcome(folder: Path) -> Outcome:
    parts = cats.load(folder)
    runs = {RATE: trained(parts[0])}
    runs |= {rate: trained(parts[0], rate, STEPS_COMPARED) for rate in COLORS}
    rows = cost_rows(runs[RATE])
    rows += [r for rate, run in runs.items() for r in accuracy_rows(rate, run, parts)]

    def draw(figure: Figure) -> None:
        figure.set_size_inches(13, 5)
        left, right = figure.subplots(1, 2)
        drawing.curve(left, runs[RATE], 100, cost_rows(runs[RATE]))
        left.set_title(f"rate {RATE}: every 100th cost, all (pale), published (○)", fontsize=13)
        for rate, color in COLORS.items():
            drawing.curve(right, runs[rate], 100, label=f"rate {rate:g}", color=color)
        right.set_title("learning rates compared: every 100th cost, all (pale)", fontsize=13)
        right.legend(fontsize=12)

    return Outcome(rows, draw)


RECIPE = Recipe(
    "logistic",
    "Logistic regression on 209 photographs of cats, 2000 steps; 1500 at three rates",
    f"{COURSE}, week 2, «Logistic Regression with a Neural Network mindset»: K R E S",
    outcome,
    cats.FILES,
)
