"""The hand-written side of a check: what is called, and how its result is read.

Each is a function of (args, cotangent) that returns the floating leaves of its value, if it has
one, and one gradient for each differentiated array. Equal ones share their compiled programs.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.tree_util import PyTreeDef

from pure_nn.checks import kind
from verify.checking.inplace import IN_PLACE, copies, differing
from verify.derivatives.evidence import outputs_of_any_kind
from verify.derivatives.programs import Leaves, merged, outputs
from verify.derivatives.refusals import is_floating

Read = tuple[Leaves, Leaves]


class Misfit(Exception):
    """What a function returned does not have the structure that was expected."""


@dataclasses.dataclass(frozen=True)
class Gradient:
    """by_hand(*args), which returns what `jax.grad` or `jax.value_and_grad` would."""

    by_hand: Callable[..., Any]
    expected: PyTreeDef
    has_value: bool
    has_aux: bool

    def __call__(self, args: tuple[Any, ...], cotangent: Leaves) -> Read:
        returned = self.by_hand(*args)
        value, tree = self._value(returned) if self.has_value else (None, returned)
        if self.has_aux and not self._fits(tree) and self._pair(tree):
            tree = tree[0]  # (gradient, auxiliary data)
        if not self._fits(tree):
            raise Misfit(self._complaint(tree))
        return [] if value is None else [value], jax.tree.leaves(tree)

    def _value(self, returned: Any) -> tuple[Any, Any]:
        if not self._pair(returned):
            raise Misfit(
                "expected (value, gradient), as has_value=True says, got "
                f"{said(jax.tree.structure(returned))}"
            )
        value, tree = returned
        return (value[0] if isinstance(value, tuple) and value else value), tree

    def _pair(self, tree: Any) -> bool:
        return isinstance(tree, tuple) and len(tree) == 2

    def _fits(self, tree: Any) -> bool:
        return str(jax.tree.structure(tree)) == str(self.expected)

    def _complaint(self, tree: Any) -> str:
        if tree is None:
            return f"expected {said(self.expected)}, got None; is a return missing?"
        hint = ""
        if self._pair(tree) and self._fits(tree[1]):
            hint = "; if it returns (value, gradient), pass has_value=True"
        elif isinstance(tree, dict):
            hint = "; its keys are those of the arguments: grads['W'] is the gradient of args' 'W'"
        return (
            f"expected {said(self.expected)}, the structure of the differentiated argument, got "
            f"{said(jax.tree.structure(tree))}{hint}"
        )


@dataclasses.dataclass(frozen=True)
class Rule:
    """forward(*args) → (out, res), backward(res, cotangent) → one cotangent per argument."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    out: PyTreeDef
    fillers: tuple[Any, ...]  # the shapes of outputs that are not floating, None for the others
    wanted: tuple[int, ...]
    arrays: tuple[bool, ...]  # of the leaves of all arguments, which are arrays

    def __call__(self, args: tuple[Any, ...], cotangent: Leaves) -> Read:
        out, res = self.forward(*args)
        kept = jax.tree.leaves(res)
        before = copies(kept)
        returned = self.backward(res, self._filled(cotangent))
        if differing(["res"] * len(kept), before, kept):
            raise Misfit(f"backward: of res, what forward keeps for it, {IN_PLACE}")
        if not isinstance(returned, tuple | list) or len(returned) != len(args):
            raise Misfit(
                f"backward: expected a tuple of one cotangent per argument, {len(args)} of them, "
                f"got {kind(returned)}"
            )
        pairs = [pair for x, y in zip(args, returned, strict=True) for pair in self._aligned(x, y)]
        arrays = [pair for pair, is_array in zip(pairs, self.arrays, strict=True) if is_array]
        return outputs_of_any_kind(out), [_cotangent(*arrays[i]) for i in self.wanted]

    def _filled(self, cotangent: Leaves) -> Any:
        rest = iter(cotangent)
        leaves = [
            next(rest) if shape is None else np.zeros(shape, jax.dtypes.float0)
            for shape in self.fillers
        ]
        return jax.tree.unflatten(self.out, leaves)

    def _aligned(self, arg: Any, returned: Any) -> list[tuple[Any, Any]]:
        """Each leaf of an argument beside its cotangent; None stands for zeros of any structure."""
        leaves = jax.tree.leaves(arg)
        if returned is None:
            return [(x, None) for x in leaves]
        found, structure = jax.tree.flatten(returned, is_leaf=lambda x: x is None)
        if str(structure) != str(jax.tree.structure(arg)):
            raise Misfit(
                f"backward: expected a cotangent of the structure of its argument, "
                f"{said(jax.tree.structure(arg))}, got {said(jax.tree.structure(returned))}"
            )
        return list(zip(leaves, found, strict=True))


def _cotangent(x: Any, cotangent: Any) -> Any:
    return np.zeros(np.shape(x), x.dtype) if cotangent is None else cotangent


@dataclasses.dataclass(frozen=True)
class Pullback:
    """jax.vjp of a function with a custom_vjp."""

    f: Callable[..., Any]
    wanted: tuple[int, ...]
    treedef: PyTreeDef
    fixed: tuple[Any, ...]

    def __call__(self, args: tuple[Any, ...], cotangent: Leaves) -> Read:
        leaves = jax.tree.leaves(args)
        arrays = [x for x, fixed in zip(leaves, self.fixed, strict=True) if fixed is None]

        def f(some: Sequence[Any]) -> list[Any]:
            rest = iter(merged(arrays, self.wanted, some))
            filled = [next(rest) if fixed is None else fixed.value for fixed in self.fixed]
            return outputs(self.f(*jax.tree.unflatten(self.treedef, filled)))

        out, pull = jax.vjp(f, [arrays[i] for i in self.wanted])
        return out, pull(list(cotangent))[0]


def said(structure: PyTreeDef) -> str:
    """A structure as a reader knows it"""
    if jax.tree_util.treedef_is_leaf(structure):
        return "one array"
    text = str(structure).removeprefix("PyTreeDef(").removesuffix(")")
    return text if len(text) < 300 else text[:300] + " …"


def unexpected(name: str, x: Any) -> str:
    """Why a cotangent of an argument that is not floating is no answer, or nothing."""
    if x is None or (is_floating(x) is False and getattr(x, "dtype", None) == jax.dtypes.float0):
        return ""
    return f"{name}: expected None (or zeros of dtype float0), its argument has no derivative"
