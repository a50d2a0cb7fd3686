"""Which examples dominate: the largest gradients, and among them labels flipped on purpose.

A tenth of the labels is wrong. Of each example ‖gᵢ‖, from the one backward pass that the gradient
takes: how many of the flipped are among the largest, so many as were flipped (precision at k), and
how often a flipped one is larger than another (AUC). The control flips nothing and marks the same
examples. Reported: Paul, Ganguli & Dziugaite, NeurIPS 2021, find the examples that matter, noisy
ones among them, by norms early in training, and as early as before it, which Kirsch,
arXiv:2303.14753 (2023), could not repeat. Arpit et al., ICML 2017: a network learns what is simple
first and memorises what is noise later, from when on its gradients are small too. Here that depends
on the learning rate: with 0.003 precision falls late, with 0.001 it still rises.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, PRNGKeyArray
from matplotlib.figure import Figure, SubFigure

import pure_nn
from experiments.studies import steps, study
from experiments.studies.steps import Examples, Step
from experiments.studies.study import BATCH, COLORS, Note, OfSeeds, Outcome
from pure_nn import quantities
from pure_nn.network import Params

NET = pure_nn.Network(("tanh", "softmax"))
COLUMNS = (
    "labels",
    "when",
    "epoch",
    "precision at k",
    "AUC",
    "their share",
    "test acc.",
    "reported",
)
REPORTED = {
    "before": "useful (Paul 2021), or not (Kirsch 2023)",
    "early": "high (Paul 2021)",
    "late": "",
}
SHOWN = 20
FAST: dict[str, Any] = {"epochs": 4, "seeds": 1, "early": 2, "width": 32}


@dataclasses.dataclass(frozen=True)
class Config(OfSeeds):
    """Which examples dominate: the largest gradients, and among them labels flipped on purpose."""

    epochs: int = 100
    """Passes through the digits."""
    early: int = 5
    """The epoch that is called early."""
    flipped: float = 0.1
    """Share of the labels that are made wrong."""
    learning_rate: float = 3e-3
    """Of Adam."""
    seeds: int = 3
    """Runs of each, with the seeds 0, 1, …; tables and figures give their median."""


class Run(NamedTuple):
    """By epoch, 0 before training: ‖gᵢ‖ of all, test accuracy; and which were flipped, to what"""

    norms: npt.NDArray[Any]
    accuracies: npt.NDArray[Any]
    marked: npt.NDArray[np.bool]
    data: Examples

    @property
    def found(self) -> npt.NDArray[Any]:
        """Precision at k, AUC, and the marked ones' share of Σ‖gᵢ‖, by epoch"""
        return np.array([how_well(norms, self.marked) for norms in self.norms])


def run(config: Config, note: Note) -> Outcome:
    runs = {}
    for labels in ("flipped", "as they are"):
        note(f"labels {labels}, {config.seeds} seeds")
        seeds = range(config.seeds)
        runs[labels] = [trained(config, seed, labels == "flipped") for seed in seeds]
    whens = {"before": 0, "early": config.early, "late": config.epochs}
    rows = [
        (labels, when, epoch, *numbers(of, epoch), REPORTED[when] if labels == "flipped" else "")
        for labels, of in runs.items()
        for when, epoch in whens.items()
    ]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, config, runs))


def how_well(norms: npt.NDArray[Any], marked: npt.NDArray[np.bool]) -> tuple[float, float, float]:
    """Precision at k = the number marked, AUC, and the share of the sum"""
    k = int(marked.sum())
    largest = np.argsort(-norms)[:k]
    others = np.sort(norms[~marked])
    below = [np.searchsorted(others, norms[marked], side) for side in ("left", "right")]
    auc = np.mean(below) / len(others)  # a tie is half above
    return float(marked[largest].mean()), float(auc), float(norms[marked].sum() / norms.sum())


def trained(config: Config, seed: int, flip: bool) -> Run:
    given, test = study.examples(seed)
    data, marked = with_flips(steps.key_of(seed, 3), given, config.flipped)
    data = data if flip else given
    params = study.initial(study.sizes(2, config.width), "xavier", seed)
    state, step = (params, study.adam(config.learning_rate).init(params)), step_of(config)
    seen = []
    for epoch in range(config.epochs + 1):
        seen.append((norms(state[0], data), steps.accuracy(NET, state[0], test)))
        key = steps.key_of(seed, 4 + epoch)
        state, _ = steps.through(step, state, key, data[0].shape[1] // BATCH, data)
    of_each, accuracies = map(np.array, zip(*seen, strict=True))
    return Run(of_each, accuracies, marked, data)


@functools.cache
def step_of(config: Config) -> Step:
    optimizer = study.adam(config.learning_rate)

    def step(state: Any, key: PRNGKeyArray, data: Examples) -> Any:
        _, grads = pure_nn.value_and_grad(NET, state[0], *steps.drawn(key, data, BATCH))
        return steps.updated(optimizer, grads, state), None

    return step


@jax.jit
def norms(params: Params, data: Examples) -> Float[Array, " m"]:
    """‖gᵢ‖ of every example"""
    _, _, found = quantities.value_and_grad(NET, params, *data, also=("squared_norms",))
    return jnp.sqrt(found["squared_norms"].all)


def with_flips(
    key: PRNGKeyArray, data: Examples, share: float
) -> tuple[Examples, npt.NDArray[np.bool]]:
    """So many labels made another class, each of the others as likely; and which they are"""
    (X, Y), (of_which, of_what) = data, jax.random.split(key)
    classes, m = Y.shape
    which = jax.random.permutation(of_which, m)[: round(share * m)]
    away = jax.random.randint(of_what, which.shape, 1, classes)
    labels = jnp.argmax(Y, axis=0)
    labels = labels.at[which].set((labels[which] + away.astype(labels.dtype)) % classes)
    marked = np.zeros(m, bool)
    marked[np.asarray(which)] = True
    return (X, jax.nn.one_hot(labels, classes, axis=0, dtype=Y.dtype)), marked


def numbers(runs: list[Run], epoch: int) -> tuple[float, ...]:
    found = np.median([of.found[epoch] for of in runs], axis=0)
    return *map(float, found), float(np.median([of.accuracies[epoch] for of in runs]))


def _draw(figure: Figure, config: Config, runs: dict[str, list[Run]]) -> None:
    figure.set_size_inches(14, 13)
    parts: Any = figure.subfigures(3, 1, height_ratios=(1.6, 1, 1))
    above, early, late = parts
    titles = ("precision at k", "AUC", "share of the sum of norms")
    for i, (axes, title) in enumerate(zip(above.subplots(1, 3), titles, strict=True)):
        for (labels, of), color in zip(runs.items(), COLORS, strict=False):
            found = np.array([one.found[1:, i] for one in of])
            study.median_and_range(axes, found, f"labels {labels}", color)
        study.labelled(axes, "epoch", title=f"of the marked: {title}")
        axes.set_ylim(0, 1.02)
    axes.legend(fontsize=12)
    for part, epoch in ((early, config.early), (late, config.epochs)):
        _draw_largest(part, runs["flipped"][0], epoch)


def _draw_largest(figure: SubFigure, run: Run, epoch: int) -> None:
    """The examples of the largest norms, by the labels they were given; red where flipped"""
    figure.suptitle(f"largest ‖gᵢ‖ at epoch {epoch}, with the label given (red: flipped)", size=14)
    X, Y = map(np.asarray, run.data)
    largest = np.argsort(-run.norms[epoch])[:SHOWN]
    panels: Any = figure.subplots(2, SHOWN // 2)
    for axes, i in zip(panels.flat, largest, strict=True):
        axes.imshow(X[:, i].reshape(8, 8), "gray_r", vmin=0, vmax=1)
        axes.set_title(str(Y[:, i].argmax()), color="#b2182b" if run.marked[i] else "black")
        axes.set_axis_off()
