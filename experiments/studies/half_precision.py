"""bfloat16 with accurate derivatives and with naive ones: Δ that are lost, and what it costs.

A is kept in 8 bits, so that 1 − A² is 0 from |z| = 3.5, A(1 − A) from z = 6, and A − Y where a
right answer is confident. The products are of bfloat16, the weights that are updated of float32.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float
from matplotlib.figure import Figure

import pure_nn
from experiments.studies import study
from experiments.studies.study import COLORS, Note, OfSeeds, Outcome
from pure_nn.network import Params
from pure_nn.structure import Cache, FromOne

COLUMNS = (
    "hidden layers",
    "derivatives",
    "dtype",
    "last cost",
    "test acc.",
    "lowest",
    "Δ[1] = 0",
    "Δ[1] error",
)
PIXEL = 16.0  # as they come: units saturate
FAST = {"epochs": 2, "seeds": 1}


@dataclasses.dataclass(frozen=True)
class Config(OfSeeds):
    """bfloat16 with accurate derivatives and with naive ones: Δ that are lost, and what it
    costs."""

    epochs: int = 60
    """Passes through the digits."""
    learning_rate: float = 0.003
    """Of Adam."""


class Way(NamedTuple):
    """How derivatives are written, and what the products are computed in."""

    g: str
    naive: bool
    dtype: str

    @property
    def net(self) -> pure_nn.Network:
        if not self.naive:
            return pure_nn.Network((self.g, self.g, "softmax"))
        return pure_nn.Network((NAIVE[self.g], NAIVE[self.g], "softmax"), naive_cross_entropy())

    @property
    def label(self) -> str:
        return f"{'naive' if self.naive else 'accurate'}, {self.dtype}"


class Compared(NamedTuple):
    """By seed, and the first three by epoch."""

    costs: npt.NDArray[Any]
    accuracies: npt.NDArray[Any]
    zero: npt.NDArray[Any]  # the part of Δ[1] that is 0
    errors: npt.NDArray[Any]  # of Δ[1] after training, in its norm


def run(config: Config, note: Note) -> Outcome:
    found = {}
    for way in WAYS:
        note(f"{way.g}, {way.label}, {config.seeds} seeds")
        found[way] = compared(config, way)
    rows = [(way.g, *way.label.split(", "), *numbers(one)) for way, one in found.items()]
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, found))


def compared(config: Config, way: Way) -> Compared:
    sizes, optimizer = study.sizes(3, config.width), study.adam(config.learning_rate)
    task = study.Task(way.net, sizes, optimizer, config.epochs, see, way.dtype, PIXEL)
    runs = [study.train(task, "xavier", seed) for seed in range(config.seeds)]
    errors = [error(way, one.params, seed) for seed, one in enumerate(runs)]
    by_seed = ((r.costs, r.accuracies, r.seen, e) for r, e in zip(runs, errors, strict=True))
    return Compared(*map(np.array, zip(*by_seed, strict=True)))


def see(cache: Cache, deltas: FromOne, grads: Params) -> Float[Array, ""]:
    """What `observe` of `pure_nn.training` takes."""
    return jnp.mean(deltas[1] == 0)


def error(way: Way, params: Params, seed: int) -> float:
    """‖Δ[1] − exact‖/‖exact‖, where exact are the accurate derivatives in float64 of the same
    weights and pixels, rounded to the dtype"""
    data = study.examples(seed, PIXEL).train
    given = jax.tree.map(lambda x: x.astype(way.dtype), (params, *data))
    Δ = _first_delta(way.net, *given)
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: x.astype("float64"), given)
        exact = _first_delta(way._replace(naive=False).net, *wide)
        return float(np.linalg.norm(Δ - exact) / np.linalg.norm(exact))


def _first_delta(net: pure_nn.Network, params: Params, X: Array, Y: Array) -> npt.NDArray[Any]:
    _, deltas = pure_nn.backward(net, params, pure_nn.forward(net, params, X), Y)
    return np.asarray(deltas[1], np.float64)


def numbers(found: Compared) -> tuple[float, ...]:
    last = found.accuracies[:, -1]
    columns = (found.costs[:, -1], last, last.min(), found.zero[:, -1], found.errors)
    return tuple(float(np.median(x)) for x in columns)


# the naive derivatives


def _one_minus_square(Z: Array, A: Array) -> Array:
    return 1 - A * A


def _times_complement(Z: Array, A: Array) -> Array:
    return A * (1 - A)


def _difference(Z: Array, A: Array, Y: Array) -> Array:
    return A - Y


NAIVE = {
    "tanh": pure_nn.Activation("tanh, 1 − A²", jnp.tanh, _one_minus_square, range=(-1.0, 1.0)),
    "sigmoid": pure_nn.Activation(
        "σ, A(1 − A)", jax.nn.sigmoid, _times_complement, range=(0.0, 1.0)
    ),
}
WAYS = [
    Way(g, naive, dtype)
    for g in NAIVE
    for dtype in ("float32", "bfloat16")
    for naive in (False, True)
]


def naive_cross_entropy() -> pure_nn.Loss:
    """Δ[L] = A − Y of A as it was rounded"""
    right = pure_nn.cross_entropy()
    value, dA = right.functions
    direct = {pure_nn.softmax(): _difference}
    from_Z = dict(right.from_Z)
    return pure_nn.Loss("A − Y", value, dA, right.domain, direct=direct, from_Z=from_Z)


def _draw(figure: Figure, found: dict[Way, Compared]) -> None:
    figure.set_size_inches(13, 9)
    panels = dict(zip(NAIVE, figure.subplots(2, 2), strict=True))
    for i, (way, one) in enumerate(found.items()):
        color = COLORS[i % (len(WAYS) // len(NAIVE))]
        costs, zero = panels[way.g]
        study.median_and_range(costs, one.costs, way.label, color)
        study.median_and_range(zero, one.zero, way.label, color)
    for g, (costs, zero) in panels.items():
        costs.set_yscale("log")
        costs.legend(fontsize=12)
        study.labelled(costs, "epoch", title=f"{g}: cost J")
        study.labelled(zero, "epoch", title=f"{g}: part of Δ[1] that is 0")
