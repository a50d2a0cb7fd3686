"""What recipes share: weights from NumPy's seeds, a run through `pure_nn.training`, and its type.

As in their sources, W = scale·randn in the order W1, W2, …, b = 0, a prediction is 1 where A > ½,
and a cost is taken before its update.
"""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jaxtyping import Array, Float, Int
from matplotlib.figure import Figure

import pure_nn
from experiments.published.table import Row
from pure_nn import training
from pure_nn.network import Params

RELU = pure_nn.relu(at_zero=0.0)  # as in the course's code
COURSE = "«Neural Networks and Deep Learning»"
COURSE_2 = "«Improving Deep Neural Networks»"


class Examples(NamedTuple):
    X: Float[Array, "n m"]
    Y: Float[Array, "1 m"]


class Trained(NamedTuple):
    net: pure_nn.Network
    params: Params
    costs: Float[np.ndarray, " steps"]


class Outcome(NamedTuple):
    """The numbers of a recipe, and what draws its figure."""

    rows: list[Row]
    draw: Callable[[Figure], None] | None = None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A published run; `needs` are its files in the data folder."""

    name: str
    about: str
    source: str
    run: Callable[[Path], Outcome]
    needs: tuple[str, ...] = ()


def examples(rows: npt.ArrayLike, labels: npt.ArrayLike) -> Examples:
    """Columns from rows, in float64."""
    return Examples(jnp.asarray(rows, float).T, jnp.asarray(labels, float)[None])


def initial(seed: int, sizes: tuple[int, ...], scale: Callable[[int], float]) -> Params:
    """W[ℓ] = scale(n[ℓ-1])·randn, b[ℓ] = 0"""
    randn = np.random.RandomState(seed).randn
    return tuple(
        {"W": jnp.asarray(scale(n_in) * randn(n, n_in)), "b": jnp.zeros((n, 1))}
        for n_in, n in itertools.pairwise(sizes)
    )


def small(n_in: int) -> float:
    return 0.01


def he(n_in: int) -> float:
    return float(np.sqrt(2 / n_in))


def train(
    net: pure_nn.Network,
    params: Params,
    data: Examples,
    optimizer: optax.GradientTransformation,
    epochs: int,
    batch_size: int | None = None,
    orders: Int[Array, "epochs m"] | None = None,
) -> Trained:
    """One compiled call; without a batch size an epoch is one step on all examples."""
    fitted = training.fit(
        net,
        params,
        *data,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        orders=orders,
    )
    return Trained(net, fitted.params, np.asarray(fitted.costs))


def accuracy(trained: Trained, data: Examples) -> float:
    """In percent."""
    found: Any = training.evaluate(trained.net, trained.params, *data)
    return 100 * float(found.accuracy)
