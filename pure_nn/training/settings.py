"""What training is told: checked once, and made into what a compiled program is keyed by."""

import numbers
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, DTypeLike

from pure_nn.checks import float_dtype, kind, require_array
from pure_nn.network import Network
from pure_nn.training.update import How, Observe

Indices = Array | np.ndarray  # of examples, on the device or the host


def made(
    net: Network,
    optimizer: Any,
    l2: Any,
    compute_dtype: DTypeLike | None,
    observe: Observe | None,
) -> How:
    if not isinstance(optimizer, optax.GradientTransformation):
        raise TypeError(
            "optimizer: expected an optax.GradientTransformation, such as optax.adam(1e-3), "
            f"got {optimizer!r}"
        )
    if not isinstance(l2, int | float):
        raise TypeError(f"l2: expected a Python number, which training compiles in, got {kind(l2)}")
    if observe is not None and not callable(observe):
        raise TypeError(
            f"observe: expected a function of (cache, deltas, grads), got {kind(observe)}"
        )
    low = None if compute_dtype is None else float_dtype(compute_dtype, "compute_dtype")
    return How(net, optimizer, float(l2), low, observe)


def require_batch_size(batch_size: Any, m: int) -> None:
    if batch_size is None:
        return
    if not isinstance(batch_size, numbers.Integral) or not 1 <= int(batch_size) <= m:
        raise ValueError(
            f"batch_size: expected an integer from 1 to {m}, the examples of X, got {batch_size!r}"
            "; without one, all are one batch"
        )


def require_epochs(name: str, epochs: Any) -> None:
    if not isinstance(epochs, numbers.Integral) or int(epochs) < 1:
        raise ValueError(f"{name}: expected an integer from 1 on, got {epochs!r}")


def require_key(net: Network, batch_size: int | None, key: Any, order: Any) -> None:
    """A key where something is drawn by it: the order of the batches, or what dropout drops."""
    if key is not None:
        return
    if batch_size is not None and order is None:
        raise ValueError(
            "key: expected one to shuffle the batches by, such as jax.random.key(0), or their "
            "order, got neither"
        )
    if any(net.dropout):
        raise ValueError("key: expected one to drop units by, such as jax.random.key(0), got None")


def require_order(name: str, order: Any, shape: tuple[int, ...], m: int) -> Array:
    """Indices of examples, of the shape that is asked for."""
    require_array(name, order)
    if jnp.shape(order) != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {jnp.shape(order)}")
    return _require_examples(name, order, m)


def require_batches(batches: Any, m: int) -> Array:
    require_array("batches", batches)
    if jnp.ndim(batches) != 2 or jnp.size(batches) == 0:
        raise ValueError(
            "batches: expected (steps, examples per batch), a row of indices for each step, got "
            f"shape {jnp.shape(batches)}"
        )
    return _require_examples("batches", batches, m)


def _require_examples(name: str, indices: Any, m: int) -> Array:
    if not np.isdtype(indices.dtype, "integral"):
        raise TypeError(f"{name}: expected integers, the examples of X, got {indices.dtype}")
    if not isinstance(indices, jax.core.Tracer):
        low, high = int(np.min(indices)), int(np.max(indices))
        if low < 0 or high >= m:
            raise ValueError(
                f"{name}: expected examples from 0 to {m - 1}, got {low if low < 0 else high}"
            )
    return jnp.asarray(indices)
