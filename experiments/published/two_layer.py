"""A network of two layers on photographs of cats."""

from pathlib import Path

import optax
from matplotlib.figure import Figure

import pure_nn
from experiments.published import cats, drawing, table
from experiments.published.recipe import (
    COURSE,
    RELU,
    Examples,
    Outcome,
    Recipe,
    Trained,
    accuracy,
    initial,
    small,
    train,
)
from experiments.published.table import Row

NET = pure_nn.Network((RELU, "sigmoid"))
RATE, STEPS = 0.0075, 2500
COSTS = """
    0.693049735659989 0.6464320953428849 0.6325140647912677 0.6015024920354665 0.5601966311605747
    0.5158304772764729 0.4754901313943325 0.4339163151225749 0.4007977536203889 0.3580705011323798
    0.3394281538366412 0.3052753636196265 0.27491377282130164 0.24681768210614832
    0.19850735037466102 0.1744831811255665 0.1708076297809593 0.11306524562164734
    0.09629426845937145 0.08342617959726863 0.07439078704319081 0.06630748132267927
    0.05919329501038168 0.05336140348560552 0.04855478562877017
"""
LAST_COST = "0.04421498215868951"
ACCURACIES = ("100", "72")


def trained(data: Examples, steps: int = STEPS, rate: float = RATE) -> Trained:
    params = initial(1, (len(data.X), 7, 1), small)
    return train(NET, params, data, optax.sgd(rate), steps)


def cost_rows(run: Trained) -> list[Row]:
    rows = table.costs("cost at ", run.costs, COSTS, 100)
    return rows + table.costs("cost at ", run.costs, LAST_COST, STEPS, first=STEPS - 1)


def outcome(folder: Path) -> Outcome:
    parts = cats.load(folder)
    run = trained(parts[0])
    named = zip(("train", "test"), ACCURACIES, parts, strict=True)
    rows = cost_rows(run)
    rows += [Row(f"{part} accuracy %", text, accuracy(run, data)) for part, text, data in named]

    def draw(figure: Figure) -> None:
        figure.set_size_inches(8, 5)
        axes = figure.subplots()
        drawing.curve(axes, run, 100, cost_rows(run))
        axes.set_title(f"rate {RATE}: every 100th cost, all (pale), published (○)", fontsize=13)

    return Outcome(rows, draw)


RECIPE = Recipe(
    "two_layer",
    "12288 – 7 – 1 on 209 photographs of cats, 2500 steps",
    f"{COURSE}, week 4, «Deep Neural Network for Image Classification»: R E S",
    outcome,
    cats.FILES,
)
