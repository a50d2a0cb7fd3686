"""What studies share: a table with its figure, and training on digits with every Δ in sight."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jaxtyping import Array, DTypeLike, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import pure_nn
from experiments import digits
from experiments.digits import CLASSES, PIXELS, Digits
from pure_nn import training
from pure_nn.network import Params
from pure_nn.structure import FromOne

BATCH = 32
LAYER = "layer ℓ"
COLORS = ("#1b9e77", "#d95f02", "#7570b3", "#e7298a", "#666666")
Note = Callable[[str], None]  # told what is being done


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of every study"""

    out: Path | None = None
    """New folder for the table and the figure; the next free runs/studies-N unless given."""
    fast: bool = False
    """A run of seconds, to see that it works: smaller settings, but for those that are given."""


@dataclasses.dataclass(frozen=True)
class OfSeeds(Settings):
    """Of those that compare trained networks"""

    width: int = 64
    """Units of every hidden layer."""
    epochs: int = 20
    """Passes through the digits."""
    seeds: int = 5
    """Runs of each, with the seeds 0, 1, …; tables and figures give their median."""


class Outcome(NamedTuple):
    """What was found: a row for each thing that is compared, and what draws its figure."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]  # words first, then numbers
    draw: Callable[[Figure], None]


class Run(NamedTuple):
    """By epoch: costs, test accuracies, and the mean over its steps of what was observed."""

    params: Params
    costs: npt.NDArray[Any]
    accuracies: npt.NDArray[Any]
    seen: Any


class Task(NamedTuple):
    """A network on the digits, their pixels in [0, `pixel`], in batches of 32."""

    net: pure_nn.Network
    sizes: tuple[int, ...]
    optimizer: optax.GradientTransformation
    epochs: int
    observe: Callable[..., Any] | None = None
    compute_dtype: DTypeLike | None = None
    pixel: float = 1.0


def initial(sizes: tuple[int, ...], scheme: str | float, seed: int) -> Params:
    """By a scheme of `pure_nn.init`, or so large a number times randn"""
    _, key, _ = _keys(seed)
    if isinstance(scheme, str):
        return pure_nn.init(key, sizes, scheme)
    return pure_nn.init(key, sizes, "normal", scale=scheme)


def examples(seed: int, pixel: float = 1.0) -> Digits:
    """In JAX's default float"""
    dtype = jnp.result_type(float)
    parts = ((X.astype(dtype) * pixel, Y.astype(dtype)) for X, Y in digits.load(_keys(seed)[0]))
    return Digits(*parts)


def at_start(
    task: Task, scheme: str | float, seed: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The sizes of A[1] … A[L] and of Δ[1] … Δ[L] before training"""
    X, Y = examples(seed).train
    params = initial(task.sizes, scheme, seed)
    cache = pure_nn.forward(task.net, params, X)
    _, deltas = pure_nn.backward(task.net, params, cache, Y)
    A, Δ = (np.array([size(x) for x in values[1:]]) for values in (cache.A, deltas))
    return A, Δ


def train(task: Task, scheme: str | float, seed: int) -> Run:
    (train, test), accuracies, seen = examples(seed, task.pixel), [], []

    def note(now: training.Progress) -> None:
        assert now.validation is not None, "asked for below"
        accuracies.append(float(now.validation.accuracy))
        seen.append(jax.tree.map(lambda x: np.asarray(x, float).mean(axis=0), now.observed))

    fitted = training.fit(
        task.net,
        initial(task.sizes, scheme, seed),
        *train,
        optimizer=task.optimizer,
        epochs=task.epochs,
        batch_size=BATCH,
        key=_keys(seed)[2],
        observe=task.observe,
        compute_dtype=task.compute_dtype,
        validation=test,
        after_epoch=note,
    )
    stacked = jax.tree.map(lambda *x: np.stack(x), *seen)
    return Run(fitted.params, np.asarray(fitted.costs), np.array(accuracies), stacked)


def _keys(seed: int) -> Array:
    """Of the split, the weights and the order"""
    return jax.random.split(jax.random.key(seed), 3)


def sizes(depth: int, width: int) -> tuple[int, ...]:
    """n[0] … n[L] of L = depth layers"""
    return (PIXELS, *[width] * (depth - 1), CLASSES)


def size(Δ: Float[Array, "..."]) -> Float[Array, ""]:
    """The root of the mean of the squares"""
    return jnp.sqrt(jnp.mean(jnp.square(Δ)))


def sizes_of_deltas(cache: Any, deltas: FromOne, grads: Params) -> Float[Array, " L"]:
    """Of Δ[1] … Δ[L]: what `observe` of `pure_nn.training` takes."""
    return jnp.stack([size(Δ) for Δ in deltas[1:]])


@functools.cache
def sgd(rate: float) -> optax.GradientTransformation:
    """One and the same for one rate, so that equal runs compile once."""
    return optax.sgd(rate)


@functools.cache
def adam(rate: float) -> optax.GradientTransformation:
    return optax.adam(rate)


def median_and_range(axes: Axes, values: npt.NDArray[Any], label: str, color: str) -> None:
    """Of the seeds, which are the first axis, against epochs from 1."""
    epochs = np.arange(1, values.shape[1] + 1)
    axes.fill_between(epochs, values.min(0), values.max(0), color=color, alpha=0.2, linewidth=0)
    axes.plot(epochs, np.median(values, axis=0), color=color, label=label)


def labelled(axes: Axes, x: str, y: str = "", title: str = "") -> None:
    axes.set_xlabel(x, fontsize=13)
    axes.set_ylabel(y, fontsize=13)
    if x in ("epoch", LAYER):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if title:
        axes.set_title(title, fontsize=14)
    axes.tick_params(labelsize=11)
    axes.grid(alpha=0.3)
