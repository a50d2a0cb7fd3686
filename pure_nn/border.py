"""The border: what comes from outside is checked once, when a function is traced, and converted.

`checked(equation)` is the equation behind these checks. A message says what was expected, what
came, and what to do; nothing here runs inside compiled code.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from pure_nn.caches import checked_cache
from pure_nn.checks import (
    cast_like,
    kind,
    masks_like,
    nonnegative,
    one_key,
    require_array,
    require_columns,
    require_examples,
    require_floating,
    require_one_dtype,
)
from pure_nn.dropout import Masks
from pure_nn.entries import (
    delta_like,
    direction_like,
    require_as_many,
    require_equal_layers,
    require_layers,
)
from pure_nn.precision import wide_dtype
from pure_nn.structure import Network, Rule, by_entry

P = ParamSpec("P")
R = TypeVar("R")


def checked(equation: Callable[P, R]) -> Callable[P, R]:
    """The equation with its arguments checked by name, each against those before it."""
    signature = inspect.signature(equation)

    @functools.wraps(equation)
    def public(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        given = bound.arguments
        for name, check in _CHECKS.items():
            if name in given:
                given[name] = check(given)
        return equation(*bound.args, **bound.kwargs)

    return public


def _net(given: dict[str, Any]) -> Network:
    if not isinstance(given["net"], Network):
        raise TypeError(f"net: expected a pure_nn.Network first, got {kind(given['net'])}")
    return given["net"]


def _params(given: dict[str, Any]) -> Any:
    net, params = given["net"], given["params"]
    if not isinstance(params, tuple | list):
        raise TypeError(f"params: expected a tuple or list of layers, got {kind(params)}")
    require_as_many(net, params)
    require_layers(params)
    require_equal_layers(net, params)
    return jax.tree.map(jnp.asarray, params)


def _X(given: dict[str, Any]) -> Array:
    X, W = given["X"], given["params"][0]["W"]
    require_floating("X", X)
    require_columns("X", X, W.shape[-1], "the columns of W[1]")
    require_examples("X", X)
    require_one_dtype({"W[1]": W, "X": X})
    return jnp.asarray(X)


def _Y(given: dict[str, Any]) -> Array:
    Y = given["Y"]
    require_array("Y", Y)
    X = given["cache"].A[0] if "cache" in given else given["X"]
    top = given["cache"].A[-1] if "cache" in given else given["params"][-1]["W"]
    require_columns("Y", Y, top.shape[-2], "the rows of Ŷ", X.shape[1])
    return cast_like("Y", Y, "X", X)


def _masks(given: dict[str, Any]) -> Masks | None:
    if given["masks"] is None:
        return None
    B = (given["X"] if "X" in given else given["deltas"][1]).shape[-1]
    shapes = [(layer["W"].shape[-1], B) for layer in given["params"]]
    _, rates = by_entry(given["net"], given["params"])
    return masks_like("masks", rates, given["masks"], shapes)


def _key(given: dict[str, Any]) -> Any:
    if given["key"] is not None and given.get("masks") is not None:
        raise ValueError("key: expected a key to draw the masks by, or the masks, got both")
    return None if given["key"] is None else one_key("key", given["key"])


def _delta_L(given: dict[str, Any]) -> Array:
    n, B = given["cache"].A[-1].shape[-2:]
    return delta_like("delta_L", given["delta_L"], (n,), B, "the cache", given["cache"].A[0])


def _deltas(given: dict[str, Any], name: str = "deltas") -> tuple[Any, ...]:
    deltas, entries = given[name], given["cache"].A[1:] if "cache" in given else given["params"]
    L = len(entries)
    if not isinstance(deltas, tuple | list) or len(deltas) != L + 1:
        raise ValueError(
            f"{name}: expected (None, Δ[1], …, Δ[{L}]), as from backpropagate, got {kind(deltas)}"
        )
    if "cache" in given:
        reference, shapes = "the cache", [A.shape[:-1] for A in entries]
        like, B = given["cache"].A[0], given["cache"].A[0].shape[1]
    else:
        reference, shapes = "W[1]", [layer["W"].shape[:-1] for layer in entries]
        like, B = entries[0]["W"], None
    for l, shape in enumerate(shapes, start=1):
        delta_like(f"{name}[{l}]", deltas[l], shape, B, reference, like)
        B = deltas[l].shape[-1]
    return (None, *map(jnp.asarray, deltas[1:]))


def _weights(given: dict[str, Any]) -> Array | None:
    weights = given["weights"]
    if weights is None:
        return None
    name, A = ("the cache", given["cache"].A[0]) if "cache" in given else ("X", given["X"])
    require_array("weights", weights)
    if weights.shape != A.shape[1:]:
        raise ValueError(
            f"weights: expected one per example, shape {A.shape[1:]}, got {weights.shape}"
        )
    if weights.dtype == wide_dtype(A.dtype):
        return jnp.asarray(weights)
    return cast_like("weights", weights, name, A)


def _rule(given: dict[str, Any]) -> Rule:
    """The rule with its results checked: their dtype, and the shape of A of the layer below."""
    rule = given["rule"]
    if not callable(rule):
        raise TypeError(f"rule: expected a function of (l, layer, Δ), got {kind(rule)}")

    def of_the_right_shape(l: int | Array, layer: Any, Δ: Array) -> Array:
        n, B, at, below = layer["W"].shape[1], Δ.shape[1], f"at layer {l}", f"of layer {l - 1}"
        if not isinstance(l, int):
            at, below = "within a stacked entry", "of the layer below"
        dA = _by_rule(rule, l, layer, Δ)
        require_floating(f"rule {at}", dA)
        require_columns(f"rule {at}", dA, n, f"the units {below}", B)
        return jnp.asarray(dA)

    return of_the_right_shape


def _by_rule(rule: Rule, l: int | Array, layer: Any, Δ: Array) -> Array:
    try:
        return rule(l, layer, Δ)
    except TypeError as error:
        if isinstance(l, int):
            raise
        raise TypeError(
            "rule: within a stacked entry l is a traced integer, which can index a JAX array but "
            "no list or dict, nor decide an if; index an array by it, or pass unstack(params)"
        ) from error


def _form(given: dict[str, Any]) -> str:
    form: str = given["form"]
    if form not in ("direct", "chain"):
        raise ValueError(f"form: expected 'direct' or 'chain', got {form!r}")
    return form


def _recompute(given: dict[str, Any]) -> bool:
    if not isinstance(given["recompute"], bool):
        raise TypeError(f"recompute: expected True or False, got {given['recompute']!r}")
    return given["recompute"]


_CHECKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "net": _net,
    "params": _params,
    "X": _X,
    "cache": lambda given: checked_cache(given["net"], given.get("params"), given["cache"]),
    "Y": _Y,
    "delta_L": _delta_L,
    "deltas": _deltas,
    "others": lambda given: _deltas(given, "others"),
    "direction": lambda given: direction_like("direction", given["direction"], given["cache"].A),
    "weights": _weights,
    "form": _form,
    "rule": _rule,
    "masks": _masks,
    "key": _key,
    "l2": lambda given: nonnegative("l2", given["l2"]),
    "recompute": _recompute,
}
