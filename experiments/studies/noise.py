"""The gradient noise scale over training, beside the batch size at which steps stop paying.

Measured in one backward pass, B_simple = tr Σ/‖G‖², both averaged apart. What it should foretell:
steps and examples to one and the same cost at batch sizes B, each with the best of its learning
rates, follow S = S_min + E_min/B, and the critical batch is E_min/S_min. McCandlish, Kaplan &
Amodei, arXiv:1812.06162 (2018): the scale grows as the cost falls, and foretells the critical
batch to the order of magnitude; on MNIST 900, on the average, beside a critical batch of 200.
One seed: the scale of a run moves by a factor of two with the batch size that it is measured at.
"""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float, Int, PRNGKeyArray
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import pure_nn
from experiments.studies import steps, study
from experiments.studies.steps import Examples, Step
from experiments.studies.study import COLORS, Note, Outcome, Settings
from pure_nn import quantities
from pure_nn.network import Params
from pure_nn.quantities import NoiseScale

NET = pure_nn.Network(("tanh", "softmax"))
COLUMNS = ("", "batch", "best rate", "steps", "examples", "steps fitted", "reported")
MOST_EXAMPLES, FEWEST_STEPS = 40_000, 300  # before a learning rate is given up
BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.12), "ncols": 3}
FAST: dict[str, Any] = {"batch_sizes": (16, 128), "rates": (0.5,), "target": 0.5, "windows": 3}


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """The gradient noise scale over training, beside the batch size at which steps stop paying."""

    width: int = 64
    """Units of the hidden layer."""
    batch_sizes: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512, 1024)
    """B to compare."""
    rates: tuple[float, ...] = (0.12, 0.25, 0.5, 1.0, 2.0)
    """Learning rates of gradient descent, to choose the best from."""
    target: float = 0.15
    """The training cost to come to."""
    windows: int = 10
    """Parts of training, over each of which the noise scale is averaged."""
    seed: int = 0
    """For the split, the initial weights and the batches."""


class Best(NamedTuple):
    """The fewest steps to the target, and the learning rate that they are of; NaN if none does"""

    rate: float
    steps: float


class Measured(NamedTuple):
    """Along one run: by window the step, the cost and the noise scale; and that over all"""

    at: npt.NDArray[Any]
    costs: npt.NDArray[Any]
    scales: npt.NDArray[Any]
    mean: float


def run(config: Config, note: Note) -> Outcome:
    best = {}
    for B in config.batch_sizes:
        note(f"batches of {B}")
        best[B] = fewest(config, B)
    fitted = fit({B: one.steps for B, one in best.items()})
    measured = along(config, *middle(best))
    rows: list[tuple[Any, ...]] = [
        (f"to J = {config.target:g}", B, one.rate, one.steps, B * one.steps, law(fitted, B), "")
        for B, one in best.items()
    ]
    critical, nan = fitted[1] / fitted[0], math.nan
    rows += [
        ("critical batch", critical, nan, *fitted, nan, "200, MNIST (McCandlish 2018)"),
        ("noise scale", measured.mean, nan, nan, nan, nan, "900"),
        ("first", float(measured.scales[0]), nan, nan, nan, nan, "50"),
        ("last", float(measured.scales[-1]), nan, nan, nan, nan, "it grows"),
    ]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, best, fitted, measured))


def fewest(config: Config, B: int) -> Best:
    needed = {rate: steps_to(config, B, rate) for rate in config.rates}
    there = {rate: n for rate, n in needed.items() if math.isfinite(n)}
    if not there:
        return Best(math.nan, math.nan)
    rate = min(there, key=lambda rate: there[rate])
    return Best(rate, there[rate])


def steps_to(config: Config, B: int, rate: float) -> float:
    """∞ where so many examples do not do"""
    most = max(MOST_EXAMPLES // B, FEWEST_STEPS)
    taken, J = _until(config, *_given(config), B, jnp.asarray(rate), most)
    return float(taken) if J <= config.target else math.inf


def _given(config: Config) -> tuple[Params, Examples]:
    params = study.initial(study.sizes(2, config.width), "xavier", config.seed)
    return params, study.examples(config.seed).train


@functools.partial(jax.jit, static_argnames=("config", "B", "most"))
def _until(
    config: Config, params: Params, data: Examples, B: int, rate: Array, most: int
) -> tuple[Int[Array, ""], Float[Array, ""]]:
    """The steps to the target, and the cost of all examples that they came to"""
    key = steps.key_of(config.seed, B)

    def on(state: Any) -> Any:
        i, _, J = state
        return (i < most) & (J > config.target)

    def one(state: Any) -> Any:
        i, params, _ = state
        params, _ = descent(params, jax.random.fold_in(key, i), B, rate, data)
        return i + 1, params, pure_nn.cost(NET, params, *data)

    taken, _, J = jax.lax.while_loop(on, one, (0, params, pure_nn.cost(NET, params, *data)))
    return jnp.asarray(taken), J


def descent(
    params: Params, key: PRNGKeyArray, B: int, rate: Any, data: Examples
) -> tuple[Params, Any]:
    """A step of gradient descent, and the noise scale of its batch, which is free if not used"""
    X, Y = steps.drawn(key, data, B)
    _, grads, found = quantities.value_and_grad(NET, params, X, Y, also=("noise_scale",))
    params = jax.tree.map(lambda p, g: p - rate * g, params, grads)
    return params, found["noise_scale"]


def fit(needed: dict[int, float]) -> tuple[float, float]:
    """S_min and E_min of S = S_min + E_min/B, by least squares of relative errors"""
    B, S = np.array([(B, n) for B, n in needed.items() if math.isfinite(n)]).T
    columns = np.stack([1 / S, 1 / (B * S)], axis=1)
    S_min, E_min = np.linalg.lstsq(columns, np.ones_like(S))[0]
    return float(S_min), float(E_min)


def law(fitted: tuple[float, float], B: Any) -> Any:
    return fitted[0] + fitted[1] / B


def middle(best: dict[int, Best]) -> tuple[int, Best]:
    """A batch size, of those that came to the target, neither small nor large"""
    there = [(B, one) for B, one in best.items() if math.isfinite(one.steps)]
    return there[len(there) // 2]


def along(config: Config, B: int, best: Best) -> Measured:
    """By windows of one run: the trace and the squared norm averaged, then their ratio"""
    windows = min(config.windows, int(best.steps))
    each = int(best.steps) // windows
    (params, data), costs, found = _given(config), [], []
    step = step_of(B)
    for i in range(windows):
        key = steps.key_of(config.seed, 10_000 + i)
        params, seen = steps.through(step, params, key, each, best.rate, data)
        costs.append(float(pure_nn.cost(NET, params, *data)))
        found.append(seen.mean())
    all_of = NoiseScale(*map(jnp.stack, zip(*found, strict=True)))
    at, mean = each * np.arange(1, windows + 1), float(all_of.mean().ratio)
    return Measured(at, np.array(costs), np.asarray(all_of.ratio), mean)


@functools.cache
def step_of(B: int) -> Step:
    def step(params: Params, key: PRNGKeyArray, rate: Any, data: Examples) -> Any:
        return descent(params, key, B, rate, data)

    return step


def _draw(
    figure: Figure, best: dict[int, Best], fitted: tuple[float, float], measured: Measured
) -> None:
    figure.set_size_inches(14, 5.5)
    over, by_batch = figure.subplots(1, 2)
    critical = fitted[1] / fitted[0]
    over.plot(measured.at, measured.scales, "o-", color=COLORS[0], label="noise scale")
    over.axhline(measured.mean, color=COLORS[0], linestyle=":", label="over all of training")
    over.axhline(critical, color=COLORS[1], linestyle="--", label="critical batch")
    over.set_yscale("log")
    study.labelled(over, "step", "examples", "noise scale over training")
    cost = over.twinx()
    over.plot([], [], color=COLORS[4], label="training cost J, right")  # for the legend
    cost.plot(measured.at, measured.costs, color=COLORS[4])
    over.legend(**BELOW)
    _draw_steps(by_batch, best, fitted)
    by_batch.axvline(measured.mean, color=COLORS[0], linestyle=":", label="noise scale")
    by_batch.axvline(critical, color=COLORS[1], linestyle="--", label="critical batch")
    by_batch.legend(**BELOW)


def _draw_steps(axes: Axes, best: dict[int, Best], fitted: tuple[float, float]) -> None:
    B = np.array(list(best))
    needed = np.array([one.steps for one in best.values()])
    axes.loglog(B, needed, "o", color=COLORS[2], label="steps")
    axes.loglog(B, law(fitted, B), color=COLORS[2], label="S_min + E_min/B")
    axes.loglog(B, B * needed, "s", color=COLORS[3], label="examples")
    axes.loglog(B, B * law(fitted, B), color=COLORS[3])
    study.labelled(axes, "batch size B", title="steps and examples to one cost")
