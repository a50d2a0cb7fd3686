"""One figure of a run: its curves, its settings, and what it takes for what."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import pure_nn
from experiments import figures
from experiments.tabular.problem import Problem
from pure_nn.network import Params

TRAINING, VALIDATION = "#2166ac", "#b2182b"
MOST_CLASSES = 20
NOT_SAID = ("data", "features", "out", "keep", "checkpoint_seconds", "verify")


def save(
    path: Path,
    problem: Problem,
    params: Params,
    history: list[dict[str, Any]],
    settings: str = "",
) -> None:
    """As PNG and as SVG; drawn without pyplot's global state."""
    figure = Figure(figsize=(12, 5.5), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2)
    if settings:
        figure.supxlabel(settings, fontsize=9)
    draw_costs(left, history)
    part = problem.validation or problem.training
    name = "training" if problem.validation is None else "validation"
    Yhat = np.asarray(pure_nn.predict(problem.job.net, params, part.X), np.float64)
    _draw_predictions(right, problem, np.asarray(part.Y, np.float64), Yhat, name)
    figure.suptitle(_title(problem, history), fontsize=14)
    figures.write(figure, path)


def settings(asked: dict[str, Any]) -> str:
    """Those that say how it was trained, in lines"""
    said = [f"{name} {value}" for name, value in asked.items() if name not in NOT_SAID]
    return "\n".join("   ".join(said[i : i + 8]) for i in range(0, len(said), 8))


def draw_costs(axes: Axes, history: list[dict[str, Any]]) -> None:
    epochs = [m["epoch"] for m in history]
    draw = axes.semilogy if all(m["cost"] > 0 for m in history) else axes.plot
    mark = ".-" if len(epochs) <= 50 else "-"
    draw(epochs, [m["cost"] for m in history], mark, color=TRAINING, label="training")
    if history and "validation_cost" in history[0]:
        costs = [m["validation_cost"] for m in history]
        draw(epochs, costs, mark, color=VALIDATION, label="validation")
    axes.set_xlabel("epoch")
    axes.set_title("cost J")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    axes.legend()


def _title(problem: Problem, history: list[dict[str, Any]]) -> str:
    sizes = [problem.training.X.shape[0], *(n for n in _units(problem))]
    score = _of_the_weights(problem, history).get(f"validation_{problem.score}")
    said = "" if score is None else f"   validation {problem.score} {score:.4f}"
    return f"{problem.preparation.task}: {'-'.join(map(str, sizes))}{said}"


def _of_the_weights(problem: Problem, history: list[dict[str, Any]]) -> dict[str, Any]:
    """The metrics of the best epoch, where it was looked for; else of the last"""
    if problem.job.patience is not None:
        return min(history, key=lambda m: m["validation_cost"], default={})
    return history[-1] if history else {}


def _units(problem: Problem) -> list[int]:
    return [layer["W"].shape[0] for layer in problem.params]


def _draw_predictions(
    axes: Axes,
    problem: Problem,
    Y: npt.NDArray[np.float64],
    Yhat: npt.NDArray[np.float64],
    name: str,
) -> None:
    if problem.preparation.task == "regression":
        _draw_scatter(axes, Y[0], Yhat[0], name)
    else:
        true, guessed = (_decided(y) for y in (Y, Yhat))
        draw_confusion(axes, true, guessed, [str(c) for c in problem.preparation.classes], name)


def _decided(Y: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.asarray(Y[0] > 0.5 if len(Y) == 1 else np.argmax(Y, axis=0), np.intp)


def draw_confusion(
    axes: Axes,
    true: npt.NDArray[np.intp],
    guessed: npt.NDArray[np.intp],
    classes: list[str],
    name: str,
) -> None:
    """Counts, the right ones in one colour and the wrong ones in another, 0 left out."""
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (true, guessed), 1)
    diagonal = np.eye(len(classes), dtype=bool)
    for part, colours in ((diagonal, "Blues"), (~diagonal, "Reds")):
        seen = np.ma.masked_where(~part | (counts == 0), counts)
        axes.imshow(seen, colours, vmin=0, vmax=2 * max(1, counts[part].max(initial=1)))
    if len(classes) <= MOST_CLASSES:
        for i, j in np.argwhere(counts):
            axes.text(j, i, str(counts[i, j]), ha="center", va="center")
        axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
        axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{name} examples by true and predicted class")


def _draw_scatter(
    axes: Axes, Y: npt.NDArray[np.float64], Yhat: npt.NDArray[np.float64], name: str
) -> None:
    axes.plot(Y, Yhat, ".", color=VALIDATION, alpha=0.6)
    low, high = min(Y.min(), Yhat.min()), max(Y.max(), Yhat.max())
    axes.plot([low, high], [low, high], color="grey", linewidth=1)
    axes.set_xlabel("true, standardised")
    axes.set_ylabel("predicted")
    axes.set_title(f"{name} examples; on the line Ŷ = Y")
