"""Programs that train a network in NumPy and save what they computed, as students write them."""

import contextlib
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from verify.diagnose import main

Floats = npt.NDArray[Any]
Arrays = dict[str, Any]

G: Mapping[str, Callable[[Floats], Floats]] = {
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "identity": lambda z: z,
}
SLOPE: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "relu": lambda z, a: (z > 0).astype(z.dtype),
    "leaky_relu": lambda z, a: np.where(z > 0, 1, 0.01),
    "tanh": lambda z, a: 1 - a**2,
    "sigmoid": lambda z, a: a * (1 - a),
    "identity": lambda z, a: np.ones_like(z),
}


def softmax(z: Floats, axis: int) -> Floats:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def parameters(sizes: Sequence[int], rng: Any) -> Arrays:
    """W1, b1, … as in the course"""
    found: Arrays = {}
    for l, (n_in, n) in enumerate(itertools.pairwise(sizes), 1):
        found[f"W{l}"] = rng.normal(0, 1 / np.sqrt(n_in), (n, n_in))
        found[f"b{l}"] = rng.normal(0, 0.3, (n, 1))
    return found


def targets(output: str, n: int, B: int, rng: Any) -> Floats:
    if output == "softmax":
        return np.asarray(np.eye(n)[:, rng.integers(0, n, B)])
    return np.asarray(
        rng.integers(0, 2, (n, B)) * 1.0 if output == "sigmoid" else rng.normal(size=(n, B))
    )


def columns(
    activations: Sequence[str],
    sizes: Sequence[int],
    B: int = 7,
    seed: int = 0,
    loss: str = "",
) -> Arrays:
    """The course's program: an example in each column. Δ[L] = A − Y, or by the squared error."""
    rng = np.random.default_rng(seed)
    p, X = parameters(sizes, rng), rng.normal(size=(sizes[0], B))
    Y, L = targets(activations[-1], sizes[-1], B, rng), len(activations)
    A, Z = {0: X}, {}
    for l, g in enumerate(activations, 1):
        Z[l] = p[f"W{l}"] @ A[l - 1] + p[f"b{l}"]
        A[l] = softmax(Z[l], 0) if g == "softmax" else G[g](Z[l])
    dZ, saved = A[L] - Y, p | {"X": X, "Y": Y}
    if loss == "squared_error":
        dZ = dZ * SLOPE[activations[-1]](Z[L], A[L])
    for l in range(L, 0, -1):
        saved[f"dW{l}"] = dZ @ A[l - 1].T / B
        saved[f"db{l}"] = np.sum(dZ, axis=1, keepdims=True) / B
        saved |= {f"Z{l}": Z[l], f"A{l}": A[l], f"dZ{l}": dZ}
        if l > 1:
            dZ = p[f"W{l}"].T @ dZ * SLOPE[activations[l - 2]](Z[l - 1], A[l - 1])
    return saved


def rows(activations: Sequence[str], sizes: Sequence[int], B: int = 7, seed: int = 0) -> Arrays:
    """A program in rows, W of shape (n_in, n), b of shape (1, n), 1/B in Δ."""
    rng = np.random.default_rng(seed)
    p = {k: v.T.copy() for k, v in parameters(sizes, rng).items()}
    x, y = rng.normal(size=(B, sizes[0])), targets(activations[-1], sizes[-1], B, rng).T
    layers: list[tuple[Floats, Floats]] = []
    a = x
    for l, g in enumerate(activations, 1):
        z = a @ p[f"W{l}"] + p[f"b{l}"]
        layers.append((a, z))
        a = softmax(z, 1) if g == "softmax" else G[g](z)
    delta, saved = (a - y) / B, p | {"X": x, "Y": y}
    for l, (before, _) in reversed(list(enumerate(layers, 1))):
        saved |= {f"dW{l}": before.T @ delta, f"db{l}": delta.sum(axis=0, keepdims=True)}
        if l > 1:
            slope = SLOPE[activations[l - 2]]
            delta = delta @ p[f"W{l}"].T * slope(layers[l - 2][1], before)
    return saved


def only(saved: Arrays) -> Arrays:
    """Parameters, data and gradients, without Z, A and dZ"""
    kinds = ("W", "b", "dW", "db", "X", "Y")
    return {name: x for name, x in saved.items() if name.rstrip("0123456789") in kinds}


def scaled(saved: Arrays, s: float) -> Arrays:
    """With gradients of s·J"""
    return {name: x * s if name.startswith("d") else x for name, x in saved.items()}


def renamed(saved: Arrays, names: Mapping[str, str]) -> Arrays:
    """With the pattern of `names` for each of W, b, dW and db, such as "fc{l}.weight" """
    found = {}
    for name, x in saved.items():
        kind, l = name.rstrip("0123456789"), name.lstrip("WbdXY")
        found[names[kind].format(l=l, k=int(l or 1) - 1) if kind in names else name] = x
    return found


def diagnosed(folder: Path, arrays: Arrays, **said: Any) -> tuple[int, str]:
    """The exit code, and all that is printed"""
    path, printed = folder / "saved.npz", io.StringIO()
    np.savez(path, **arrays)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = main(path, **said)
    return code, printed.getvalue()
