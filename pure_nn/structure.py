"""What a network is made of: its activations, loss and dropout, static; and what a pass leaves."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from pure_nn import dropout, named, stacked
from pure_nn.dense import Layer
from pure_nn.dropout import Masks
from pure_nn.stacked import Rule as Rule
from pure_nn.stacked import numbers as numbers
from pure_nn.types import Activation, Loss

Params = Sequence[Layer]
Grads = tuple[dict[str, Array], ...]
FromOne = tuple[Any, ...]  # one array per layer, None at 0, so that the index is the page's


class Cache(NamedTuple):
    """What the forward pass leaves for the backward pass: Z[1 … L], and A[0 … L] with A[0] = X.

    With stacked parameters the index is that of an entry of params, and Z and A of k layers in
    one entry are (k, n, B).
    """

    Z: FromOne
    A: tuple[Array, ...]


@jax.tree_util.register_pytree_with_keys_class
class DropoutCache(Cache):
    """A cache with dropout: A as g gave it, and D[0 … L-1], which say what was kept of it."""

    D: Masks

    def __new__(cls, Z: FromOne, A: tuple[Array, ...], D: Masks) -> "DropoutCache":
        cache = super().__new__(cls, Z, A)
        cache.D = D
        return cache

    def __repr__(self) -> str:
        return f"DropoutCache(Z={self.Z!r}, A={self.A!r}, D={self.D!r})"

    def tree_flatten_with_keys(self) -> tuple[Any, None]:
        return tuple((jax.tree_util.GetAttrKey(k), getattr(self, k)) for k in ("Z", "A", "D")), None

    @classmethod
    def tree_unflatten(cls, _: None, children: tuple[Any, Any, Any]) -> "DropoutCache":
        return cls(*children)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, init=False)
class Network:
    """One activation per layer and the loss, by name or by value; no parameters.

    The loss follows from the output unless given: sigmoid → binary_cross_entropy,
    softmax → cross_entropy, identity → squared_error.

    `dropout` is the share p of the units to drop: one number for every hidden layer, or one for
    each of A[0] … A[L-1]. Nothing is dropped without a key or masks.

    A softmax of one unit is 1 whatever Z is, so that binary cross-entropy of Y < 1 is infinite.

    ValueError: no layers, an unknown name, a loss that does not fit the output, no loss given
    where none follows, a share to drop outside [0, 1).
    """

    activations: tuple[Activation, ...]
    loss: Loss
    dropout: tuple[float, ...]

    def __init__(
        self,
        activations: Sequence[str | Activation],
        loss: str | Loss | None = None,
        *,
        dropout: float | Sequence[float] = 0.0,
    ) -> None:
        g = named.activations(activations)
        object.__setattr__(self, "activations", g)
        object.__setattr__(self, "loss", named.loss_for(g[-1], loss))
        object.__setattr__(self, "dropout", _rates(dropout, len(g)))


def drawn(net: Network, params: Params, B: int, key: PRNGKeyArray | None) -> Masks:
    """D[0 … L-1] for B examples by `key`; without one, nothing is dropped"""
    if key is None:
        return (None,) * len(params)
    k = map(stacked.depth, params)
    units = [layer["W"].shape[-1] for layer, k in zip(params, k, strict=True) for _ in range(k)]
    D = dropout.draw(net.dropout, units, B, key)
    return tuple(D[l - 1] for l in numbers(params))


def by_entry(
    net: Network, entries: Sequence[Any]
) -> tuple[tuple[Activation, ...], tuple[float, ...]]:
    """g of each entry of params, or of the A of a cache, and p of what it reads"""
    below = [l - 1 for l in numbers(entries)]
    return tuple(net.activations[l] for l in below), tuple(net.dropout[l] for l in below)


def kept(cache: Cache) -> Masks:
    """D[0 … L-1] of a forward pass, None where nothing was dropped"""
    return cache.D if isinstance(cache, DropoutCache) else (None,) * (len(cache.A) - 1)


def rounded(grads: Sequence[dict[str, Array]], dtype: jnp.dtype) -> Grads:
    """The gradients in the dtype of the parameters"""
    return tuple({name: d.astype(dtype) for name, d in of_layer.items()} for of_layer in grads)


def like(params: Params, grads: Params) -> Params:
    """Layer by layer in order, W and b by name, as a mapping may hold b before W."""
    ordered = []
    for layer, of_layer in zip(params, grads, strict=True):
        ordered += [of_layer[name.key] for (name,), _ in jax.tree.leaves_with_path(layer)]
    restored: Params = jax.tree.unflatten(jax.tree.structure(params), ordered)
    return restored


def _rates(given: float | Sequence[float], L: int) -> tuple[float, ...]:
    """p[0 … L-1], one for each A that a layer reads."""
    rates = (0.0, *[given] * (L - 1)) if isinstance(given, int | float) else tuple(given)
    if len(rates) != L:
        raise ValueError(
            f"Network: expected dropout to be one number, or {L}, one for each of A[0] … "
            f"A[{L - 1}], got {len(rates)}; the output A[{L}] is not dropped"
        )
    for l, p in enumerate(rates):
        if not isinstance(p, int | float) or not 0 <= p < 1:
            raise ValueError(
                f"Network: expected dropout, the share of A[{l}] to drop, in [0, 1), got {p!r}"
                + ("; the share to keep, keep_prob, is 1 minus it" if p == 1 else "")
            )
    return tuple(map(float, rates))
