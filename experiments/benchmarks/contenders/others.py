"""One step of training without JAX: PyTorch, NumPy by hand, scikit-learn."""

import importlib
import os
import warnings
from typing import Any

import numpy as np

from experiments.benchmarks.problem import Problem, Running, Weights


class Torch:
    """A stack of torch.nn.Linear, its data in rows, and torch.optim.SGD"""

    def __init__(self, problem: Problem) -> None:
        torch: Any = importlib.import_module("torch")
        torch.set_num_threads(os.cpu_count() or 1)
        weights, X, labels = problem.arrays
        dtype = getattr(torch, problem.dtype)
        kind = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}[problem.hidden]
        layers = [torch.nn.Linear(*W.shape[::-1], dtype=dtype) for W, _ in weights]
        with torch.no_grad():
            for layer, (W, b) in zip(layers, weights, strict=True):
                layer.weight.copy_(torch.tensor(W))
                layer.bias.copy_(torch.tensor(b[:, 0]))
        self.layers, between = layers, [getattr(torch.nn, kind)() for _ in layers[1:]]
        alternating = [x for pair in zip(layers, [*between, None], strict=True) for x in pair]
        self.model = torch.nn.Sequential(*alternating[:-1])
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=problem.learning_rate)
        self.X = torch.tensor(X.T.copy()).to(dtype)
        one = problem.output == "sigmoid"
        self.Y = torch.tensor(problem.Y.T.copy()).to(dtype) if one else torch.tensor(labels)
        self.cost = torch.nn.BCEWithLogitsLoss() if one else torch.nn.CrossEntropyLoss()
        self.torch = torch

    def step(self, X: Any, Y: Any) -> Any:
        self.optimizer.zero_grad()
        J = self.cost(self.model(X), Y)
        J.backward()
        self.optimizer.step()
        return J

    def weights(self) -> Weights:
        read = [(x.weight.detach(), x.bias.detach()[:, None]) for x in self.layers]
        return [(W.double().numpy(), b.double().numpy()) for W, b in read]


def pytorch(problem: Problem) -> Running:
    it = Torch(problem)
    return Running(lambda: it.step(it.X, it.Y), weights=it.weights)


def pytorch_compiled(problem: Problem) -> Running:
    """torch.compile of the model, forward and backward; the optimizer is that of every day"""
    it = Torch(problem)
    it.model = it.torch.compile(it.model)
    return Running(lambda: it.step(it.X, it.Y), weights=it.weights)


class NumPy:
    """Vectorised by hand, in columns and in place"""

    def __init__(self, problem: Problem) -> None:
        weights, self.X, _ = problem.arrays
        self.layers = [(W.copy(), b.copy()) for W, b in weights]
        self.problem, self.Y = problem, problem.Y
        self.g, self.g_prime = HIDDEN[problem.hidden]

    def step(self, X: Any, Y: Any) -> Any:
        A = [X]
        for W, b in self.layers[:-1]:
            A.append(self.g(W @ A[-1] + b))
        W, b = self.layers[-1]
        A_L = OUT[self.problem.output](W @ A[-1] + b)
        J = -np.mean(np.log(np.sum(Y * A_L, axis=0) + (1 - np.sum(Y, axis=0)) * (1 - A_L[0])))
        self._backward(A, A_L - Y, self.problem.learning_rate / X.shape[1])
        return J

    def _backward(self, A: Any, Δ: Any, rate: float) -> None:
        for l in range(len(self.layers) - 1, -1, -1):
            W, b = self.layers[l]
            dW, db = Δ @ A[l].T, Δ.sum(axis=1, keepdims=True)
            Δ = W.T @ Δ * self.g_prime(A[l]) if l else Δ
            W -= np.multiply(dW, rate, dtype=W.dtype)
            b -= np.multiply(db, rate, dtype=b.dtype)

    def weights(self) -> Weights:
        return [(W.astype(np.float64), b.astype(np.float64)) for W, b in self.layers]


def _softmax(Z: Any) -> Any:
    E = np.exp(Z - Z.max(axis=0))
    return E / E.sum(axis=0)


def _sigmoid(Z: Any) -> Any:
    return 1 / (1 + np.exp(-Z))


HIDDEN: dict[str, Any] = {
    "relu": (lambda Z: np.maximum(Z, 0), lambda A: A > 0),
    "tanh": (np.tanh, lambda A: 1 - A * A),
    "sigmoid": (_sigmoid, lambda A: A * (1 - A)),
}
OUT: dict[str, Any] = {"softmax": _softmax, "sigmoid": _sigmoid}


def require_numpy(problem: Problem) -> None:
    """ImportError: there is none of this dtype."""
    if problem.dtype == "bfloat16":
        raise ImportError("a NumPy that multiplies bfloat16 matrices")


def numpy(problem: Problem) -> Running:
    require_numpy(problem)
    it = NumPy(problem)
    return Running(lambda: it.step(it.X, it.Y), weights=it.weights)


class ScikitLearn:
    """MLPClassifier by plain gradient descent; partial_fit takes all it is given once"""

    def __init__(self, problem: Problem) -> None:
        neural: Any = importlib.import_module("sklearn.neural_network")
        require_numpy(problem)
        weights, X, labels = problem.arrays
        self.model = neural.MLPClassifier(
            problem.sizes[1:-1], activation=HIDDEN_NAMES[problem.hidden], solver="sgd",
            learning_rate_init=problem.learning_rate, momentum=0.0, alpha=0.0,
            batch_size=problem.B, max_iter=1, shuffle=True, random_state=0,
        )  # fmt: skip
        self.X, self.labels = np.ascontiguousarray(X.T), labels
        first = self.X[: problem.B], labels[: problem.B]
        with warnings.catch_warnings(action="ignore"):
            self.model.partial_fit(*first, classes=np.arange(problem.sizes[-1]))
        self.model.coefs_[:] = [W.T.copy() for W, _ in weights]
        self.model.intercepts_[:] = [b[:, 0].copy() for _, b in weights]

    def call(self) -> None:
        self.model.partial_fit(self.X, self.labels)

    def weights(self) -> Weights:
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [(W.T, b[:, None]) for W, b in pairs]


HIDDEN_NAMES = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


def scikit_learn(problem: Problem) -> Running:
    it = ScikitLearn(problem)
    return Running(it.call, weights=it.weights)
