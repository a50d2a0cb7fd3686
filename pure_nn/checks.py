"""What is asked of one array: that it is one, its dtype, and one example per column."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike

FLOATS = ("float64", "float32", "bfloat16", "float16")


def float_dtype(dtype: DTypeLike, name: str = "dtype") -> np.dtype:
    """The dtype, known to be one that parameters and X may have, and to be enabled."""
    dtype = np.dtype(dtype)
    if dtype.name not in FLOATS:
        raise TypeError(
            f"{name}: expected one of {', '.join(FLOATS)}, got {dtype}; cast it, "
            f"as in {name}.astype(jnp.float32)"
        )
    if dtype == np.float64 and jnp.result_type(float) != np.float64:
        raise TypeError(
            f"{name}: got float64 while JAX is limited to 32 bits; compute in float64 under "
            f"`with jax.enable_x64(True):`, or cast it, as in {name}.astype(np.float32)"
        )
    return dtype


def require_array(name: str, x: Any) -> None:
    if not (hasattr(x, "shape") and hasattr(x, "dtype")):
        raise TypeError(f"{name}: expected a NumPy or JAX array, got {kind(x)}")


def require_floating(name: str, x: Any) -> None:
    require_array(name, x)
    float_dtype(x.dtype, name)


def require_one_dtype(arrays: dict[str, Any]) -> None:
    (first, x), *others = arrays.items()
    for name, y in others:
        if y.dtype != x.dtype:
            raise TypeError(
                f"{name}: expected {x.dtype}, the dtype of {first}, got {y.dtype}; cast one of them"
            )


def require_columns(name: str, x: Any, rows: int, source: str, B: int | None = None) -> None:
    """One example per column: x is (rows, B)."""
    if x.ndim != 2:
        raise ValueError(
            f"{name}: expected shape ({rows}, {B or 'B'}), one example per column, got {x.shape}; "
            f"one example is x.reshape(-1, 1), one number per example x.reshape(1, -1)"
        )
    if x.shape != (rows, x.shape[1] if B is None else B):
        turned = x.shape == (x.shape[0] if B is None else B, rows)
        raise ValueError(
            f"{name}: expected shape ({rows}, {B or 'B'}), {rows} being {source}, got {x.shape}"
            + (f"; the examples are in its rows: pass {name}.T" if turned else "")
        )


def delta_like(name: str, x: Any, rows: int, B: int | None, reference: str, like: Array) -> Array:
    """A Δ: one row per unit of its layer, of the dtype of what it belongs to."""
    require_floating(name, x)
    require_columns(name, x, rows, "the units of its layer", B)
    require_one_dtype({reference: like, name: x})
    return jnp.asarray(x)


def cast_like(name: str, x: Any, reference: str, like: Array) -> Array:
    """Booleans and integers become floats; floats are of the right dtype already."""
    if x.dtype != bool and not np.issubdtype(x.dtype, np.integer):
        float_dtype(x.dtype, name)
        require_one_dtype({reference: like, name: x})
    return jnp.asarray(x).astype(like.dtype)


def kind(x: Any) -> str:
    return f"{type(x).__name__}" + (f" of {len(x)}" if isinstance(x, Sequence | Mapping) else "")
