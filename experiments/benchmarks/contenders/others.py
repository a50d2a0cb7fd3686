"""One step of training without JAX: PyTorch, NumPy by hand, scikit-learn."""

import importlib
import os
import warnings
from typing import Any

import jax
import numpy as np

from experiments.benchmarks.problem import Problem, Running, UnfitError, Weights


class Torch:
    """A stack of torch.nn.Linear, its data in rows, and torch.optim.SGD; where JAX computes"""

    def __init__(self, problem: Problem) -> None:
        self.torch: Any = importlib.import_module("torch")
        self.torch.set_num_threads(os.cpu_count() or 1)
        self.on_gpu = jax.default_backend() == "gpu" and self.torch.cuda.is_available()
        where = "cuda" if self.on_gpu else "cpu", getattr(self.torch, problem.dtype)
        if self.on_gpu:
            self.torch.set_float32_matmul_precision("high")  # TF32, as XLA has it
        nn, tensor, (weights, X, labels) = self.torch.nn, self.torch.tensor, problem.arrays
        self.layers = [self._layer(tensor(W), tensor(b[:, 0])) for W, b in weights]
        g = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[problem.hidden]
        self.model = nn.Sequential(*[f for layer in self.layers for f in (layer, g())][:-1])
        self.model.to(*where)
        self.optimizer = self.torch.optim.SGD(self.model.parameters(), lr=problem.learning_rate)
        self.X, one = tensor(X.T.copy()).to(*where), problem.output == "sigmoid"
        Y = tensor(problem.Y.T.copy()).to(where[1]) if one else tensor(labels)
        self.Y = Y.to(where[0])
        self.loss = nn.BCEWithLogitsLoss() if one else nn.CrossEntropyLoss()
        self.J = self.cost

    def _layer(self, W: Any, b: Any) -> Any:
        layer = self.torch.nn.Linear(*W.shape[::-1], dtype=W.dtype)
        with self.torch.no_grad():
            layer.weight.copy_(W)
            layer.bias.copy_(b)
        return layer

    def cost(self, X: Any, Y: Any) -> Any:
        return self.loss(self.model(X), Y)

    def step(self, X: Any, Y: Any) -> Any:
        self.optimizer.zero_grad()
        J = self.J(X, Y)
        J.backward()
        self.optimizer.step()
        return J

    def wait(self) -> None:
        if self.on_gpu:
            self.torch.cuda.synchronize()

    def weights(self) -> Weights:
        read = [(x.weight.detach(), x.bias.detach()[:, None]) for x in self.layers]
        return [(W.cpu().double().numpy(), b.cpu().double().numpy()) for W, b in read]


def pytorch(problem: Problem) -> Running:
    it = Torch(problem)
    return Running(lambda: it.step(it.X, it.Y), it.wait, it.weights)


def pytorch_compiled(problem: Problem) -> Running:
    """torch.compile of the cost, forward and backward; the optimizer is that of every day"""
    it = Torch(problem)
    it.J = it.torch.compile(it.cost)
    return Running(lambda: it.step(it.X, it.Y), it.wait, it.weights)


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
    """UnfitError: it has no fast products of this dtype."""
    if problem.dtype == "bfloat16":
        raise UnfitError("computes in NumPy, which has no products of bfloat16 in its BLAS")


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
