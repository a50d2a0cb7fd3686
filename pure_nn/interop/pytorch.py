"""To and from stacks of PyTorch's `nn.Linear`: y = xWᵀ + b of examples in rows.

Its weight is W, (outputs, inputs), and its bias is b with one axis.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn.interop.stack import Names, from_arrays, named
from pure_nn.structure import Grads, Params

LINEAR = Names("weight", "bias", "(outputs, inputs)")


def from_torch(state_dict: Mapping[str, Any], *, layers: Sequence[str] | None = None) -> Grads:
    """The parameters of `model.state_dict()`, copied: W[ℓ] = weight, b[ℓ] = bias, 0 without one.

    The layers are in the order of the numbers in their names, as of an nn.Sequential; others are
    named from the input to the output, layers=("hidden", "head"). The activations are the
    network's, as no state_dict has them. Tensors and arrays of NumPy do as well as each other.

    TypeError: entries that are no floats, float64 while JAX has 32 bits. ValueError: what is no
    nn.Linear, an order that nothing tells, layers that do not stand one on the next.
    """
    return from_arrays(state_dict, LINEAR, layers)


def to_torch(
    params: Params, *, layers: Sequence[str] | None = None
) -> dict[str, npt.NDArray[np.floating]]:
    """The state_dict, in NumPy, which PyTorch loads so:

        model.load_state_dict({k: torch.from_numpy(x) for k, x in to_torch(params).items()})

    The names are those of an nn.Sequential with one module after each nn.Linear, "0.weight",
    "0.bias", "2.weight", …, unless `layers` are given. What is bfloat16, which NumPy cannot give
    to PyTorch, comes as float32: the same numbers, also once a bfloat16 model has loaded them.

    ValueError: not one name for each layer.
    """
    found: dict[str, npt.NDArray[np.floating]] = {}
    for name, W, b in named(params, layers, lambda l: str(2 * l)):
        found |= {f"{name}.weight": _known(W), f"{name}.bias": _known(b)}
    return found


def _known(x: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    return x.astype(np.float32) if x.dtype == jnp.bfloat16 else x
