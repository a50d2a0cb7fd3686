"""What all contenders of a workload are given: a network, its first weights, its data; in NumPy."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.benchmarks.counts import Counts

Array = npt.NDArray[Any]
Weights = list[tuple[Array, Array]]  # W (n_out, n_in) and b (n_out, 1) of each layer


@dataclasses.dataclass(frozen=True)
class Problem:
    """ReLU layers and a softmax with cross-entropy, or as `hidden` and `output` say, by plain
    gradient descent; m examples, taken B at a time, or B in all. `steps`, or `epochs`, are those of
    one call.
    """

    sizes: tuple[int, ...]
    B: int
    m: int = 0
    dtype: str = "float32"
    hidden: str = "relu"
    output: str = "softmax"
    learning_rate: float = 0.1
    steps: int = 1
    epochs: int = 1

    @property
    def activations(self) -> tuple[str, ...]:
        return (*[self.hidden] * (len(self.sizes) - 2), self.output)

    @functools.cached_property
    def arrays(self) -> tuple[Weights, Array, Array]:
        """The first weights, X (n[0], m or B) and the label of each example"""
        rng, m = np.random.default_rng(0), self.m or self.B
        weights = [
            (rng.normal(0, np.sqrt(2 / n_in), (n, n_in)), np.zeros((n, 1)))
            for n_in, n in zip(self.sizes[:-1], self.sizes[1:], strict=True)
        ]
        X = rng.uniform(size=(self.sizes[0], m))
        labels = rng.integers(max(2, self.sizes[-1]), size=m)
        cast = np.float64 if self.dtype == "float64" else np.float32
        return [(W.astype(cast), b.astype(cast)) for W, b in weights], X.astype(cast), labels

    @property
    def Y(self) -> Array:
        """(n[L], m): one-hot, or the label itself of one unit"""
        (_, X, labels), n = self.arrays, self.sizes[-1]
        Y: Array = labels[None] == (np.arange(n)[:, None] if n > 1 else 1)
        return Y.astype(X.dtype)

    @property
    def products(self) -> list[tuple[int, int, int]]:
        """(n, k, m) of every product of a step: WA and ΔAᵀ of each layer, WᵀΔ but of the first"""
        layers = list(zip(self.sizes[:-1], self.sizes[1:], strict=True))
        forward = [(n, n_in, self.B) for n_in, n in layers]
        back = [(n_in, n, self.B) for n_in, n in layers[1:]]
        return forward + back + [(n, self.B, n_in) for n_in, n in layers]

    @property
    def flops(self) -> int:
        """Of the products of one step"""
        return sum(2 * n * k * m for n, k, m in self.products)


class Running(NamedTuple):
    """A contender that is ready: `call` does the work once more, and may return before it is done;
    `wait` ends when it is. `weights` are those of now, and `counted` is of the compiled program,
    where there are any. What is to be done `before` each call is not timed."""

    call: Callable[[], Any]
    wait: Callable[[], Any] = lambda: None
    weights: Callable[[], Weights] | None = None
    counted: Callable[[], Counts] | None = None
    before: Callable[[], Any] | None = None


class UnfitError(Exception):
    """A contender has no such arithmetic."""


class Contender(NamedTuple):
    """`start` builds it and brings the data to where it computes.

    ModuleNotFoundError: what it needs is not installed. UnfitError: it cannot compute this.
    """

    name: str
    start: Callable[[Problem], Running]


class Goal(NamedTuple):
    """The most that our time may be of the fastest of others.

    `what` is the time of a call, or that of the first call of all, which compiles, or not the time
    but the temporary memory. `paired`: the lower end of the interval is to be at most 1; fewer than
    30 rounds, or an interval wider than 0.1, say nothing.
    """

    ours: str
    others: tuple[str, ...]
    most: float
    what: Literal["call", "first call", "temporary memory"] = "call"
    paired: bool = False


@dataclasses.dataclass(frozen=True)
class Workload:
    """Of the contenders the first is the one that the others are compared with.

    One measurement is of as many calls as last so many seconds, by the faster of two tries, but of
    a thousand at most. Those that are alike have the same weights after one call. What is `counted`
    are the programs of those that have one. `gpu`: on others it would take too long.
    """

    name: str
    problem: Problem
    contenders: tuple[Contender, ...]
    goals: tuple[Goal, ...] = ()
    rounds: int = 40
    seconds: float = 0.02
    alike: bool = True
    counted: bool = False
    gpu: bool = False
