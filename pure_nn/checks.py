"""What is asked of one array or layer: that it is one, its dtype, and one example per column."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike

FLOATS = ("float64", "float32", "bfloat16", "float16")


def float_dtype(dtype: DTypeLike, name: str = "dtype") -> np.dtype:
    """The dtype, known to be one that parameters and X may have, and to be enabled."""
    cast = f"; cast it, as in {name}.astype(np.float32)" if name != "dtype" else ""
    try:
        known = np.dtype(dtype)
    except TypeError:
        known = None
    if known is None or known.name not in FLOATS or not known.isnative:
        raise TypeError(f"{name}: expected one of {', '.join(FLOATS)}, got {dtype}{cast}")
    if known == np.float64 and jnp.result_type(float) != np.float64:
        raise TypeError(
            f"{name}: got float64 while JAX is limited to 32 bits; compute in float64 under "
            f"`with jax.enable_x64(True):`, or use float32{cast}"
        )
    return known


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
            f"one example is {name}.reshape(-1, 1), one number per example {name}.reshape(1, -1)"
            + ("; class labels go through pure_nn.data.one_hot" if name == "Y" else "")
        )
    if x.shape != (rows, x.shape[1] if B is None else B):
        turned = x.shape == (x.shape[0] if B is None else B, rows)
        raise ValueError(
            f"{name}: expected shape ({rows}, {B or 'B'}), {rows} being {source}, got {x.shape}"
            + (f"; the examples are in its rows: pass {name}.T" if turned else "")
        )


def require_examples(name: str, x: Any) -> None:
    if x.shape[1] == 0:
        raise ValueError(
            f"{name}: expected at least one example, got an empty batch of shape {x.shape}"
        )


def cast_like(name: str, x: Any, reference: str, like: Array) -> Array:
    """Booleans and integers become floats; floats are of the right dtype already."""
    if x.dtype != bool and not np.issubdtype(x.dtype, np.integer):
        float_dtype(x.dtype, name)
        require_one_dtype({reference: like, name: x})
    return jnp.asarray(x).astype(like.dtype)


def masks_like(
    name: str, rates: Sequence[float], given: Any, shapes: Sequence[tuple[int, ...]]
) -> tuple[Array | None, ...]:
    """D[0 … L-1] as booleans, each of the shape of its A; None where nothing is dropped."""
    if not isinstance(given, tuple | list) or len(given) != len(rates):
        raise ValueError(
            f"{name}: expected {len(rates)} entries, one for each of A[0] … A[{len(rates) - 1}] "
            f"with None where nothing is dropped, got {kind(given)}"
        )
    return tuple(
        None if D is None else _mask_like(f"{name}[{l}]", p, D, shape)
        for l, (p, D, shape) in enumerate(zip(rates, given, shapes, strict=True))
    )


def _mask_like(name: str, p: float, D: Any, shape: tuple[int, ...]) -> Array:
    require_array(name, D)
    if D.shape != shape:
        raise ValueError(f"{name}: expected the shape of what it masks, {shape}, got {D.shape}")
    if p == 0:
        raise ValueError(
            f"{name}: expected None, as this network drops nothing there; state the share to drop: "
            "Network(activations, dropout=1 - keep_prob)"
        )
    if D.dtype != bool and not isinstance(D, jax.core.Tracer) and not np.isin(D, (0, 1)).all():
        raise ValueError(f"{name}: expected 1 where a unit is kept and 0 elsewhere, got others")
    return jnp.asarray(D).astype(bool)


def one_key(name: str, key: Any) -> Array:
    if not (hasattr(key, "dtype") and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)):
        raise TypeError(f"{name}: expected a key, as from jax.random.key(0), got {kind(key)}")
    if key.shape != ():
        raise ValueError(f"{name}: expected one key, got an array of shape {key.shape}")
    one: Array = key
    return one


def nonnegative(name: str, x: Any) -> Any:
    """A number, static, or one traced: a sweep over it then needs one program."""
    if isinstance(x, int | float) and not isinstance(x, bool):
        if not 0 <= x < math.inf:
            raise ValueError(f"{name}: expected a finite number from 0 on, got {x}")
        return x
    if not (hasattr(x, "dtype") and x.shape == () and jnp.issubdtype(x.dtype, jnp.floating)):
        raise TypeError(f"{name}: expected a number, got {kind(x)}")
    return jnp.asarray(x)


def kind(x: Any) -> str:
    return f"{type(x).__name__}" + (f" of {len(x)}" if isinstance(x, Sequence | Mapping) else "")
