"""To and from Equinox's `nn.MLP`, or an `nn.Sequential` of its `nn.Linear`: y = Wx + b."""

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from pure_nn.checks import kind
from pure_nn.interop.stack import Floats, Names, named, stacked
from pure_nn.structure import Grads, Params

Model = TypeVar("Model")
LINEAR = Names("weight", "bias", "(outputs, inputs)")


def from_equinox(model: Any) -> Grads:
    """The parameters of the layers of the model, copied: W[ℓ] = weight, b[ℓ] = bias, 0 without one.

    TypeError: entries that are no floats, float64 while JAX has 32 bits. ValueError: parameters of
    other layers, layers that do not stand one on the next.
    """
    return stacked([(f"layers[{i}]", x.weight, x.bias) for i, x in _dense(model).items()], LINEAR)


def to_equinox(params: Params, model: Model) -> Model:
    """The model with the parameters in place of its own: W[ℓ] for weight, b[ℓ] for bias.

    ValueError: parameters of another number of layers, of other shapes or another dtype than the
    model's; a b that is not 0 for a layer without bias.
    """
    dense, given = _dense(model), list(named(params, None, str))
    if len(dense) != len(given):
        raise ValueError(f"params: expected {len(dense)} layers, as of the model, got {len(given)}")
    placed: dict[str, Array] = {}
    for (i, layer), (_, W, b) in zip(dense.items(), given, strict=True):
        placed |= _placed(f".layers[{i}].", layer, {"weight": W, "bias": b})
    found: Model = jax.tree.map_with_path(
        lambda path, x: placed.get(jax.tree_util.keystr(path), x), model
    )
    return found


def _dense(model: Any) -> dict[int, Any]:
    """The dense layers by their place; between them may stand what has no parameters."""
    layers = getattr(model, "layers", None)
    if not isinstance(layers, tuple | list):
        raise TypeError(f"model: expected an MLP or a Sequential of Equinox, got {kind(model)}")
    found = {i: x for i, x in enumerate(layers) if hasattr(x, "weight") and hasattr(x, "bias")}
    for i, layer in enumerate(layers):
        if i not in found and any(hasattr(x, "shape") for x in jax.tree.leaves(layer)):
            raise ValueError(f"layers[{i}]: expected an eqx.nn.Linear, got {kind(layer)}")
    return found


def _placed(path: str, layer: Any, arrays: dict[str, Floats]) -> dict[str, Array]:
    """The arrays by their path in the model, once they are known to fit it"""
    if layer.bias is None and np.any(arrays["bias"]):
        raise ValueError(f"{path[1:]}bias: expected b = 0, as the layer has no bias, got others")
    for name, x in arrays.items():
        own = getattr(layer, name)
        if own is not None and (own.shape, own.dtype) != (x.shape, x.dtype):
            raise ValueError(
                f"{path[1:]}{name}: expected {own.dtype} of shape {own.shape}, got {x.dtype} of "
                f"shape {x.shape}"
            )
    return {path + name: jnp.asarray(x) for name, x in arrays.items()}
