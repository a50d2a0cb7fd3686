"""Laws of a batch: its examples have no order and know nothing of one another.

J = (1/B) Σᵢ 𝓛ᵢ and its gradients are means over the examples, or sums;
Ŷ, Δ and 𝓛 have one entry per example.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from verify.laws.program import Args, is_array

Result = dict[str, Any]
Order = npt.NDArray[np.intp]


class Law(NamedTuple):
    """back(f(changed[0]), f(changed[1]), …) gives results that are f(args), but for rounding."""

    name: str
    changed: Sequence[Args]
    back: Callable[..., Sequence[Result]]


@dataclasses.dataclass(frozen=True)
class Batch:
    """Which arguments, and which of the results, have one entry per example, and on which axis."""

    examples: tuple[int, ...]
    each: frozenset[str]
    axis: int
    B: int
    reduction: Literal["mean", "sum"]

    @classmethod
    def found(
        cls, args: Args, examples: tuple[int, ...], each: frozenset[str], axis: int, reduction: Any
    ) -> "Batch":
        """ValueError: arguments that do not hold the same number of examples, a bad reduction."""
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction: expected 'mean' or 'sum', got {reduction!r}")
        made = cls(examples, each, axis, 0, reduction)
        arrays = made.arrays(args)
        if len({x.shape[axis] for x in arrays}) > 1:
            shapes = ", ".join(str(x.shape) for x in arrays)
            raise ValueError(
                f"expected as many examples in each of args{list(examples)}, got shapes {shapes} "
                f"with the examples along axis {axis}; say which arguments hold them, as in "
                "examples=(1, 2), and along which axis, as in example_axis=0"
            )
        return dataclasses.replace(made, B=made.count(args))

    def arrays(self, args: Args) -> list[Any]:
        """Those that hold examples; a number belongs to all of them"""
        leaves = (x for i in self.examples for x in jax.tree.leaves(args[i]))
        return [x for x in leaves if is_array(x) and x.ndim]

    def count(self, args: Args) -> int:
        return max((int(x.shape[self.axis]) for x in self.arrays(args)), default=0)

    def take(self, args: Args, order: Order) -> Args:
        return tuple(self.of(x, order) if i in self.examples else x for i, x in enumerate(args))

    def of(self, tree: Any, order: Order) -> Any:
        def taken(x: Any) -> Any:
            return np.take(x, order, self.axis) if is_array(x) and np.ndim(x) else x

        return jax.tree.map(taken, tree)

    def back(self, result: Result, order: Order, share: float = 1.0) -> Result:
        """The results of some examples, and this share of what is shared by all"""
        return {
            name: self.of(x, order) if name in self.each else scaled(x, share)
            for name, x in result.items()
        }


def permuted(batch: Batch, args: Args, rng: np.random.Generator) -> Law:
    """Means, sums and gradients stay; Ŷ and Δ are permuted alike."""
    order = cycle(batch.B, rng)
    inverse = np.argsort(order)
    return Law("a permuted batch", [batch.take(args, order)], lambda r: [batch.back(r, inverse)])


def duplicated(batch: Batch, args: Args) -> Law:
    """Means stay, sums double; Ŷ and Δ are repeated."""
    once = np.arange(batch.B)
    share = 1.0 if batch.reduction == "mean" else 0.5

    def back(result: Result) -> Sequence[Result]:
        return [batch.back(result, once, share), batch.back(result, once + batch.B, share)]

    return Law("a duplicated batch", [batch.take(args, np.concatenate([once, once]))], back)


def divided(batch: Batch, args: Args) -> Law:
    """The whole is the sum of two parts, each mean weighted with its examples."""
    every = np.arange(batch.B)
    parts = np.array_split(every, 2)
    shares = [len(part) / batch.B if batch.reduction == "mean" else 1.0 for part in parts]

    def back(one: Result, other: Result) -> Sequence[Result]:
        return [{name: together(name, one[name], other[name]) for name in one}]

    def together(name: str, one: Any, other: Any) -> Any:
        if name in batch.each:
            return jax.tree.map(lambda x, y: np.concatenate([x, y], batch.axis), one, other)
        return jax.tree.map(lambda x, y: shares[0] * x + shares[1] * y, one, other)

    return Law("a divided batch", [batch.take(args, part) for part in parts], back)


def cycle(n: int, rng: np.random.Generator) -> Order:
    """A random permutation in which everything moves"""
    around = rng.permutation(n)
    order = np.empty_like(around)
    order[around] = np.roll(around, 1)
    return order


def scaled(tree: Any, by: float) -> Any:
    return jax.tree.map(lambda x: by * x, tree)
