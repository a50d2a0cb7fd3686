"""The border of params and Δ, entry by entry: one layer, or k equal layers with a leading axis."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from pure_nn.checks import kind, require_columns, require_floating, require_one_dtype
from pure_nn.stacked import depth, numbers
from pure_nn.structure import Network


def require_as_many(net: Network, params: Any) -> None:
    L = sum(map(depth, params))
    if L != len(net.activations):
        raise ValueError(
            f"params: expected {len(net.activations)} layers, one per activation of the network, "
            f"got {L}; init(key, sizes) takes one size more than there are layers"
        )


def require_layers(params: Any, *, stacked: bool = True) -> None:
    """Each entry is {W, b}, of one dtype, and fits the one below"""
    rows_below, labels = None, _labels(params)
    for l, layer in zip(labels, params, strict=True):
        if not isinstance(layer, Mapping) or set(layer) != {"W", "b"}:
            raise TypeError(
                f"params: expected layer {l} to be {{'W': …, 'b': …}}, got {kind(layer)}"
            )
        rows_below = _require_layer(l, layer["W"], layer["b"], rows_below, stacked)
    of = zip(labels, params, strict=True)
    require_one_dtype({f"{k}[{l}]": x for l, layer in of for k, x in layer.items()})
    if len(jax.tree.leaves(params)) != 2 * len(params):
        raise TypeError(
            "params: expected containers that JAX maps over, such as tuple, list and dict, got "
            f"{type(params).__name__} of {type(params[0]).__name__}"
        )


def _labels(params: Any) -> list[str]:
    """The numbers of the layers of each entry, as in "2" or "2…6" """
    return [
        str(l) if depth(entry) < 2 else f"{l}…{l + depth(entry) - 1}"
        for l, entry in zip(numbers(params), params, strict=True)
    ]


def _require_layer(l: str, W: Any, b: Any, n_in: int | None, stacked: bool) -> int:
    """The rows of W[ℓ], once W[ℓ] and b[ℓ] are known to fit each other and the layer below."""
    require_floating(f"W[{l}]", W)
    require_floating(f"b[{l}]", b)
    if W.ndim == 3 and stacked:
        _require_stack(l, W, b)
        W, b = W[0], b[0]
    _require_W(l, W, n_in)
    if b.shape != (W.shape[0], 1):
        raise ValueError(
            f"b[{l}]: expected shape {(W.shape[0], 1)}, one row per row of W[{l}], got {b.shape}"
            + (f"; write b[{l}].reshape(-1, 1)" if b.size == W.shape[0] else "")
            + (f"; or pass W[{l}].T, W being (outputs, inputs)" if b.size == W.shape[1] else "")
        )
    return int(W.shape[0])


def _require_W(l: str, W: Any, n_in: int | None) -> None:
    below = int(l.partition("…")[0]) - 1
    if W.ndim != 2 or 0 in W.shape:
        raise ValueError(
            f"W[{l}]: expected shape (n[{l}], n[{below}]), each at least 1, got {W.shape}"
            + ("; of a stack of layers pass pure_nn.unstack(params)" if W.ndim == 3 else "")
        )
    if n_in is not None and W.shape[1] != n_in:
        raise ValueError(
            f"W[{l}]: expected {n_in} columns, the rows of W[{below}], got shape {W.shape}"
            + (f"; W is (outputs, inputs): pass W[{l}].T" if W.shape[0] == n_in else "")
        )


def _require_stack(l: str, W: Any, b: Any) -> None:
    if 0 in W.shape or W.shape[1] != W.shape[2]:
        raise ValueError(
            f"W[{l}]: expected shape (n, n_in) for one layer, or (k, n, n) for k equal ones, got "
            f"{W.shape}; params of several networks go through jax.vmap"
        )
    if b.shape != (*W.shape[:2], 1):
        raise ValueError(f"b[{l}]: expected shape {(*W.shape[:2], 1)}, as W[{l}], got {b.shape}")


def require_equal_layers(net: Network, params: Any) -> None:
    """The layers of a stacked entry have one activation, and read what no dropout falls on."""
    for l, entry in zip(numbers(params), params, strict=True):
        k = depth(entry)
        within = range(l, l + k) if entry["W"].ndim == 3 else ()
        for i in within:
            g, p = net.activations[i - 1], net.dropout[i - 1]
            if g != net.activations[l - 1]:
                raise ValueError(
                    f"params: expected one activation for layers {l} … {l + k - 1}, which are one "
                    f"entry, got {net.activations[l - 1]} of layer {l} and {g} of layer {i}; "
                    "pure_nn.stack(params, net) divides them"
                )
            if p != 0:
                raise ValueError(
                    f"params: expected no dropout in what layers {l} … {l + k - 1} read, which are "
                    f"one entry, got {p} of A[{i - 1}]; pure_nn.stack(params, net) leaves them out"
                )


def delta_like(
    name: str, x: Any, shape: tuple[int, ...], B: int | None, reference: str, like: Array
) -> Array:
    """A Δ: one row per unit of its layer, and k of them where its entry is k layers."""
    require_floating(name, x)
    *k, rows = shape
    if not k:
        require_columns(name, x, rows, "the units of its layer", B)
    elif x.ndim != 3 or x.shape != (*k, rows, x.shape[-1] if B is None else B):
        raise ValueError(
            f"{name}: expected shape ({k[0]}, {rows}, {B or 'B'}), one Δ for each of the {k[0]} "
            f"layers of its entry, got {x.shape}"
        )
    require_one_dtype({reference: like, name: x})
    return jnp.asarray(x)


def direction_like(name: str, direction: Any, A: Sequence[Array]) -> Any:
    """W and b of each entry, of the shapes of the params that A is from"""
    L = len(A) - 1
    if not isinstance(direction, tuple | list) or len(direction) != L:
        raise ValueError(
            f"{name}: expected a tuple or list like the params, of {L} entries, got "
            f"{kind(direction)}"
        )
    for l, layer in enumerate(direction, start=1):
        if not isinstance(layer, Mapping) or set(layer) != {"W", "b"}:
            raise TypeError(
                f"{name}: expected entry {l} to be {{'W': …, 'b': …}}, got {kind(layer)}"
            )
        rows = A[l].shape[:-1]
        for leaf, shape in {"W": (*rows, A[l - 1].shape[-2]), "b": (*rows, 1)}.items():
            x, label = layer[leaf], f"{name}: {leaf}[{l}]"
            require_floating(label, x)
            if x.shape != shape:
                raise ValueError(f"{label}: expected shape {shape}, as the params, got {x.shape}")
            require_one_dtype({"the cache": A[0], label: x})
    return jax.tree.map(jnp.asarray, direction)
