"""Loops, vectors and compiled code: one gradient, written five ways, by the time it takes.

The equations are the same, and so are the Δs to the last few bits; only who loops differs: Python
over every product, Python over examples, NumPy, and XLA. The times are of this machine.
"""

import dataclasses
import math
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

import pure_nn
from experiments.studies import study
from experiments.studies.study import COLORS, Note, Outcome, Settings

Arrays = dict[str, npt.NDArray[Any]]
NET = pure_nn.Network(("tanh", "sigmoid"), "binary_cross_entropy")
SECONDS, FEWEST = 0.2, 3  # measured for each, at least
COLUMNS = ("one gradient by", "examples", "seconds", "times as long as jit", "largest difference")
FAST = {"width": 4, "examples": (1, 10)}


@dataclasses.dataclass(frozen=True)
class Config(Settings):
    """Loops, vectors and compiled code: one gradient, written five ways, by the time it takes."""

    width: int = 32
    """Units of the hidden layer."""
    examples: tuple[int, ...] = (1, 10, 100, 1000)
    """Numbers of digits in a batch; the table shows the last."""


def by_loops(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Arrays:
    """Python over examples, units and inputs"""
    n0, n1, n2, B = len(X), len(W1), len(W2), len(X[0])
    dW1, db1 = [[0.0] * n0 for _ in range(n1)], [0.0] * n1
    dW2, db2 = [[0.0] * n1 for _ in range(n2)], [0.0] * n2
    for i in range(B):
        A1 = [math.tanh(sum(W1[j][k] * X[k][i] for k in range(n0)) + b1[j][0]) for j in range(n1)]
        Z2 = [sum(W2[j][k] * A1[k] for k in range(n1)) + b2[j][0] for j in range(n2)]
        Δ2 = [1 / (1 + math.exp(-Z2[j])) - Y[j][i] for j in range(n2)]
        Δ1 = [sum(W2[k][j] * Δ2[k] for k in range(n2)) * (1 - A1[j] ** 2) for j in range(n1)]
        for dW, db, Δ, A in ((dW2, db2, Δ2, A1), (dW1, db1, Δ1, [x[i] for x in X])):
            for j in range(len(Δ)):
                db[j] += Δ[j] / B
                for k in range(len(A)):
                    dW[j][k] += Δ[j] * A[k] / B
    return {"dW1": np.array(dW1), "db1": np.c_[db1], "dW2": np.array(dW2), "db2": np.c_[db2]}


def by_examples(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Arrays:
    """Python over examples, NumPy over units and inputs"""
    B = X.shape[1]
    sums = {f"d{name}": np.zeros_like(x) for name, x in zip(NAMES, (W1, b1, W2, b2), strict=True)}
    for i in range(B):
        x, y = X[:, i : i + 1], Y[:, i : i + 1]
        A1 = np.tanh(W1 @ x + b1)
        Δ2 = 1 / (1 + np.exp(-(W2 @ A1 + b2))) - y
        Δ1 = W2.T @ Δ2 * (1 - A1**2)
        sums["dW1"] += Δ1 @ x.T
        sums["db1"] += Δ1
        sums["dW2"] += Δ2 @ A1.T
        sums["db2"] += Δ2
    return {name: total / B for name, total in sums.items()}


def by_numpy(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Arrays:
    """NumPy over all"""
    B = X.shape[1]
    A1 = np.tanh(W1 @ X + b1)
    Δ2 = 1 / (1 + np.exp(-(W2 @ A1 + b2))) - Y
    Δ1 = W2.T @ Δ2 * (1 - A1**2)
    return {
        "dW1": Δ1 @ X.T / B,
        "db1": Δ1.mean(axis=1, keepdims=True),
        "dW2": Δ2 @ A1.T / B,
        "db2": Δ2.mean(axis=1, keepdims=True),
    }


def by_pure_nn(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Any:
    """One operation of XLA after the other"""
    _, (first, second) = pure_nn.value_and_grad(NET, ({"W": W1, "b": b1}, {"W": W2, "b": b2}), X, Y)
    return {"dW1": first["W"], "db1": first["b"], "dW2": second["W"], "db2": second["b"]}


NAMES = ("W1", "b1", "W2", "b2")
WAYS: dict[str, Callable[..., Any]] = {
    "loops over every product": by_loops,
    "a loop over examples": by_examples,
    "NumPy, vectorised": by_numpy,
    "pure_nn, eager": by_pure_nn,
    "pure_nn, jit": jax.jit(by_pure_nn),
}


class Timed(NamedTuple):
    seconds: float
    found: Arrays


def run(config: Config, note: Note) -> Outcome:
    with jax.enable_x64(True):
        times = {(way, m): timed(config, way, m, note) for m in config.examples for way in WAYS}
    last = config.examples[-1]
    base = times["pure_nn, jit", last]
    rows = [
        (way, last, one.seconds, one.seconds / base.seconds, difference(one.found, base.found))
        for way, one in ((way, times[way, last]) for way in WAYS)
    ]
    seconds = {way: [times[way, m].seconds for m in config.examples] for way in WAYS}
    return Outcome(COLUMNS, rows, lambda figure: _draw(figure, config, seconds))


def problem(width: int, m: int) -> tuple[npt.NDArray[Any], ...]:
    """W1, b1, W2, b2, X and Y of m digits, ten units saying which it is"""
    X, Y = study.examples(0).train
    params = study.initial((len(X), width, len(Y)), "xavier", 0)
    arrays = [layer[k] for layer in params for k in ("W", "b")]
    return tuple(map(np.asarray, (*arrays, X[:, :m], Y[:, :m])))


def difference(found: Arrays, other: Arrays) -> float:
    """The largest of all entries"""
    return max(float(np.max(np.abs(found[name] - other[name]))) for name in other)


def timed(config: Config, way: str, m: int, note: Note) -> Timed:
    """The median, of calls after the first, which compiles"""
    note(f"{m} examples, {way}")
    given: Any = problem(config.width, m)
    given = [x.tolist() for x in given] if way == "loops over every product" else given
    given = jax.device_put(given) if way.startswith("pure_nn") else given
    found: Any = jax.block_until_ready(WAYS[way](*given))
    times: list[float] = []
    while len(times) < FEWEST or sum(times) < SECONDS:
        start = time.perf_counter()
        jax.block_until_ready(WAYS[way](*given))
        times.append(time.perf_counter() - start)
    return Timed(statistics.median(times), jax.tree.map(np.asarray, found))


def _draw(figure: Figure, config: Config, seconds: dict[str, list[float]]) -> None:
    figure.set_size_inches(13, 5.5)
    bars, lines = figure.subplots(1, 2)
    last = [times[-1] for times in seconds.values()]
    bars.barh(list(seconds), last, color=COLORS[: len(last)])
    bars.invert_yaxis()
    bars.set_xscale("log")
    study.labelled(bars, "seconds", title=f"one gradient of {config.examples[-1]} examples")
    for (way, times), color in zip(seconds.items(), COLORS, strict=True):
        lines.plot(config.examples, times, "o-", color=color, label=way)
    lines.set_xscale("log")
    lines.set_yscale("log")
    study.labelled(lines, "examples", title="seconds for one gradient")
    lines.legend(fontsize=11)
