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

PER_EXAMPLE = frozenset({"out", "Ŷ", "Δ", "∂𝓛/∂"})


@dataclasses.dataclass(frozen=True)
class Gradient:
    """value_and_grad, and what was said of it; `names` are those of its arguments."""

    value_and_grad: Callable[..., Any]
    names: Sequence[str]
    argnums: int | tuple[int, ...]
    has_value: bool
    outputs: Callable[..., Any] | None
    deltas: Callable[..., Any] | None
    batch: Batch

    def __call__(self, *args: Any) -> Result:
        given = self.value_and_grad(*args)
        J, grads = given if self.has_value else (None, given)
        of_each, of_all = self._by_argument(grads)
        B = float(self.batch.count(args)) if self.batch.reduction == "mean" else 1.0
        result = {"J": J, "grads": of_all, "∂𝓛/∂": scaled(of_each, B)}
        if self.outputs is not None:
            result["Ŷ"] = self.outputs(*args)
        if self.deltas is not None:
            result["Δ"] = _from_one(self.deltas(*args))
        return {name: x for name, x in result.items() if jax.tree.leaves(x)}

    def params(self, args: Args) -> dict[str, Any]:
        """What is differentiated and shared by all examples, as the gradient of it is given"""
        picked = tuple(args[i] for i in self._numbers)
        return self._by_argument(picked[0] if isinstance(self.argnums, int) else picked)[1]

    def with_params(self, args: Args, params: dict[str, Any]) -> Args:
        return tuple(params.get(name, x) for name, x in zip(self.names, args, strict=True))

    def _by_argument(self, grads: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What has an entry for each example, and what has not

        ValueError: another number of gradients than of arguments in `argnums`.
        """
        given = (grads,) if isinstance(self.argnums, int) else tuple(grads)
        _require_one_each("value_and_grad", given, self._numbers)
        return by_argument(dict(zip(self._numbers, given, strict=True)), self.names, self.batch)

    @property
    def _numbers(self) -> tuple[int, ...]:
        return (self.argnums,) if isinstance(self.argnums, int) else self.argnums


@dataclasses.dataclass(frozen=True)
class Rule:
    """forward(*args) -> (out, res) and backward(res, cotangent) -> one cotangent per argument."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    names: Sequence[str]
    batch: Batch

    def __call__(self, *args: Any) -> Result:
        """Of the arguments and the cotangent of out"""
        *given, cotangent = args
        out, residuals = self.forward(*given)
        pulled = tuple(self.backward(residuals, cotangent))
        _require_one_each("backward", pulled, given)
        of_each, of_all = self._by_argument(pulled, given)
        result = {"out": out, "grads": of_all, "∂𝓛/∂": of_each}
        return {name: x for name, x in result.items() if jax.tree.leaves(x)}

    def params(self, args: Args) -> dict[str, Any]:
        return self._by_argument(args, args)[1]

    def _by_argument(
        self, pulled: Sequence[Any], args: Sequence[Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """No cotangents of what is not floating"""
        pairs = enumerate(zip(pulled, args, strict=True))
        kept = {i: c for i, (c, arg) in pairs if any(map(is_floating, jax.tree.leaves(arg)))}
        return by_argument(kept, self.names, self.batch)


def by_argument(
    grads: dict[int, Any], names: Sequence[str], batch: Batch
) -> tuple[dict[str, Any], dict[str, Any]]:
    """By the names of the arguments: those that hold examples, and the others"""
    each = {names[i]: grad for i, grad in grads.items() if i in batch.examples}
    return each, {names[i]: grad for i, grad in grads.items() if i not in batch.examples}


def _require_one_each(what: str, grads: Sequence[Any], args: Sequence[Any]) -> None:
    if len(grads) != len(args):
        raise ValueError(
            f"{what}: expected a gradient for each of {len(args)} arguments, got {len(grads)}"
        )


def _from_one(deltas: Any) -> Any:
    """Counted from 1, as on the page"""
    if isinstance(deltas, list | tuple) and deltas and deltas[0] is not None:
        return (None, *deltas)
    return deltas
