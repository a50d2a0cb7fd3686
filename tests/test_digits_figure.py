"""The picture is drawn whatever went wrong: nothing, a row of digits, or more than fit."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from experiments import figures
from experiments.progress import Metrics

HISTORY = [Metrics(i, 1 / i, 2 / i, 0.5, 0.25, 0.1) for i in (1, 2, 3)]
X = np.random.default_rng(0).random((64, 50))


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(10)[:, labels]


@pytest.mark.parametrize(
    ("wrong", "epochs", "height"), [(0, 1, 792), (12, 3, 972), (13, 1, 1152), (50, 3, 1332)]
)
def test_a_row_more_for_twelve_digits_more(
    tmp_path: Path, wrong: int, epochs: int, height: int
) -> None:
    labels = np.arange(50) % 10
    predicted = (labels + (np.arange(50) < wrong)) % 10
    path = tmp_path / "figure.png"
    figures.save(path, HISTORY[:epochs], X, one_hot(labels), one_hot(predicted))
    assert image.imread(path).shape == (height, 1440, 4)


@pytest.mark.parametrize(
    ("wrong", "headline"),
    [
        (0, "none wrong"),
        (36, "36 wrong: true → predicted"),
        (37, "37 wrong (here the first 36): true → predicted"),
    ],
)
def test_the_headline_counts(wrong: int, headline: str) -> None:
    assert figures._headline(wrong) == headline
