"""The border of a cache: Z and A of one forward pass, and what dropout kept of it."""

from collections.abc import Container, Sequence
from typing import Any

import jax.numpy as jnp

from pure_nn.checks import (
    kind,
    masks_like,
    require_columns,
    require_examples,
    require_floating,
    require_one_dtype,
)
from pure_nn.stacked import depth
from pure_nn.structure import Cache, DropoutCache, Network, Params, by_entry


def checked_cache(net: Network, params: Params | None, cache: Any) -> Cache:
    """The cache as JAX arrays, once its entries are known to fit each other, net and params."""
    L = len(net.activations)
    if not isinstance(cache, Cache):
        raise TypeError(f"cache: expected a Cache(Z, A), as from forward, got {kind(cache)}")
    Z, A = cache.Z, cache.A
    if not all(isinstance(x, tuple | list) and _layers(x) == L for x in (Z, A)):
        raise ValueError(
            f"cache: expected Z and A of {L} layers and the inputs, {L + 1} entries each with "
            f"Z[0] = None and A[0] = X, got {kind(Z)} and {kind(A)}"
        )
    _require_cached(Z, A)
    _fits_params(params, A)
    arrays = (None, *map(jnp.asarray, Z[1:])), tuple(map(jnp.asarray, A))
    if not isinstance(cache, DropoutCache):
        return Cache(*arrays)
    shapes, (_, rates) = [a.shape[-2:] for a in A[:-1]], by_entry(net, A[1:])
    return DropoutCache(*arrays, masks_like("cache: D", rates, cache.D, shapes))


def _layers(x: Sequence[Any]) -> int:
    """How many the entries from 1 on are together"""
    return sum(map(depth, x[1:])) if len(x) else -1


def _require_cached(Z: Any, A: Any) -> None:
    """Z[1 … L] and A[0 … L] are arrays of one dtype, and Z[ℓ] has the shape of A[ℓ]."""
    L = len(A) - 1
    arrays = {f"Z[{l}]": Z[l] for l in range(1, L + 1)} | {f"A[{l}]": A[l] for l in range(L + 1)}
    stacks = {l for l in range(1, L + 1) if all(getattr(x, "ndim", 2) == 3 for x in (Z[l], A[l]))}
    flat = {name: x for name, x in arrays.items() if int(name[2:-1]) not in stacks}
    for name, x in arrays.items():
        require_floating(name, x)
        if name in flat and x.ndim != 2:
            raise ValueError(
                f"{name}: expected shape (n{name[1:]}, B), one example per column, got {x.shape}"
            )
    require_one_dtype(arrays)
    require_examples("A[0]", A[0])
    _require_shapes(A, arrays, flat)


def _require_shapes(A: Any, arrays: dict[str, Any], flat: Container[str]) -> None:
    for name, x in arrays.items():
        l, B = int(name[2:-1]), A[0].shape[1]
        if name in flat:
            require_columns(name, x, A[l].shape[0], f"the rows of A[{l}]", B)
        elif x.shape != (*A[l].shape[:2], B):
            raise ValueError(
                f"{name}: expected shape {(*A[l].shape[:2], B)}, one Z and A for each layer of the "
                f"entry, got {x.shape}"
            )


def _fits_params(params: Any, A: Sequence[Any]) -> None:
    if params is None:
        return
    for l, layer in enumerate(params, start=1):
        if layer["W"].shape != (*A[l].shape[:-1], A[l - 1].shape[-2]):
            raise ValueError(
                f"cache: A[{l}] {A[l].shape} and A[{l - 1}] {A[l - 1].shape} do not belong to "
                f"W[{l}] {layer['W'].shape}; pass the cache of forward with these params"
            )
    require_one_dtype({"W[1]": params[0]["W"], "the cache": A[0]})
