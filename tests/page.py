"""The page in NumPy and float64, one example and one unit at a time: it shares no line with JAX."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

G: dict[str, Callable[[Vector], Vector]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: np.asarray((np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)),
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "identity": lambda z: z,
    "softmax": lambda z: np.asarray(np.exp(z) / np.sum(np.exp(z))),
}
JACOBIAN: dict[str, Callable[[Vector, Vector], Vector]] = {
    "sigmoid": lambda z, a: np.diag(np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": lambda z, a: np.diag(1 / np.cosh(z) ** 2),
    "relu": lambda z, a: np.diag(np.where(z >= 0, 1.0, 0.0)),
    "leaky_relu": lambda z, a: np.diag(np.where(z >= 0, 1.0, 0.01)),
    "identity": lambda z, a: np.eye(len(z)),
    "softmax": lambda z, a: np.diag(a) - np.outer(a, a),
}
LOSS: dict[str, Callable[[Vector, Vector], np.float64]] = {
    "binary_cross_entropy": lambda a, y: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)),
    "cross_entropy": lambda a, y: -np.sum(y * np.log(a)),
    "squared_error": lambda a, y: np.sum((a - y) ** 2) / 2,
}
DA: dict[str, Callable[[Vector, Vector], Vector]] = {
    "binary_cross_entropy": lambda a, y: -y / a + (1 - y) / (1 - a),
    "cross_entropy": lambda a, y: -y / a,
    "squared_error": lambda a, y: a - y,
}


def forward(names: Sequence[str], params: Any, x: Vector) -> tuple[list[Vector], list[Vector]]:
    """z[1 … L] and a[0 … L] of one example."""
    z, a = [], [x]
    for layer, name in zip(params, names, strict=True):
        z.append(np.sum(layer["W"] * a[-1], axis=1) + layer["b"][:, 0])
        a.append(G[name](z[-1]))
    return z, a


def losses(names: Sequence[str], loss: str, params: Any, X: Vector, Y: Vector) -> Vector:
    return np.array(
        [LOSS[loss](forward(names, params, X[:, i])[1][-1], Y[:, i]) for i in range(X.shape[1])]
    )


def cost(names: Sequence[str], loss: str, params: Any, X: Vector, Y: Vector) -> float:
    return float(np.sum(losses(names, loss, params, X, Y)) / X.shape[1])


def output_delta(name: str, loss: str, Z: Vector, A: Vector, Y: Vector) -> Vector:
    """∂𝓛/∂A through the Jacobian of g, column by column."""
    columns = range(A.shape[1])
    return np.stack(
        [JACOBIAN[name](Z[:, i], A[:, i]).T @ DA[loss](A[:, i], Y[:, i]) for i in columns], axis=1
    )


def backpropagate(
    names: Sequence[str], params: Any, Z: Sequence[Vector], A: Sequence[Vector], delta: Vector
) -> list[Vector]:
    """Δ[1 … L], unit by unit; Z and A hold one array per layer, from 1."""
    deltas = [delta]
    for layer, name, z, a in reversed(
        list(zip(params[1:], names[:-1], Z[:-1], A[:-1], strict=True))
    ):
        pulled = np.zeros_like(z)
        for k, j, i in np.ndindex(*layer["W"].shape, z.shape[1]):
            pulled[j, i] += layer["W"][k, j] * deltas[0][k, i]
        columns = [JACOBIAN[name](z[:, i], a[:, i]).T @ pulled[:, i] for i in range(z.shape[1])]
        deltas.insert(0, np.stack(columns, axis=1))
    return deltas


def gradients(
    A: Sequence[Vector], deltas: Sequence[Vector], weights: Vector
) -> tuple[dict[str, Vector], ...]:
    """The mean over examples of wᵢδᵢaᵢᵀ and wᵢδᵢ; A holds A[0 … L−1]."""
    B, grads = len(weights), []
    for a, delta in zip(A, deltas, strict=True):
        dW, db = np.zeros((len(delta), len(a))), np.zeros((len(delta), 1))
        for i in range(B):
            dW += weights[i] * np.outer(delta[:, i], a[:, i]) / B
            db[:, 0] += weights[i] * delta[:, i] / B
        grads.append({"W": dW, "b": db})
    return tuple(grads)


def backward(
    names: Sequence[str], loss: str, params: Any, X: Vector, Y: Vector, weights: Vector
) -> tuple[dict[str, Vector], ...]:
    """The gradients of J, from one example at a time."""
    passes = [forward(names, params, x) for x in X.T]
    Z = [np.stack(z, axis=1) for z in zip(*(z for z, _ in passes), strict=True)]
    A = [np.stack(a, axis=1) for a in zip(*(a for _, a in passes), strict=True)]
    delta = output_delta(names[-1], loss, Z[-1], A[-1], Y)
    return gradients(A[:-1], backpropagate(names, params, Z, A[1:], delta), weights)


def differences(f: Callable[[Any], float], params: Any, h: float = 1e-3) -> Any:
    """Five-point central differences of f in every entry of W and b: the error is O(h⁴)."""
    grads = [{k: np.zeros_like(x) for k, x in layer.items()} for layer in params]
    for layer, grad in zip(params, grads, strict=True):
        for k, x in layer.items():
            for i in np.ndindex(*x.shape):
                grad[k][i] = _derivative(f, params, x, i, h)
    return tuple(grads)


def _derivative(
    f: Callable[[Any], float], params: Any, x: Vector, i: tuple[int, ...], h: float
) -> float:
    x_i, values = x[i], {}
    for steps in (-2, -1, 1, 2):
        x[i] = x_i + steps * h
        values[steps] = f(params)
    x[i] = x_i
    return (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * h)
