"""Backpropagation as a student writes it: NumPy, examples in rows, a loop over the layers.

Z[k] = A[k-1]W[k] + b[k],  A[k] = g(Z[k]) ∘ mask        k = 1 … L
D[L] of the loss,  D[k] = (D[k+1]W[k+1]ᵀ ∘ mask) ∘ g′(Z[k])
dW[k] = A[k-1]ᵀD[k] + λW[k],  db[k] = the sum of the rows of D[k]

The mean over the batch is taken in D[L] or in the sums. Nothing here is shared with the code that
judges it. Each step has a name, by which another result can be put in its place; the step «task»
puts another task in its place.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from verify.selftest.task import Floats, Layers, Task

Change = Callable[["Work", int, Floats], Any]  # of the work so far, the layer, and what is right
Changes = Mapping[tuple[str, int], Change]  # by step and layer
Forms = Mapping[str, Callable[[], Any]]
SIMPLIFIED = {("sigmoid", "binary_cross_entropy"), ("softmax", "cross_entropy")}


@dataclasses.dataclass(eq=False)
class Work:
    """A task, and all that has been computed of it."""

    task: Task
    changes: Changes = dataclasses.field(default_factory=dict)
    Z: Layers = dataclasses.field(default_factory=dict)
    G: Layers = dataclasses.field(default_factory=dict)  # g(Z), before dropout
    A: Layers = dataclasses.field(default_factory=dict)
    slope: Layers = dataclasses.field(default_factory=dict)
    dA: Layers = dataclasses.field(default_factory=dict)
    D: Layers = dataclasses.field(default_factory=dict)
    dW: Layers = dataclasses.field(default_factory=dict)
    db: Layers = dataclasses.field(default_factory=dict)

    def step(self, name: str, k: int, right: Any) -> Any:
        """The result of a step, or what a mistake makes of it"""
        right = np.asarray(right).astype(self.task.dtype)
        change = self.changes.get((name, k))
        return right if change is None else np.asarray(change(self, k, right), self.task.dtype)

    def kind(self, k: int) -> str:
        return self.task.activations[k - 1]

    @property
    def late(self) -> float:
        """The mean over the batch, where the sums take it"""
        return 1.0 if self.task.early else 1.0 / self.task.B

    @property
    def mean(self) -> float:
        """The mean over the batch, where D[L] takes it"""
        return 1.0 / self.task.B if self.task.early else 1.0


def gradients(task: Task, changes: Changes | None = None) -> tuple[Layers, Layers]:
    """dW and db of each layer, with mistakes if any are planted"""
    work = work_of(task, changes)
    return (
        {k: array.astype(task.dtype) for k, array in work.dW.items()},
        {k: array.astype(task.dtype) for k, array in work.db.items()},
    )


def work_of(task: Task, changes: Changes | None = None) -> Work:
    changes = changes or {}
    with np.errstate(all="ignore"):
        for (name, _), change in changes.items():
            if name == "task":
                task = change(Work(task), 0, task.X)
        work = Work(task, changes)
        forward(work)
        backward(work)
        return work


def forward(work: Work) -> None:
    t = work.task
    work.A[0] = t.X
    for k in range(1, t.L + 1):
        work.Z[k] = work.step("Z", k, work.A[k - 1] @ t.W[k] + t.b[k])
        work.G[k] = work.step("G", k, activate(work.kind(k), work.Z[k], t.slope))
        work.A[k] = work.G[k] * t.masks[k] if k in t.masks else work.G[k]


def backward(work: Work) -> None:
    t = work.task
    for k in range(t.L, 0, -1):
        if k < t.L:
            carried = work.step("carried", k, work.D[k + 1] @ t.W[k + 1].T)
            masked = carried * t.masks[k] if k in t.masks else carried
            work.dA[k] = work.step("dA", k, masked)
        else:
            work.dA[k] = work.step("dA", k, loss_slope(t.loss, work.G[k], t.Y))
        work.slope[k] = work.step("slope", k, slope(work, k))
        D = through(work, k) if k < t.L else output(work) * work.mean
        work.D[k] = work.step("D", k, D)
        product = work.step("product", k, work.A[k - 1].T @ work.D[k] * work.late)
        work.dW[k] = work.step("dW", k, product + t.l2 * t.W[k])
        summed = np.sum(work.D[k], axis=0, keepdims=True) * work.late
        work.db[k] = work.step("db", k, summed)


def output(work: Work) -> Any:
    """D[L] without the mean: A − Y where loss and output simplify, else by the chain rule"""
    t, L = work.task, work.task.L
    A, Y = work.G[L], t.Y
    if (work.kind(L), t.loss) not in SIMPLIFIED:
        return through(work, L)
    if t.loss == "cross_entropy":
        return A * np.sum(Y, axis=1, keepdims=True) - Y
    if t.careful:
        return (1 - Y) * A - Y * activate("sigmoid", -work.Z[L])
    return A - Y


def through(work: Work, k: int) -> Any:
    """dA through g: times g′, but for softmax, in which each entry depends on all"""
    A, dA = work.G[k], work.dA[k]
    if work.kind(k) == "softmax":
        mean = np.sum(A * dA, axis=1, keepdims=True)
        return A * (dA - mean) if work.task.careful else A * dA - A * mean
    return dA * work.slope[k]


def activate(name: str, Z: Floats, below: float = 0.01) -> Any:
    if name == "softmax":
        E = np.exp(Z - np.max(Z, axis=1, keepdims=True))
        return E / np.sum(E, axis=1, keepdims=True)
    forms: Forms = {
        "identity": lambda: Z,
        "relu": lambda: np.where(Z > 0, Z, 0),
        "leaky_relu": lambda: np.where(Z > 0, Z, below * Z),
        "tanh": lambda: np.tanh(Z),
        "sigmoid": lambda: np.where(Z > 0, 1, np.exp(-np.abs(Z))) / (1 + np.exp(-np.abs(Z))),
    }
    return forms[name]()


def slope(work: Work, k: int) -> Any:
    """g′, entry by entry: of Z carefully, or of A as it stands in the books"""
    t, Z, A, e = work.task, work.Z[k], work.G[k], np.exp(-np.abs(work.Z[k]))
    forms: Forms = {
        "identity": lambda: np.ones_like(Z),
        "softmax": lambda: A * (1 - A),
        "relu": lambda: np.where(Z == 0, t.at_zero, np.where(Z > 0, 1, 0)),
        "leaky_relu": lambda: np.where(Z >= 0, 1, t.slope),
        "tanh": lambda: 4 / (e + 1 / e) ** 2 if t.careful else 1 - A**2,
        "sigmoid": lambda: e / (1 + e) ** 2 if t.careful else A * (1 - A),
    }
    return forms[work.kind(k)]()


def loss_slope(name: str, A: Floats, Y: Floats) -> Any:
    """∂𝓛/∂A of each example"""
    forms: Forms = {
        "squared_error": lambda: A - Y,
        "cross_entropy": lambda: -Y / A,
        "binary_cross_entropy": lambda: -Y / A + (1 - Y) / (1 - A),
    }
    return forms[name]()


def cost(task: Task) -> float:
    """The mean of the losses, and (λ/2) Σ W²"""
    work = Work(task)
    with np.errstate(all="ignore"):
        forward(work)
        A, Y = work.G[task.L], task.Y
        losses: Forms = {
            "squared_error": lambda: (A - Y) ** 2 / 2,
            "cross_entropy": lambda: -times_log(Y, A),
            "binary_cross_entropy": lambda: -times_log(Y, A) - times_log(1 - Y, 1 - A),
        }
        total = float(np.sum(losses[task.loss]()))
    squares = sum(float(np.sum(W.astype(float) ** 2)) for W in task.W.values())
    return total / task.B + task.l2 / 2 * squares


def times_log(Y: Floats, A: Floats) -> Any:
    return np.where(Y == 0, 0, Y * np.log(A))
