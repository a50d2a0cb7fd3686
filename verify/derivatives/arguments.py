"""The arguments of a check, leaf by leaf: which are differentiated, and what they are called.

Arrays are cast, perturbed and traced. All else (Python numbers that are not differentiated,
strings, functions) is handed on as it is.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.tree_util import PyTreeDef

from verify.derivatives.refusals import (
    Argnums,
    dtype_of,
    is_floating,
    positions,
    require_floating,
    require_known_dtypes,
    require_plain,
    require_something,
    require_tuple,
)
from verify.errors import leaf_name, unit_roundoff


class Fixed:
    """A value that is no array, equal to others by type and value, or else by identity."""

    def __init__(self, value: Any) -> None:
        self.value = value
        try:
            hash(value)
            self._key: Any = (type(value), value)
        except TypeError:
            self._key = id(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and bool(self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)


@dataclasses.dataclass(frozen=True)
class Call:
    """A function of arguments as one of their arrays; equal ones share their compiled programs."""

    f: Callable[..., Any]
    treedef: PyTreeDef
    fixed: tuple[Fixed | None, ...]  # None where an array belongs
    generation: int = 0  # another one is traced anew

    def __call__(self, arrays: Sequence[Any]) -> Any:
        return self.f(*self.arguments(arrays))

    def arguments(self, arrays: Sequence[Any]) -> Any:
        rest = iter(arrays)
        leaves = [next(rest) if fixed is None else fixed.value for fixed in self.fixed]
        return jax.tree.unflatten(self.treedef, leaves)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """The arrays, their names, and the positions among them of those that are differentiated."""

    args: tuple[Any, ...]
    argnums: int | tuple[int, ...]
    treedef: PyTreeDef
    fixed: tuple[Fixed | None, ...]
    arrays: tuple[Any, ...]
    names: tuple[str, ...]
    wanted: tuple[int, ...]

    def call(self, f: Callable[..., Any]) -> Call:
        return Call(f, self.treedef, self.fixed)

    @functools.cached_property
    def floating(self) -> tuple[int, ...]:
        return tuple(i for i, x in enumerate(self.arrays) if is_floating(x))

    @functools.cached_property
    def dtype(self) -> np.dtype[Any]:
        """The coarsest: no result can be better than the worst of the inputs."""
        return max((dtype_of(self.arrays[i]) for i in self.floating), key=unit_roundoff)

    @functools.cached_property
    def wide(self) -> bool:
        """Whether they are for float64 to be switched on."""
        return any(dtype_of(self.arrays[i]) == np.float64 for i in self.floating)

    @functools.cached_property
    def gradient(self) -> PyTreeDef:
        """The structure of what `jax.grad` returns."""
        chosen = self.args[self.argnums] if isinstance(self.argnums, int) else self._chosen()
        return jax.tree.structure(chosen)

    def _chosen(self) -> tuple[Any, ...]:
        assert isinstance(self.argnums, tuple)
        return tuple(self.args[i] for i in self.argnums)


def arguments(f: Callable[..., Any], args: Any, argnums: Argnums, strict: bool) -> Arguments:
    """The arguments of f; `argnums` None is every argument that has a floating array.

    TypeError, ValueError: `args` that are no tuple, or hold arrays of others; `argnums` out of
    range, or of no floating array; where `strict`, of any array that is not floating.
    """
    require_tuple(args)
    called = parameter_names(f, len(args))
    require_plain(args, called)
    chosen = positions(args, argnums)
    found, treedef = jax.tree_util.tree_flatten_with_path(args)
    is_array = [_is_array(x, path[0].idx in chosen) for path, x in found]
    arrays = [pair for pair, keep in zip(found, is_array, strict=True) if keep]
    given = Arguments(
        args,
        chosen[0] if isinstance(argnums, int) else chosen,
        treedef,
        tuple(None if keep else Fixed(x) for (_, x), keep in zip(found, is_array, strict=True)),
        tuple(x for _, x in arrays),
        tuple(_name(called, path) for path, _ in arrays),
        _wanted(arrays, chosen),
    )
    require_known_dtypes(given.names, given.arrays)
    require_floating(args, chosen if strict else (), called)
    require_something([given.arrays[i] for i in given.wanted], [called[n] for n in chosen])
    return given


def _wanted(arrays: Sequence[tuple[Any, Any]], chosen: Sequence[int]) -> tuple[int, ...]:
    """The positions of the floating ones among the chosen arguments, in the order of these"""
    of = [path[0].idx for path, _ in arrays]
    return tuple(
        i for n in chosen for i, (_, x) in enumerate(arrays) if of[i] == n and is_floating(x)
    )


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """What the function calls its arguments, or args[0], args[1], …"""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        parameters = {}.values()
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*plain, *(f"args[{i}]" for i in range(len(plain), count))][:count]


def _is_array(x: Any, differentiated: bool) -> bool:
    if hasattr(x, "dtype") and hasattr(x, "shape"):
        return not (isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "OSUmM")
    return differentiated and isinstance(x, float)


def _name(called: Sequence[str], path: tuple[Any, ...]) -> str:
    """W[ℓ] or b[ℓ] as on the page, or the argument's name and the path inside it."""
    inside = path[1:]
    page = len(inside) > 1 and getattr(inside[-1], "key", None) in ("W", "b")
    if page and hasattr(inside[-2], "idx"):
        return str(leaf_name(inside))
    return str(called[path[0].idx] + jax.tree_util.keystr(inside))
