"""Primitives of JAX that change a shape, or move data, in NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

MOVES = {"gather", "dynamic_slice", "dynamic_update_slice", "pad", "rev", "scatter"}


def broadcast_in_dim(params: Any, x: Any, *rest: Any) -> Any:
    shape = [1] * len(params["shape"])
    for size, i in zip(x.shape, params["broadcast_dimensions"], strict=True):
        shape[i] = size
    return np.broadcast_to(x.reshape(shape), params["shape"])


def reshape(params: Any, x: Any) -> Any:
    order = params["dimensions"]
    return (x if order is None else x.transpose(order)).reshape(params["new_sizes"])


def slice_of(params: Any, x: Any) -> Any:
    strides = params["strides"] or [1] * x.ndim
    bounds = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return x[tuple(slice(*bound) for bound in bounds)]


def split(params: Any, x: Any) -> Any:
    return np.split(x, np.cumsum(params["sizes"])[:-1], axis=params["axis"])


def cast(params: Any, x: Any) -> Any:
    """Rounding to a float of fewer bits is left out: that is what is judged."""
    wanted = np.dtype(params["new_dtype"])
    if jnp.issubdtype(wanted, jnp.floating):
        return x
    return x != 0 if wanted.kind == "b" else np.asarray(x, np.float64).astype(wanted)


def scatter_add(primitive: Any, params: Any, operand: Any, indices: Any, updates: Any) -> Any:
    """To the entry of the operand that each update goes to, or to none"""
    zeros = jnp.zeros(operand.shape, "float64")
    add = jax.linear_transpose(
        lambda u: primitive.bind(zeros, indices, u, **params), jnp.zeros(updates.shape, "float64")
    )
    numbered = jnp.arange(1.0, operand.size + 1, dtype="float64").reshape(operand.shape)
    places = np.asarray(add(numbered)[0]).astype(int).ravel()
    total = np.concatenate([[0], operand.ravel()]).astype(operand.dtype)
    np.add.at(total, places, updates.ravel())
    return total[1:].reshape(operand.shape)


def move(primitive: Any, params: Any, operands: Any, floating: list[bool], nothing: Any) -> Any:
    """What a primitive does to the positions of the entries, it does to the entries."""
    moved, entries, start = [], [], 0
    for x, is_data in zip(operands, floating, strict=True):
        moved.append(np.arange(start, start + x.size).reshape(x.shape) if is_data else x)
        entries.append(x.ravel()[: x.size * is_data])
        start += x.size * is_data
    places = np.asarray(primitive.bind(*map(jnp.asarray, moved), **params))
    inside = (places >= 0) & (places < start)
    found = np.concatenate(entries)[np.where(inside, places, 0)]
    return np.where(inside, found, nothing)
