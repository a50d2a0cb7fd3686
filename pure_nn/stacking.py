"""Equal layers as one entry of params with a leading axis, and back."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from pure_nn.checks import kind
from pure_nn.dense import Layer
from pure_nn.entries import require_as_many, require_layers
from pure_nn.stacked import depth
from pure_nn.structure import Network, Params


def stack(params: Params, net: Network | None = None) -> Params:
    """Every run of two or more layers of one square shape as {"W": (k, n, n), "b": (k, n, 1)}.

    Other layers stay. With `net`, the layers of a run have one activation too, and read nothing
    that is dropped, as all functions of stacked params ask for. A run is one scan: what is traced
    and compiled does not grow with k. Gradients have the structure of params, and are stacked and
    unstacked as they are.

    TypeError, ValueError: layers that do not fit each other, another number of layers than `net`.
    """
    layers = _layers(params)
    alike = [_alike(layer) for layer in layers] if net is None else _alike_in(net, layers)
    numbered = itertools.groupby(range(len(layers)), lambda i: alike[i] or (i,))
    runs = ([layers[i] for i in run] for _, run in numbered)
    return _as(params, (run[0] if len(run) == 1 else _together(run) for run in runs))


def unstack(params: Params) -> Params:
    """One entry for each layer: what `stack` was given.

    TypeError, ValueError: layers that do not fit each other.
    """
    return _as(params, _layers(params))


def _layers(params: Any) -> list[Layer]:
    if not isinstance(params, tuple | list):
        raise TypeError(f"params: expected a tuple or list of layers, got {kind(params)}")
    require_layers(params)
    return [layer for entry in params for layer in _apart(jax.tree.map(jnp.asarray, entry))]


def _apart(entry: Layer) -> Iterator[Layer]:
    if entry["W"].ndim == 2:
        yield entry
        return
    for i in range(depth(entry)):
        yield jax.tree.map(lambda x, i=i: x[i], entry)


def _together(run: Sequence[Layer]) -> Layer:
    stacked: Layer = jax.tree.map(lambda *x: jnp.stack(x), *run)
    return stacked


def _alike(layer: Layer) -> tuple[Any, ...]:
    """What the layers of a run have in common; nothing where W is not square"""
    n, n_in = layer["W"].shape
    return (n, jax.tree.structure(layer)) if n == n_in else ()


def _alike_in(net: Network, layers: Sequence[Layer]) -> list[tuple[Any, ...]]:
    if not isinstance(net, Network):
        raise TypeError(f"net: expected a pure_nn.Network, got {kind(net)}")
    require_as_many(net, layers)
    of_net = zip(layers, net.activations, net.dropout, strict=True)
    return [(*_alike(layer), g) if _alike(layer) and p == 0 else () for layer, g, p in of_net]


def _as(params: Params, entries: Iterator[Layer] | Sequence[Layer]) -> Params:
    return list(entries) if isinstance(params, list) else tuple(entries)
