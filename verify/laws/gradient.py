"""What a gradient gives, by name: J and grads, and Ŷ and Δ where there are functions for them.

A gradient with respect to an argument that holds examples has an entry for each of them, which is
∂𝓛/∂X once the mean's 1/B is taken out.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax

from verify.laws.batch import Batch, Result, scaled
from verify.laws.program import Args, is_floating

PER_EXAMPLE = frozenset({"out", "Ŷ", "Δ", "∂𝓛/∂args"})


@dataclasses.dataclass(frozen=True)
class Gradient:
    """value_and_grad, and what was said of it."""

    value_and_grad: Callable[..., Any]
    argnums: int | tuple[int, ...]
    has_value: bool
    outputs: Callable[..., Any] | None
    deltas: Callable[..., Any] | None
    batch: Batch

    def __call__(self, *args: Any) -> Result:
        given = self.value_and_grad(*args)
        J, grads = given if self.has_value else (None, given)
        B = float(self.batch.count(args)) if self.batch.reduction == "mean" else 1.0
        result = {"J": J, "grads": self.of_all(grads)}
        result["∂𝓛/∂args"] = scaled(self.of_each(grads), B)
        if self.outputs is not None:
            result["Ŷ"] = self.outputs(*args)
        if self.deltas is not None:
            result["Δ"] = _from_one(self.deltas(*args))
        return {name: x for name, x in result.items() if jax.tree.leaves(x)}

    def params(self, args: Args) -> Any:
        """What is differentiated, in the structure of the gradient"""
        picked = tuple(args[i] for i in self._numbers)
        return picked[0] if isinstance(self.argnums, int) else picked

    def with_params(self, args: Args, params: Any) -> Args:
        new = dict(zip(self._numbers, self._as_tuple(params), strict=True))
        return tuple(new.get(i, x) for i, x in enumerate(args))

    def of_all(self, grads: Any) -> Any:
        """The part that all examples share, None in place of the rest"""
        return self._where(grads, lambda i: i not in self.batch.examples)

    def of_each(self, grads: Any) -> Any:
        return self._where(grads, lambda i: i in self.batch.examples)

    def _where(self, grads: Any, wanted: Callable[[int], bool]) -> Any:
        pairs = zip(self._numbers, self._as_tuple(grads), strict=True)
        parts = tuple(grad if wanted(i) else None for i, grad in pairs)
        return parts[0] if isinstance(self.argnums, int) else parts

    @property
    def _numbers(self) -> tuple[int, ...]:
        return (self.argnums,) if isinstance(self.argnums, int) else self.argnums

    def _as_tuple(self, tree: Any) -> tuple[Any, ...]:
        return (tree,) if isinstance(self.argnums, int) else tuple(tree)


@dataclasses.dataclass(frozen=True)
class Rule:
    """forward(*args) -> (out, res) and backward(res, cotangent) -> one cotangent per argument."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    examples: tuple[int, ...]

    def __call__(self, *args: Any) -> Result:
        """Of the arguments and the cotangent of out; no cotangents of what is not floating"""
        *given, cotangent = args
        out, residuals = self.forward(*given)
        pulled = list(self.backward(residuals, cotangent))
        _require_one_each(pulled, given)
        each = self._where(pulled, given, lambda i: i in self.examples)
        result = {"out": out, "grads": self.of_all(pulled, given), "∂𝓛/∂args": each}
        return {name: x for name, x in result.items() if jax.tree.leaves(x)}

    def of_all(self, cotangents: Sequence[Any], args: Sequence[Any]) -> Any:
        """The part that all examples share, None in place of the rest"""
        return self._where(cotangents, args, lambda i: i not in self.examples)

    @staticmethod
    def _where(
        cotangents: Sequence[Any], args: Sequence[Any], wanted: Callable[[int], bool]
    ) -> tuple[Any, ...]:
        def floating(arg: Any) -> bool:
            return any(map(is_floating, jax.tree.leaves(arg)))

        pairs = enumerate(zip(cotangents, args, strict=True))
        return tuple(c if wanted(i) and floating(arg) else None for i, (c, arg) in pairs)


def _require_one_each(pulled: list[Any], args: list[Any]) -> None:
    if len(pulled) != len(args):
        raise ValueError(
            f"backward: expected {len(args)} cotangents, one for each argument of forward, got "
            f"{len(pulled)}"
        )


def _from_one(deltas: Any) -> Any:
    """Counted from 1, as on the page"""
    if isinstance(deltas, list | tuple) and deltas and deltas[0] is not None:
        return (None, *deltas)
    return deltas
