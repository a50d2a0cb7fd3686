"""Backpropagation in NumPy as students write it, in parts that a test can replace by wrong ones."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
ACTIVATIONS = ("relu", "relu", "softmax")


def affine(W: Floats, b: Floats, A: Floats) -> Any:
    with np.errstate(invalid="ignore"):  # BLAS raises the flag for lanes that it does not use
        return W @ A + b


def relu(Z: Floats) -> Any:
    return np.maximum(Z, 0)


def softmax(Z: Floats) -> Any:
    E = np.exp(Z - Z.max(axis=0, keepdims=True))
    return E / E.sum(axis=0, keepdims=True)


def cross_entropy(A: Floats, Y: Floats) -> Any:
    return -np.sum(Y * np.log(A)) / Y.shape[1]


@dataclasses.dataclass(frozen=True)
class Student:
    """ReLU, ReLU, softmax with the mean of the cross-entropy, one example per column."""

    features: Callable[[Floats], Floats] = lambda X: X
    affine: Callable[[Floats, Floats, Floats], Floats] = affine
    g: Callable[[Floats], Floats] = relu
    slope: Callable[[Floats], Floats] = lambda Z: (Z > 0).astype(Z.dtype)
    output: Callable[[Floats], Floats] = softmax
    cost: Callable[[Floats, Floats], Any] = cross_entropy
    delta: Callable[[Floats, Floats], Floats] = lambda A, Y: A - Y
    pull: Callable[[Floats, Floats], Floats] = lambda W, Δ: W.T @ Δ
    sums: Callable[[Floats, Floats], dict[str, Floats]] = lambda Δ, A: {
        "W": Δ @ A.T / Δ.shape[1],
        "b": np.sum(Δ, axis=1, keepdims=True) / Δ.shape[1],
    }

    def forward(self, params: Any, X: Floats) -> tuple[list[Floats], list[Floats]]:
        Z: list[Floats] = []
        A = [self.features(X)]
        for layer in params:
            Z.append(self.affine(layer["W"], layer["b"], A[-1]))
            A.append(self.output(Z[-1]) if layer is params[-1] else self.g(Z[-1]))
        return Z, A

    def deltas(self, params: Any, X: Floats, Y: Floats) -> list[Floats]:
        Z, A = self.forward(params, X)
        Δ = [self.delta(A[-1], Y)]
        for layer, z in zip(params[:0:-1], Z[-2::-1], strict=True):
            Δ.insert(0, self.pull(layer["W"], Δ[0]) * self.slope(z))
        return Δ

    def value_and_grad(self, params: Any, X: Floats, Y: Floats) -> tuple[Any, Any]:
        _, A = self.forward(params, X)
        Δ = self.deltas(params, X, Y)
        grads = tuple(self.sums(d, a) for d, a in zip(Δ, A[:-1], strict=True))
        return self.cost(A[-1], Y), grads


def arguments(B: int = 6, seed: int = 0, dtype: str = "float64") -> tuple[Any, Floats, Floats]:
    """Parameters, inputs and one-hot targets; W[2] is square, so that its transpose fits."""
    rng = np.random.default_rng(seed)
    params = tuple(
        {
            "W": rng.normal(0, 0.5, (n, n_in)).astype(dtype),
            "b": rng.normal(0, 0.5, (n, 1)).astype(dtype),
        }
        for n_in, n in ((4, 5), (5, 5), (5, 3))
    )
    Y = np.eye(3)[:, rng.permutation(np.arange(B) % 3)]
    return params, rng.normal(size=(4, B)).astype(dtype), Y.astype(dtype)
