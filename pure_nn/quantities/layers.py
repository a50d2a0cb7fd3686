"""One quantity of every layer, of what the layer read and its Δ; and what is summed over layers."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn import dropout, structure
from pure_nn.precision import widen
from pure_nn.stacked import top
from pure_nn.structure import Cache, FromOne, Network

T = TypeVar("T")
Layers = tuple[dict[str, Array], ...]


class PerExample(NamedTuple):
    """A number for each example: of every leaf of every layer, and of all together"""

    layers: Layers
    all: Float[Array, " B"]


def of_layers(
    net: Network, cache: Cache, deltas: FromOne, one: Callable[..., T], *others: Sequence[Any]
) -> tuple[T, ...]:
    """`one(A[ℓ-1], Δ[ℓ], …)` of each layer, in at least float32; after dropout D ∘ A/(1 − p).

    Of a stacked entry, each of the k layers gives one: its results have a leading axis k.
    """
    p, D = structure.by_entry(net, cache.A[1:])[1], structure.kept(cache)
    read = map(dropout.forward, p, D, map(top, cache.A[:-1]))
    entries = zip(read, cache.A[1:], deltas[1:], *others, strict=True)
    return tuple(_of_entry(one, *entry) for entry in entries)


def _of_entry(one: Callable[..., T], A_in: Array, A: Array, Δ: Array, *others: Any) -> T:
    if A.ndim == 2:
        return one(widen(A_in), widen(Δ), *others)
    A_below = jnp.concatenate([A_in[None], A[:-1]])
    return jax.vmap(one)(widen(A_below), widen(Δ), *others)


def per_example(layers: Layers) -> PerExample:
    """With the sum over W and b of all layers"""
    return PerExample(layers, total(layers, 1))


def total(layers: Any, axes: int) -> Array:
    """The sum over all leaves, and over the layers of a stack: of arrays of so many axes"""
    leaves = jax.tree.leaves(layers)
    return functools.reduce(jnp.add, [jnp.sum(x, tuple(range(x.ndim - axes))) for x in leaves])


def side_by_side(deltas: FromOne) -> FromOne:
    """Of C backward passes, the columns of every layer, those of one pass together"""
    return (None, *map(columns, deltas[1:]))


def columns(Δ: Float[Array, "C *k n B"]) -> Float[Array, "*k n C*B"]:
    moved = jnp.moveaxis(Δ, 0, -2)
    return moved.reshape(*moved.shape[:-2], -1)
