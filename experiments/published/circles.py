"""Initial weights of zeros, large ones and He's, on two circles."""

from pathlib import Path

import optax
from matplotlib.figure import Figure
from sklearn.datasets import make_circles

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
RATE, STEPS = 0.01, 15_000
SCALES = {"zeros": lambda n_in: 0.0, "large": lambda n_in: 10.0, "He": he}
ACCURACIES = {"zeros": ("50", "50"), "large": ("83", "86"), "He": ("99.33", "96")}
HE_COSTS = """
    0.8830537463419761 0.6879825919728063 0.6751286264523372 0.6526117768893807 0.6082958970572938
    0.5304944491717495 0.41386458170717944 0.3117803464844441 0.23696215330322562
    0.18597287209206836 0.15015556280371808 0.12325079292273548 0.09917746546525934
    0.08457055954024273 0.07357895962677362
"""


def load() -> tuple[Examples, Examples]:
    """For training and for test."""
    parts = ((300, 1), (100, 2))
    train, test = (
        examples(*make_circles(n_samples=n, noise=0.05, random_state=seed)) for n, seed in parts
    )
    return train, test


def trained(start: str, steps: int = STEPS, rate: float = RATE) -> Trained:
    params = initial(3, (2, 10, 5, 1), SCALES[start])
    return train(NET, params, load()[0], optax.sgd(rate), steps)


def rows(start: str, run: Trained) -> list[Row]:
    found = [
        Row(f"{start}, {part} accuracy %", published, accuracy(run, data))
        for part, published, data in zip(("train", "test"), ACCURACIES[start], load(), strict=True)
    ]
    return found + (he_costs(run) if start == "He" else [])


def he_costs(run: Trained) -> list[Row]:
    return table.costs("He, cost at ", run.costs, HE_COSTS, 1000)


def outcome(_: Path) -> Outcome:
    runs = {start: trained(start) for start in SCALES}

    def draw(figure: Figure) -> None:
        figure.set_size_inches(14, 8.5)
        for column, (start, run) in zip(figure.subplots(2, 3).T, runs.items(), strict=True):
            drawing.curve(column[0], run, 100, he_costs(run) if start == "He" else [])
            column[0].set_title(f"{start}: rate {RATE}", fontsize=13)
            title = f"{start}: {accuracy(run, load()[0]):.2f} %"
            drawing.boundary(column[1], run, load()[0], title)

    return Outcome([row for start, run in runs.items() for row in rows(start, run)], draw)


RECIPE = Recipe(
    "circles",
    "2 – 10 – 5 – 1 on circles from weights of zeros, large ones and He's, 15,000 steps",
    f"{COURSE_2}, week 1, «Initialization»: K R E A S",
    outcome,
)
