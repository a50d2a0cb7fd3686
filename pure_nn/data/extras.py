"""HDF5 and safetensors, where what reads them is installed."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn.data.binary import Arrays
from pure_nn.data.damage import DataError, damage_named
from pure_nn.data.fields import short_text

DEFLATED = 1100  # no block of zlib holds more than 1032 times its size


def read_hdf5(path: Path) -> Arrays:
    h5py = installed("h5py", f"{path}: HDF5")
    with damage_named(path, "an HDF5 file"), h5py.File(path, "r") as file:
        found: Arrays = {}

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                found[name] = _dataset(f"{path}, dataset {name!r}", item)

        file.visititems(visit)
    return found


def read_safetensors(path: Path) -> Arrays:
    """As they are; bfloat16, which is no dtype of NumPy's own, as float32"""
    numpy = installed("safetensors.numpy", f"{path}: safetensors")
    with damage_named(path, "a safetensors file"):
        found = numpy.load_file(path).items()
        return {n: x.astype(np.float32) if x.dtype == jnp.bfloat16 else x for n, x in found}


def installed(module: str, what: str) -> ModuleType:
    """The module, imported on use. ImportError: it is not there."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{what} needs {module.partition('.')[0]}; install it: pip install 'pure_nn[data]'"
        ) from error


def _dataset(name: str, item: Any) -> npt.NDArray[Any]:
    if item.shape is None:
        raise DataError(f"{name}: expected entries, got none")
    if item.is_virtual or item.external:
        raise DataError(f"{name}: expected its entries in this file, got a link to others")
    _require_stored(name, item)
    if item.dtype.kind == "O":
        return _text(name, item)
    found: npt.NDArray[Any] = np.asarray(item[()])
    return found


def _require_stored(name: str, item: Any) -> None:
    """Entries that were never written take no room, and may be claimed without end."""
    stored = item.id.get_storage_size()
    if item.nbytes > stored * (1 if not item.id.get_create_plist().get_nfilters() else DEFLATED):
        raise DataError(
            f"{name}: claims shape {item.shape} of {item.dtype}, which is {item.nbytes} bytes, but "
            f"only {stored} are stored; write all of it"
        )


def _text(name: str, item: Any) -> npt.NDArray[Any]:
    if item.dtype.metadata is None or "vlen" not in item.dtype.metadata:
        raise DataError(f"{name}: expected numbers or text, got references or objects")
    texts = item.asstr()[()]
    return short_text(name, np.atleast_1d(texts).ravel().tolist()).reshape(item.shape)
