"""One picture of a run: its costs, what it takes for what, and the digits that it got wrong."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from experiments.progress import Metrics

Labels = npt.NDArray[np.integer[Any]]

RIGHT, WRONG = "#2166ac", "#b2182b"
PER_ROW, MOST = 12, 36


def save(
    path: Path, history: Sequence[Metrics], X: npt.ArrayLike, Y: npt.ArrayLike, Yhat: npt.ArrayLike
) -> None:
    """The test at the end of a run, one digit per column; drawn without pyplot's global state."""
    images = np.asarray(X).T.reshape(-1, 8, 8)
    labels, predicted = (np.argmax(np.asarray(y), axis=0) for y in (Y, Yhat))
    wrong = np.flatnonzero(labels != predicted)
    rows = math.ceil(min(len(wrong), MOST) / PER_ROW)
    figure = Figure(figsize=(12, 6.6 + 1.5 * rows), dpi=120, layout="constrained")
    figure.suptitle(f"{len(labels) - len(wrong)} of {len(labels)} test digits right", fontsize=18)
    grid = figure.add_gridspec(2, 1, height_ratios=(6, 0.6 + 1.5 * rows))
    above, below = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    costs, confusion = above.subplots(1, 2)
    _draw_costs(costs, history)
    _draw_confusion(confusion, labels, predicted)
    draw_wrong(below, rows, images[wrong], labels[wrong], predicted[wrong])
    figure.savefig(path)


def write(figure: Figure, path: Path, **options: Any) -> None:
    """As PNG and as SVG"""
    for suffix in (".png", ".svg"):
        figure.savefig(path.with_suffix(suffix), **options)


def _draw_costs(axes: Axes, history: Sequence[Metrics]) -> None:
    epochs = [m.epoch for m in history]
    axes.semilogy(epochs, [m.test_cost for m in history], ".-", color=WRONG, label="test")
    axes.semilogy(epochs, [m.cost for m in history], ".-", color=RIGHT, label="training")
    axes.set_xlim(0.5, len(epochs) + 0.5)
    axes.set_xlabel("epoch", fontsize=13)
    axes.set_title("cost J", fontsize=15)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.tick_params(which="both", labelsize=12)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=13)


def _draw_confusion(axes: Axes, labels: Labels, predicted: Labels) -> None:
    """Counts, the right ones in one colour and the wrong ones in another, 0 left out."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    diagonal = np.eye(10, dtype=bool)
    for part, colours in ((diagonal, "Blues"), (~diagonal, "Reds")):
        seen = np.ma.masked_where(~part | (counts == 0), counts)
        axes.imshow(seen, colours, vmin=0, vmax=2 * max(1, counts[part].max()))
    for i, j in np.argwhere(counts):
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=12)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.tick_params(labelsize=12)
    axes.set_xlabel("predicted", fontsize=13)
    axes.set_ylabel("true", fontsize=13)
    axes.set_title("test digits by true and predicted class", fontsize=15)


def draw_wrong(
    figure: SubFigure, rows: int, images: npt.NDArray[Any], labels: Labels, predicted: Labels
) -> None:
    figure.suptitle(_headline(len(images)), fontsize=15)
    panels = list(figure.subplots(rows, PER_ROW).flat) if rows else []
    for axes in panels:
        axes.set_axis_off()
    for axes, image, true, guess in zip(panels, images, labels, predicted, strict=False):
        axes.imshow(image, "gray_r", vmin=0, vmax=1)
        axes.set_title(f"{true} → {guess}", fontsize=14, color=WRONG)


def _headline(wrong: int) -> str:
    if wrong == 0:
        return "none wrong"
    first = f" (here the first {MOST})" if wrong > MOST else ""
    return f"{wrong} wrong{first}: true → predicted"
