"""Weights in files: safetensors with the names of the page.

    W1, b1, …, WL, bL    W[ℓ] of shape (n[ℓ], n[ℓ-1]) and b[ℓ] of shape (n[ℓ], 1), all of one dtype
    metadata             one entry, "pure_nn": JSON of {"format": 1, "dtype": "float32",
                         "network": as `pure_nn.description` describes it}

Other programs read them as they read any safetensors, and nothing in them can be run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn import atomic, description
from pure_nn.border import checked
from pure_nn.checks import FLOATS
from pure_nn.entries import require_layers
from pure_nn.structure import Grads, Network, Params

FORMAT = 1
DTYPES = dict(zip(("F64", "F32", "BF16", "F16"), FLOATS, strict=True))
ENTRY = "pure_nn"


def save_weights(path: str | Path, net: Network, params: Params) -> None:
    """The parameters and what the network is, at `path`, wholly or not at all.

    TypeError, ValueError: parameters that do not fit the network, a path that is a folder or in
    none. OSError: the disk is full, the folder is read-only; an older file then still stands.
    """
    atomic.write(Path(path), _written(net, params))


def load_weights(path: str | Path, net: Network | None = None) -> tuple[Network, Params]:
    """The network and its parameters, bit for bit.

    `net` is given where the file does not say it: for activations or a loss of one's own, and
    for files of W1, b1, … that other programs wrote. Where the file says it, it has to be that.

    ValueError: no file, no whole safetensors, another format; arrays that are missing, of
    another name, shape or dtype than W1, b1, … of the network; float64 while JAX has 32 bits.
    """
    path = Path(path)
    described, data = _opened(path)
    try:
        arrays = {name: _array(name, x) for name, x in _library().deserialize(data)}
        found = _network(described, net)
        return found, _params(found, arrays, (described or {}).get("dtype"))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


@checked
def _written(net: Network, params: Params) -> bytes:
    arrays = {
        f"{name}{l}": np.ascontiguousarray(x)
        for l, layer in enumerate(params, 1)
        for name, x in layer.items()
    }
    dtype = arrays["W1"].dtype.name
    described = {"format": FORMAT, "dtype": dtype, "network": description.described(net)}
    metadata = {ENTRY: json.dumps(described, ensure_ascii=False)}
    written: bytes = _library().numpy.save(arrays, metadata)
    return written


def _library() -> ModuleType:
    try:
        import safetensors.numpy
    except ModuleNotFoundError:
        message = "weights in files need safetensors: pip install 'pure_nn[weights]'"
        raise ModuleNotFoundError(message, name="safetensors") from None
    return safetensors


# reading


def _opened(path: Path) -> tuple[dict[str, Any] | None, bytes]:
    """What the metadata say, if they are there, and all bytes, once the header fits them."""
    safetensors = _library()
    if not path.is_file():
        raise ValueError(f"{path}: expected a file, got {'a folder' * path.is_dir() or 'none'}")
    try:
        with safetensors.safe_open(path, "np") as opened:
            entry = (opened.metadata() or {}).get(ENTRY)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path}: expected a whole safetensors file, as save_weights writes it, got one that "
            f"is cut short, altered or of another kind ({error})"
        ) from None
    return None if entry is None else _said(path, entry), path.read_bytes()


def _said(path: Path, entry: str) -> dict[str, Any]:
    try:
        said = json.loads(entry)
    except ValueError as error:
        raise ValueError(f"{path}: expected JSON in the entry {ENTRY!r}, got {error}") from None
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ValueError(
            f"{path}: expected format {FORMAT} of the entry {ENTRY!r}, got {entry}; a file of a "
            "newer pure_nn needs that one"
        )
    return said


def _network(described: dict[str, Any] | None, net: Network | None) -> Network:
    if described is not None:
        return description.network(described.get("network"), net)
    if net is None:
        raise ValueError(
            f"expected the metadata {ENTRY!r}, which say what the network is, got none; give net= "
            "for W1, b1, … that another program wrote; what nn.Linear, Flax or Equinox names "
            "goes through interop.from_torch, from_flax or from_equinox"
        )
    return net


def _array(name: str, tensor: Mapping[str, Any]) -> npt.NDArray[Any]:
    dtype = DTYPES.get(tensor["dtype"])
    if dtype is None:
        raise ValueError(f"{name}: expected one of {', '.join(FLOATS)}, got {tensor['dtype']}")
    if dtype == "float64" and jnp.result_type(float) != np.float64:
        raise ValueError(
            f"{name}: got float64 while JAX is limited to 32 bits; load it under "
            "`with jax.enable_x64(True):`"
        )
    return np.frombuffer(tensor["data"], jnp.dtype(dtype)).reshape(tensor["shape"])


def _params(net: Network, arrays: Mapping[str, npt.NDArray[Any]], dtype: str | None) -> Grads:
    """The layers, once the names, shapes and the dtype are known to be right."""
    expected = [f"{name}{l}" for l in range(1, len(net.activations) + 1) for name in "Wb"]
    missing, more = sorted({*expected} - {*arrays}), sorted({*arrays} - {*expected})
    if missing or more:
        raise ValueError(
            f"expected {', '.join(expected)}, the arrays of {len(net.activations)} layers"
            + f"; {', '.join(missing)} not there" * bool(missing)
            + f"; {', '.join(more)} too much" * bool(more)
        )
    layers = [
        {"W": arrays[f"W{l}"], "b": arrays[f"b{l}"]} for l in range(1, len(expected) // 2 + 1)
    ]
    require_layers(layers, stacked=False)
    if dtype not in (None, arrays["W1"].dtype.name):
        raise ValueError(f"expected {dtype}, as the metadata say, got {arrays['W1'].dtype}")
    params: Grads = jax.tree.map(jnp.asarray, tuple(layers))
    return params
