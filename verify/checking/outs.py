"""What a function of several outputs returns, and cotangents for it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.tree_util import PyTreeDef

from pure_nn.checks import kind
from verify.checking.references import Label
from verify.derivatives.programs import Leaves
from verify.derivatives.refusals import dtype_of, is_floating, require_real

COTANGENTS = 3


@dataclasses.dataclass(frozen=True)
class Outs:
    """Its structure, the floating leaves with their names, and the shapes of those that are not"""

    structure: PyTreeDef
    floating: Leaves
    labels: Sequence[Label]
    fillers: tuple[tuple[int, ...] | None, ...]

    def cotangents(self, given: Any, rng: np.random.Generator) -> list[Leaves]:
        """Those of the user, or random ones: never all of one sign or size"""
        if given is None:
            return [[self._random(x, rng) for x in self.floating] for _ in range(COTANGENTS)]
        found = [self._leaves(tree) for tree in given]
        if len(found) < 2:
            raise ValueError(f"cotangents: expected two or more, got {len(found)}")
        return found

    def _random(self, x: Any, rng: np.random.Generator) -> Any:
        return np.asarray(rng.normal(size=np.shape(x))).astype(dtype_of(x))

    def _leaves(self, tree: Any) -> Leaves:
        leaves, structure = jax.tree.flatten(tree)
        if str(structure) != str(self.structure) or any(
            np.shape(v) != np.shape(x) for v, x in zip(leaves, self.floating, strict=False)
        ):
            raise ValueError(
                f"cotangents: expected each of the structure and shapes of the output, "
                f"{self.structure}, got {structure} of {[np.shape(v) for v in leaves]}"
            )
        pairs = zip(leaves, self.floating, strict=True)
        return [np.asarray(v).astype(dtype_of(x)) for v, x in pairs]


def described(name: str, out: Any) -> Outs:
    """TypeError: no output is floating, or one is complex or not an array of NumPy or JAX."""
    paths, structure = jax.tree_util.tree_flatten_with_path(out)
    labelled = [(f"out{jax.tree_util.keystr(path)}", x) for path, x in paths]
    for label, x in labelled:
        require_real(f"{name}: {label}", x)
    floating = [(label, x) for label, x in labelled if is_floating(x)]
    if not floating:
        got = ", ".join(str(getattr(x, "dtype", kind(x))) for _, x in labelled) or structure
        raise TypeError(f"{name}: expected floating outputs, got {got}")
    fillers = tuple(None if is_floating(x) else np.shape(x) for _, x in labelled)
    labels = [(label, dtype_of(x)) for label, x in floating]
    return Outs(structure, [x for _, x in floating], labels, fillers)
