"""Stacked parameters: an entry of params with a leading axis k is k equal layers, run by one scan.

    params[e] = {"W": (k, n, n), "b": (k, n, 1)}     Z, A and Δ of the entry are (k, n, B)

Beside `dense` an operation with its forward, pull and sums: those of k layers, and of one where
there is no such axis. The program does not grow with k. Each layer of W is read where it lies, as
a slice of all but the first would be a copy.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.dense import Layer
from pure_nn.types import Activation

Rule = Callable[[Any, Layer, Array], Array]  # of a layer's number, an array within a stack
Up = Callable[[Activation, Layer, Array], tuple[Array, Array]]
Sums = Callable[[Array, Array], dict[str, Array]]


def forward(one: Up, g: Activation, layer: Layer, A: Float[Array, "n_in B"]) -> tuple[Array, Array]:
    """Z[i], A[i] of one layer that reads A[i-1],  i = 1 … k;  A[0] = A"""
    if layer["W"].ndim == 2:
        return one(g, layer, A)

    def up(A: Array, layer: Layer) -> tuple[Array, tuple[Array, Array]]:
        Z, A = one(g, layer, A)
        return A, (Z, A)

    found: tuple[Array, Array] = jax.lax.scan(up, A, layer)[1]
    return found


def last(one: Up, g: Activation, layer: Layer, A: Float[Array, "n_in B"]) -> Float[Array, "n B"]:
    """A[k] alone"""
    if layer["W"].ndim == 2:
        return one(g, layer, A)[1]
    A, _ = jax.lax.scan(lambda A, layer: (one(g, layer, A)[1], None), A, layer)
    return A


class Run(NamedTuple):
    """The layers of an entry on the way down: g, and the rule that leads from one to the next"""

    rule: Rule
    number: int
    layer: Layer
    g: Activation

    def pull(self, Z: Array, A: Array, dA: Float[Array, "n B"]) -> Float[Array, "*k n B"]:
        """Δ[k] = dA ∘ g′(Z[k]), and those below it"""
        return self.below(Z, A, self.g.pull(top(Z), top(A), dA))

    def below(self, Z: Array, A: Array, Δ: Float[Array, "n B"]) -> Float[Array, "*k n B"]:
        """Δ[k] = Δ,  Δ[i] = W[i+1]ᵀΔ[i+1] ∘ g′(Z[i]),  i = k−1 … 1"""
        if Z.ndim == 2:
            return Δ
        k, layer = len(Z), self.layer

        def down(done: Array, Δ: Array) -> Array:
            i = k - 2 - done
            above = jax.tree.map(lambda x: _at(x, i + 1), layer)
            dA = self.rule(self.number + i + 1, above, _at(Δ, i + 1))
            return _put(Δ, self.g.pull(_at(Z, i), _at(A, i), dA), i)

        found: Array = jax.lax.fori_loop(0, k - 1, down, _put(jnp.zeros_like(Z), Δ, k - 1))
        return found


def downwards(
    rule: Rule, params: Sequence[Layer], g: Sequence[Activation]
) -> tuple[Rule, list[Run]]:
    """The rule from an entry to the one below it, through its first layer; and its run"""
    number = numbers(params)

    def out_of(e: int, entry: Layer, Δ: Array) -> Array:
        return rule(number[e - 1], first(entry), bottom(Δ))

    return out_of, [Run(rule, *of) for of in zip(number, params, g, strict=True)]


def sums(one: Sums, A_in: Float[Array, "n_in B"], A: Array, Δ: Array) -> dict[str, Array]:
    """The sums of one layer, of A[i-1] and Δ[i],  i = 1 … k;  A[0] = A_in"""
    if Δ.ndim == 2:
        return one(A_in, Δ)

    def up(A_below: Array, layer: tuple[Array, Array]) -> tuple[Array, dict[str, Array]]:
        A, Δ = layer
        return A, one(A_below, Δ)

    found: dict[str, Array] = jax.lax.scan(up, A_in, (A, Δ))[1]
    return found


def top(x: Float[Array, "*k n B"]) -> Float[Array, "n B"]:
    """Z, A or Δ of the last layer of an entry"""
    return x if x.ndim == 2 else x[-1]


def bottom(x: Float[Array, "*k m n"]) -> Float[Array, "m n"]:
    """Δ, W or b of the first layer of an entry"""
    return x if x.ndim == 2 else x[0]


def first(layer: Layer) -> Layer:
    """The first layer of an entry"""
    return layer if layer["W"].ndim == 2 else jax.tree.map(bottom, layer)


def depth(entry: Any) -> int:
    """How many layers an entry is, by what it has of params, Z or A"""
    x = entry.get("W") if isinstance(entry, Mapping) else entry
    return int(x.shape[0]) if x is not None and getattr(x, "ndim", 2) == 3 else 1


def numbers(entries: Sequence[Any]) -> list[int]:
    """The number of the first layer of each entry: the first of all is 1"""
    return [*itertools.accumulate(map(depth, entries), initial=1)][:-1]


def _at(x: Array, i: Array) -> Array:
    layer: Array = jax.lax.dynamic_index_in_dim(x, i, keepdims=False)
    return layer


def _put(x: Array, layer: Array, i: int | Array) -> Array:
    updated: Array = jax.lax.dynamic_update_index_in_dim(x, layer, i, 0)
    return updated
