"""Files to arrays by name, whatever their format."""

import os
from collections.abc import Callable
from pathlib import Path

from pure_nn.data.binary import (
    Arrays,
    map_idx,
    map_npy,
    map_npz,
    read_idx,
    read_npy,
    read_npz,
)
from pure_nn.data.damage import DataError, damage_named, opened, require_content
from pure_nn.data.extras import read_hdf5, read_safetensors
from pure_nn.data.text import read_text

Reader = Callable[[Path], Arrays]
BEGINNINGS: dict[bytes, Reader] = {
    b"\x93NUMPY": read_npy,
    b"PK": read_npz,
    b"\x89HDF": read_hdf5,
    b"\0\0": read_idx,
}
SUFFIXES: dict[str, Reader] = {
    ".npy": read_npy,
    ".npz": read_npz,
    ".csv": read_text,
    ".tsv": read_text,
    ".txt": read_text,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".safetensors": read_safetensors,
    ".idx": read_idx,
}
MAPPED: dict[Reader, Reader] = {read_npy: map_npy, read_npz: map_npz, read_idx: map_idx}
KNOWN = "NPY, NPZ, CSV, TSV, IDX, HDF5 or safetensors"


def read(path: str | os.PathLike[str], *, header: bool | None = None) -> Arrays:
    """The arrays of a file by name; rows are the first axis. Nothing in a file is ever run.

        .npz, .h5, .hdf5, .safetensors    the names in the file
        .csv, .tsv, .txt                  the names in the header, else "0", "1", …
        .npy, IDX                         "data"

    Text and IDX may be gzipped. `header` says whether a text file has one, where it does not show.

    ValueError (DataError): a file that is damaged, of no known format, or claims more than it
    holds, ragged rows. ImportError: HDF5 or safetensors without what reads them.
    """
    path = Path(path)
    reader = _reader(path)
    if reader is read_text:
        return read_text(path, header)
    if header is not None:
        raise ValueError(f"header: expected None, as {path} is no CSV or TSV file, got {header}")
    return reader(path)


def mapped(path: str | os.PathLike[str]) -> Arrays:
    """As `read`, but each array is left on disk and read where it is used: for more than memory
    holds.

    ValueError (DataError): a file that is compressed, or of another format than NPY, NPZ and IDX.
    """
    path = Path(path)
    reader = _reader(path)
    if reader not in MAPPED:
        raise DataError(
            f"{path}: expected NPY, NPZ or IDX, which can be mapped; write its arrays with np.save"
        )
    return MAPPED[reader](path)


def _reader(path: Path) -> Reader:
    """By the suffix, else by how the file begins"""
    require_content(path)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    if suffixes and suffixes[-1] in SUFFIXES:
        return SUFFIXES[suffixes[-1]]
    with damage_named(path, KNOWN), opened(path) as stream:
        start = stream.read(8)
    for beginning, reader in BEGINNINGS.items():
        if start.startswith(beginning):
            return reader
    raise DataError(
        f"{path}: expected {KNOWN}, by its suffix or its first bytes, got {start!r}; rename it, "
        "as in data.csv, if it is one of them"
    )
