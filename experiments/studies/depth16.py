"""Δ in depth that are exactly 0 in 16 bits: accurate derivatives, naive ones, and float64.

One and the same network, of weights and pixels that bfloat16 holds, computed in each dtype. Where
1 − A² or A(1 − A) is taken of an A that was rounded to 1, Δ is 0, and A − Y where a right answer is
confident. With the accurate derivatives only what is smaller than the dtype holds is lost: next to
nothing in bfloat16, whose range is that of float32, and the small ones in float16. Reported:
Micikevicius et al., ICLR 2018, scale the loss as Δ underflow in float16; Kalamkar et al.,
arXiv:1905.12322 (2019), train with bfloat16 without.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float
from matplotlib.figure import Figure

import pure_nn
from experiments.studies import study
from experiments.studies.half_precision import NAIVE, PIXEL, naive_cross_entropy
from experiments.studies.study import COLORS, Note, Outcome, Settings
from pure_nn.network import Params

COLUMNS = (
    "hidden layers",
    "weights",
    "derivatives",
    "dtype",
    "Δ[1] = 0",
    "Δ[L/2] = 0",
    "Δ[L] = 0",
    "Δ[1] error",
    "reported",
)
REPORTED = {
    "accurate, bfloat16": "no loss scaling (Kalamkar 2019)",
    "accurate, float16": "Δ underflow (Micikevicius 2018)",
}
LARGE = "0.5·randn"
FAST: dict[str, Any] = {"depth": 4, "width": 16, "epochs": 2}


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Δ in depth that are exactly 0 in 16 bits: accurate derivatives, naive ones, and float64."""

    depth: int = 12
    """Layers."""
    width: int = 64
    """Units of every hidden layer."""
    epochs: int = 30
    """Passes through the digits, in float32 with the accurate derivatives."""
    learning_rate: float = 1e-3
    """Of Adam."""
    seed: int = 0
    """For the split, the initial weights and the order of the examples."""


class Way(NamedTuple):
    """How derivatives are written, and what all is computed in"""

    naive: bool
    dtype: str

    @property
    def label(self) -> str:
        return f"{'naive' if self.naive else 'accurate'}, {self.dtype}"


EXACT = Way(False, "float64")
WAYS = (EXACT, Way(False, "bfloat16"), Way(True, "bfloat16"), Way(False, "float16"))


class Lost(NamedTuple):
    """The part of Δ[1] … Δ[L] that is 0, and ‖Δ[1] − exact‖/‖exact‖"""

    zero: npt.NDArray[Any]
    error: float


def run(config: Config, note: Note) -> Outcome:
    found = {}
    for g in NAIVE:
        note(f"{config.depth} layers, {g}")
        for when, params in weights(config, g).items():
            found[g, when] = compared(config, g, params)
    rows = [
        (*key, *way.label.split(", "), *numbers(one), REPORTED.get(way.label, ""))
        for key, of in found.items()
        for way, one in of.items()
    ]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, found))


def weights(config: Config, g: str) -> dict[str, Params]:
    """Small, as trained from them, and so large that every layer is saturated"""
    sizes, optimizer = study.sizes(config.depth, config.width), study.adam(config.learning_rate)
    task = study.Task(net_of(g, config.depth), sizes, optimizer, config.epochs, pixel=PIXEL)
    before = study.initial(sizes, "xavier", config.seed)
    trained = study.train(task, "xavier", config.seed).params
    return {"Xavier": before, "trained": trained, LARGE: study.initial(sizes, 0.5, config.seed)}


def net_of(g: str, depth: int, naive: bool = False) -> pure_nn.Network:
    if naive:
        return pure_nn.Network((*[NAIVE[g]] * (depth - 1), "softmax"), naive_cross_entropy())
    return pure_nn.Network((*[g] * (depth - 1), "softmax"))


def compared(config: Config, g: str, params: Params) -> dict[Way, Lost]:
    """Of all training examples, by each way, beside float64"""
    given = params, *study.examples(config.seed, PIXEL).train
    rounded = jax.tree.map(lambda x: x.astype("bfloat16"), given)
    with jax.enable_x64(True):
        nets = {way: net_of(g, config.depth, way.naive) for way in WAYS}
        deltas = {way: deltas_of(net, way.dtype, rounded) for way, net in nets.items()}
        found = {way: tuple(map(np.asarray, of)) for way, of in deltas.items()}
    return {way: lost(Δ, found[EXACT]) for way, Δ in found.items()}


@functools.partial(jax.jit, static_argnames="dtype")
def deltas_of(net: pure_nn.Network, dtype: str, given: Any) -> tuple[Float[Array, "_ B"], ...]:
    """Δ[1] … Δ[L] of params, X and Y, computed in the dtype and then of float64"""
    params, X, Y = jax.tree.map(lambda x: x.astype(dtype), given)
    _, deltas = pure_nn.backward(net, params, pure_nn.forward(net, params, X), Y)
    return tuple(Δ.astype("float64") for Δ in deltas[1:])


def lost(deltas: tuple[Any, ...], exact: tuple[Any, ...]) -> Lost:
    error = np.linalg.norm(deltas[0] - exact[0]) / np.linalg.norm(exact[0])
    return Lost(np.array([np.mean(Δ == 0) for Δ in deltas]), float(error))


def numbers(found: Lost) -> tuple[float, ...]:
    middle = (len(found.zero) - 1) // 2
    return *map(float, found.zero[[0, middle, -1]]), found.error


def _draw(figure: Figure, found: dict[tuple[str, str], dict[Way, Lost]]) -> None:
    figure.set_size_inches(16, 9)
    figure.suptitle("part of Δ[ℓ] that is exactly 0", fontsize=16)
    panels = figure.subplots(2, 3, sharey=True).flat
    for axes, ((g, when), of) in zip(panels, found.items(), strict=True):
        for (way, one), color, mark in zip(of.items(), COLORS, "osd^", strict=False):
            layers = np.arange(1, len(one.zero) + 1)
            axes.plot(layers, one.zero, mark, linestyle="-", color=color, label=way.label)
        study.labelled(axes, study.LAYER, title=f"{g}, {when}")
        axes.set_ylim(-0.03, 1.03)
    axes.legend(fontsize=12)
