"""Random tasks: 1 to 5 layers, square ones and others, every activation with every loss that fits.

Usual scales, small ones, large ones that saturate, features on scales from 1/1000 to 1000, and
dead units and zero inputs, which put z exactly on the kink of ReLU.
"""

import itertools
from typing import Any

import numpy as np

from verify.networks import PAIRS
from verify.selftest.task import Floats, Layers, Task

HIDDEN = ("tanh", "relu", "sigmoid", "leaky_relu", "tanh", "relu", "identity", "softmax")
USUAL = (("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"))
SCALES = ("usual", "usual", "usual", "small", "large", "ill-scaled features", "zeros")
BATCHES = (1, 2, 3, 5, 8, 13, 32)

Rng = np.random.Generator


def draw(seed: Any, dtype: Any = np.float64, design: int | None = None) -> Task:
    """A task of its own for each seed, whatever the dtype; of one design, all but its numbers"""
    rng = np.random.default_rng(seed)
    shape = rng if design is None else np.random.default_rng(design)
    activations, loss, sizes = _network(shape)
    B = int(shape.choice(BATCHES))
    choices = _choices(shape, activations, sizes, B)
    scale = str(rng.choice(SCALES))
    W, b = _parameters(rng, sizes, scale)
    X = _features(rng, (B, sizes[0]), scale)
    Y = targets(rng, activations[-1], loss, (B, sizes[-1]))
    careful, early = (bool(rng.integers(2)) for _ in range(2))
    seed = int(rng.integers(2**31))
    own = {"careful": careful, "early": early, "scale": scale, "seed": seed}
    return Task(activations, loss, W, b, X, Y, **choices, **own).astype(dtype)


def _choices(rng: Rng, activations: tuple[str, ...], sizes: tuple[int, ...], B: int) -> Any:
    return {
        "l2": float(rng.choice((0, 0, 0.01, 0.1))),
        "masks": _masks(rng, activations, sizes, B),
        "at_zero": float(rng.integers(2)),
        "slope": float(rng.choice((0.01, 0.2))),
    }


def _network(rng: Rng) -> tuple[tuple[str, ...], str, tuple[int, ...]]:
    L = int(rng.integers(1, 6))
    pairs = USUAL if rng.random() < 0.5 else PAIRS
    output, loss = pairs[rng.integers(len(pairs))]
    n = int(rng.integers(2, 9))
    widths = [n] * L if rng.random() < 0.5 else [int(i) for i in rng.integers(2, 12, L)]
    n_L = int(rng.integers(2 if output == "softmax" else 1, 7))
    hidden = tuple(HIDDEN[i] for i in rng.integers(len(HIDDEN), size=L - 1))
    return (*hidden, output), loss, (*widths, n_L)


def _parameters(rng: Rng, sizes: tuple[int, ...], scale: str) -> tuple[Layers, Layers]:
    """He's weights, 1/30 or 5 times as large; no biases where z is to be 0"""
    times = {"small": 1 / 30, "large": 5.0}.get(scale, 1.0)
    W, b = {}, {}
    for k, (n_in, n) in enumerate(itertools.pairwise(sizes), 1):
        W[k] = times * rng.normal(0, np.sqrt(2 / n_in), (n_in, n))
        b[k] = np.zeros((1, n)) if scale == "zeros" else 0.3 * rng.normal(size=(1, n))
        if scale == "zeros":
            W[k][:, rng.integers(n)] = 0
    return W, b


def _features(rng: Rng, shape: tuple[int, int], scale: str) -> Floats:
    X = rng.normal(size=shape)
    if scale == "ill-scaled features":
        return X * 10.0 ** rng.integers(-3, 4, shape[1])
    if scale == "zeros":
        return X * (rng.random((shape[0], 1)) < 0.7)
    return X


def targets(rng: Rng, output: str, loss: str, shape: tuple[int, int]) -> Floats:
    """Classes for softmax, 0 or 1 for other cross-entropies, numbers for squared error"""
    if loss == "squared_error" and output not in ("sigmoid", "softmax"):
        return rng.normal(size=shape)
    if output == "softmax":
        return np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
    return (rng.random(shape) < 0.5).astype(np.float64)


def _masks(rng: Rng, activations: tuple[str, ...], sizes: tuple[int, ...], B: int) -> Layers:
    """Dropout in every hidden layer of one task in five"""
    if rng.random() < 0.8:
        return {}
    keep = float(rng.choice((0.5, 0.8)))
    shapes = {k: (B, sizes[k]) for k in range(1, len(activations))}
    return {k: (rng.random(shape) < keep) / keep for k, shape in shapes.items()}
