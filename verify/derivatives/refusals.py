"""What is asked of the arguments of a check before anything is computed."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pure_nn.checks import FLOATS, kind

Argnums = int | Sequence[int] | None


def is_floating(x: Any) -> bool:
    if hasattr(x, "dtype"):
        return bool(jnp.issubdtype(x.dtype, jnp.floating))
    return isinstance(x, float)


def is_foreign(x: Any) -> bool:
    """Whether it is an array, but of neither NumPy nor JAX"""
    known = np.ndarray | np.generic | jax.Array | jax.ShapeDtypeStruct
    return hasattr(x, "dtype") and hasattr(x, "shape") and not isinstance(x, known)


def dtype_of(x: Any) -> np.dtype[Any]:
    return np.dtype(x.dtype) if hasattr(x, "dtype") else np.dtype(np.float64)


def require_tuple(args: Any) -> None:
    if not isinstance(args, tuple):
        raise TypeError(
            f"args: expected the tuple of arguments of the function, got {kind(args)}; "
            "for a function of one argument x write (x,)"
        )
    if not args:
        raise ValueError("args: expected at least one argument, got an empty tuple")


def require_plain(args: tuple[Any, ...], called: Sequence[str]) -> None:
    """Arrays of NumPy or JAX, none of them masked"""
    for path, x in jax.tree.leaves_with_path(args):
        name = f"{called[path[0].idx]}{jax.tree_util.keystr(path[1:])}"
        if is_foreign(x) and not isinstance(x.dtype, np.dtype):
            raise TypeError(
                f"{name}: expected an array of NumPy or JAX, got {type(x).__name__} of "
                f"{x.dtype}; pass {name}.numpy()"
            )
        if isinstance(x, np.ma.MaskedArray):
            raise TypeError(
                f"{name}: expected a plain array, got a masked one; pass {name}.filled(0) and the "
                "mask as an argument of its own"
            )


def require_real(name: str, x: Any) -> None:
    if is_foreign(x):
        raise TypeError(f"{name}: expected an array of NumPy or JAX, got {type(x).__name__}")
    if np.iscomplexobj(x):
        raise TypeError(
            f"{name}: expected real numbers, got {x.dtype}; return its real and imaginary parts"
        )


def positions(args: tuple[Any, ...], argnums: Argnums) -> tuple[int, ...]:
    """`argnums` as positions from the left; None is every argument that has a floating array."""
    if argnums is None:
        return tuple(_with_floats(args))
    chosen = (argnums,) if isinstance(argnums, int | str) else tuple(argnums)
    if any(not isinstance(n, int) for n in chosen):
        raise TypeError(
            f"argnums: expected positions, counted from 0, as 0 or (0, 1), got {argnums!r}"
        )
    if not chosen or any(not -len(args) <= n < len(args) for n in chosen):
        raise ValueError(
            f"argnums: expected positions among the {len(args)} arguments, 0 to {len(args) - 1}, "
            f"got {argnums}"
        )
    positive = tuple(n % len(args) for n in chosen)
    if len(set(positive)) < len(positive):
        raise ValueError(f"argnums: expected each argument once, got {argnums}")
    return positive


def _with_floats(args: tuple[Any, ...]) -> Iterator[int]:
    """The arguments with a floating array, or where there is none, with a Python float"""
    arrays = any(hasattr(x, "dtype") and is_floating(x) for x in jax.tree.leaves(args))
    for i, arg in enumerate(args):
        if any(is_floating(x) and hasattr(x, "dtype") >= arrays for x in jax.tree.leaves(arg)):
            yield i


def require_known_dtypes(names: Sequence[str], arrays: Sequence[Any]) -> None:
    for name, x in zip(names, arrays, strict=True):
        dtype = x.dtype if hasattr(x, "dtype") else np.dtype(np.float64)
        if jnp.issubdtype(dtype, jnp.inexact) and np.dtype(dtype).name not in FLOATS:
            raise TypeError(
                f"{name}: expected one of {', '.join(FLOATS)}, got {dtype}; cast it, or split a "
                "complex number into its real and imaginary parts"
            )


def require_floating(args: tuple[Any, ...], chosen: Sequence[int], called: Sequence[str]) -> None:
    for n in chosen:
        for path, x in jax.tree.leaves_with_path(args[n]):
            if not is_floating(x):
                raise TypeError(
                    f"{called[n]}{jax.tree_util.keystr(path)}: expected floating numbers to "
                    f"differentiate, got {getattr(x, 'dtype', type(x).__name__)}; cast it to a "
                    f"float, or leave argument {n} out of argnums"
                )


def require_something(wanted: Sequence[Any], chosen: Sequence[str]) -> None:
    if not sum(np.size(x) for x in wanted):
        raise ValueError(
            f"there is nothing to differentiate: {', '.join(chosen) or 'args'} has no floating "
            "number; choose the argument by argnums"
        )
