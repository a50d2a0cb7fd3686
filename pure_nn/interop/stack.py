"""The dense layers of another program: by name, in order, and known to stand one on the next."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn.checks import float_dtype, kind, require_array
from pure_nn.entries import require_layers
from pure_nn.structure import Grads, Params

Floats = npt.NDArray[Any]


class Names(NamedTuple):
    """What a program calls W and b, and the axes of its W."""

    W: str
    b: str
    axes: str


def from_arrays(arrays: Mapping[str, Any], names: Names, layers: Sequence[str] | None) -> Grads:
    """({"W", "b"}, …) of arrays such as "fc1.weight", of `layers` alone if they are given

    ValueError: what is no dense layer, an order that nothing tells, layers that do not fit.
    """
    of_layer: dict[str, dict[str, Any]] = {}
    for name, x in arrays.items():
        layer, _, own = name.rpartition(".")
        of_layer.setdefault(layer, {})[own] = x
    for layer in layers or ():
        if layer not in of_layer:
            raise ValueError(f"layers: expected some of {', '.join(of_layer)}, got {layer}")
    order = _in_order([*of_layer]) if layers is None else layers
    return stacked([(layer, *_pair(layer, of_layer[layer], names)) for layer in order], names)


def _in_order(layers: Sequence[str]) -> list[str]:
    """By number, as neither a mapping nor a file has to keep the order of the layers"""
    parts = {layer: re.split(r"(\d+)", layer) for layer in layers}
    if len({tuple(of_layer[::2]) for of_layer in parts.values()}) > 1:
        raise ValueError(
            f"expected layers whose names differ in their numbers alone, got {', '.join(layers)}; "
            f"say which, from the input to the output, as in layers={tuple(layers)}"
        )
    return sorted(parts, key=lambda layer: [int(number) for number in parts[layer][1::2]])


def _pair(layer: str, arrays: Mapping[str, Any], names: Names) -> tuple[Any, Any]:
    if names.W not in arrays or not {*arrays} <= {names.W, names.b}:
        raise ValueError(
            f"{layer}: expected {names.W} and {names.b} of a dense layer, got {', '.join(arrays)}; "
            "of a network with other layers too, name the dense ones, as in layers=('fc1', 'fc2')"
        )
    return arrays[names.W], arrays.get(names.b)


def stacked(found: Sequence[tuple[str, Any, Any]], names: Names) -> Grads:
    """The layers of (name, W, b), copied; b = 0 where it is None"""
    if not found:
        raise ValueError(f"expected {names.W} and {names.b} of at least one layer, got none")
    params = tuple(_layer(f"{layer}.".lstrip("."), W, b, names) for layer, W, b in found)
    try:
        require_layers(params, stacked=False)
    except (TypeError, ValueError) as error:
        order = ", ".join(layer for layer, _, _ in found)
        raise type(error)(f"{order}, one on the next: {error}") from None
    return tuple({name: jnp.array(x) for name, x in layer.items()} for layer in params)


def _layer(layer: str, W: Any, b: Any, names: Names) -> dict[str, Floats]:
    W = on_host(layer + names.W, W)
    if W.ndim != 2:
        raise ValueError(
            f"{layer}{names.W}: expected {names.axes} of a dense layer, got shape {W.shape}"
        )
    W = W.T if names.axes == "(inputs, outputs)" else W
    b = np.zeros(len(W), W.dtype) if b is None else on_host(layer + names.b, b)
    if b.shape != (len(W),):
        raise ValueError(f"{layer}{names.b}: expected shape ({len(W)},), got {b.shape}")
    return {"W": W, "b": b[:, None]}


def on_host(name: str, x: Any) -> Floats:
    """The array in NumPy, wherever it is; PyTorch's bfloat16, which NumPy cannot read, too"""
    if hasattr(x, "detach"):
        x = x.detach().cpu()
        is_brain = str(x.dtype) == "torch.bfloat16"
        x = x.float().numpy().astype(jnp.bfloat16) if is_brain else x.numpy()
    require_array(name, x)
    float_dtype(x.dtype, name)
    return np.asarray(x)


def named(
    params: Params, layers: Sequence[str] | None, default: Callable[[int], str]
) -> Iterator[tuple[str, Floats, Floats]]:
    """(name, W, b) of each layer, copied, b with one axis

    ValueError: not one name for each layer.
    """
    if not isinstance(params, tuple | list) or not params:
        raise TypeError(f"params: expected a tuple or list of layers, got {kind(params)}")
    require_layers(params, stacked=False)
    names = [*map(default, range(len(params)))] if layers is None else list(layers)
    if len(names) != len(params) or len({*names}) != len(names):
        raise ValueError(f"layers: expected {len(params)} names, one per layer, got {names}")
    for name, layer in zip(names, params, strict=True):
        yield name, np.array(layer["W"]), np.array(layer["b"]).reshape(-1)
