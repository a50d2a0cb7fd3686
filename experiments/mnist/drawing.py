"""One picture of a run: its costs, what it takes for what, and test images that it got wrong."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from experiments import figures
from experiments.mnist.files import SIDE, Images
from experiments.tabular import curves


def save(
    folder: Path, history: list[dict[str, Any]], test: Images, Yhat: npt.NDArray[np.floating[Any]]
) -> None:
    """figure.png and figure.svg; drawn without pyplot's global state."""
    labels, predicted = (np.argmax(np.asarray(y), axis=0) for y in (test.Y, Yhat))
    wrong = np.flatnonzero(labels != predicted)
    rows = math.ceil(min(len(wrong), figures.MOST) / figures.PER_ROW)
    figure = Figure(figsize=(12, 6.6 + 1.5 * rows), dpi=120, layout="constrained")
    right = len(labels) - len(wrong)
    figure.suptitle(f"{right:,} of {len(labels):,} test images right", fontsize=18)
    grid = figure.add_gridspec(2, 1, height_ratios=(6, 0.6 + 1.5 * rows))
    above, below = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    costs, confusion = above.subplots(1, 2)
    curves.draw_costs(costs, history)
    curves.draw_confusion(confusion, labels, predicted, list("0123456789"), "test")
    images = np.asarray(test.X).T[wrong].reshape(-1, SIDE, SIDE)
    figures.draw_wrong(below, rows, images, labels[wrong], predicted[wrong])
    figures.write(figure, folder / "figure")
