"""To and from Flax, linen and NNX: y = x·kernel + bias of examples in rows.

Its kernel is Wᵀ, (inputs, outputs), and its bias is b with one axis.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from pure_nn.interop.stack import Names, from_arrays, named
from pure_nn.structure import Grads, Params

DENSE = Names("kernel", "bias", "(inputs, outputs)")


def from_flax(variables: Mapping[Any, Any], *, layers: Sequence[str] | None = None) -> Grads:
    """The parameters of linen's variables or of `nnx.state(model, nnx.Param)`, copied.

        W[ℓ] = kernelᵀ,  b[ℓ] = bias, 0 without one

    The layers are in the order of the numbers in their names, "params.Dense_0", "params.Dense_1",
    or "layers.0", "layers.2" of an nnx.Sequential; others are named from the input to the output,
    layers=("hidden", "head").

    TypeError: entries that are no floats, float64 while JAX has 32 bits. ValueError: what is no
    dense layer, an order that nothing tells, layers that do not stand one on the next.
    """
    return from_arrays(dict(_leaves(variables)), DENSE, layers)


def to_flax(params: Params, *, layers: Sequence[str] | None = None) -> dict[Any, Any]:
    """What `model.apply` of linen takes: {"params": {"Dense_0": {"kernel", "bias"}, …}}.

    `layers` names others: ("layers.0", "layers.2") gives {"layers": {0: …, 2: …}}, which
    nnx.update(model, …) puts into an nnx.Sequential.

    ValueError: not one name for each layer.
    """
    nested: dict[Any, Any] = {}
    for name, W, b in named(params, layers, "params.Dense_{}".format):
        of_layer = nested
        for part in name.split("."):
            of_layer = of_layer.setdefault(int(part) if part.isdecimal() else part, {})
        of_layer |= {"kernel": jnp.asarray(W.T), "bias": jnp.asarray(b)}
    return nested


def _leaves(nested: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Each array by its path, "params.Dense_0.kernel" """
    for key, x in nested.items():
        if isinstance(x, Mapping):
            yield from _leaves(x, f"{path}{key}.")
        else:
            yield f"{path}{key}", x
