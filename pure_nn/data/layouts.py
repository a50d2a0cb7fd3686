"""Arrays as bytes: the headers of NPY and IDX, and what they claim against what is there.

NPY    magic, version, length and text of {descr, fortran_order, shape}, entries
IDX    0, 0, type, axes; the length of every axis, big-endian; entries, big-endian
"""

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from pure_nn.data.damage import DataError, Stream, held

NPY_MAGIC = b"\x93NUMPY"
IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
AXES, LONGEST_AXIS = 32, 1 << 48


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the entries of an array stand in a file, and how."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    offset: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def npy_layout(stream: Stream, name: str) -> Layout:
    """The layout by the header of an NPY file, after which the stream stands."""
    version = np.lib.format.read_magic(stream)  # type: ignore[arg-type]  # it only reads
    if version > (2, 0):
        raise DataError(
            f"{name}: expected a plain array, version 1 or 2 of NPY, got version {version}; save "
            "every field as an array of its own, with np.savez"
        )
    header = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
    shape, fortran, dtype = header(stream)
    _require_plain(name, dtype)
    return _possible(name, Layout(dtype, shape, "F" if fortran else "C", stream.tell()))


def idx_layout(stream: Stream, name: str) -> Layout:
    """The layout by the header of an IDX file, after which the stream stands."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES:
        raise DataError(
            f"{name}: expected an IDX file, which begins with 0, 0, its type and its number of "
            f"axes, got {list(magic)}"
        )
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise DataError(f"{name}: expected the lengths of {magic[3]} axes, but the file ends there")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    return _possible(name, Layout(np.dtype(IDX_TYPES[magic[2]]), shape, "C", stream.tell()))


def require_held(name: str, layout: Layout, found: int) -> None:
    """As many bytes after the header as it claims, no fewer and no more"""
    if found != layout.nbytes:
        raise DataError(
            f"{name}: its header claims shape {layout.shape} of {layout.dtype}, which is "
            f"{layout.nbytes} bytes, but {'only ' * (found < layout.nbytes)}{found}"
            f"{' or more' * (found > layout.nbytes)} follow; write or download it again"
        )


def require_streamed(name: str, layout: Layout, stream: Stream) -> None:
    """As `require_held` of what is still compressed: counted, nothing kept."""
    require_held(name, layout, held(stream, layout.nbytes + 1))


def filled(stream: Stream, layout: Layout) -> npt.NDArray[Any]:
    """The array, from the stream that stands at its entries"""
    if not layout.nbytes:
        return np.empty(layout.shape, layout.dtype.newbyteorder("="))
    entries = bytearray(layout.nbytes)
    view, done = memoryview(entries), 0
    while done < len(entries):
        block = stream.read(min(len(entries) - done, 1 << 24))
        if not block:
            raise EOFError("the file became shorter while it was read")
        view[done : done + len(block)] = block
        done += len(block)
    found: npt.NDArray[Any] = np.ndarray(
        layout.shape, layout.dtype, entries, order="F" if layout.order == "F" else "C"
    )
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def _require_plain(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise DataError(
            f"{name}: expected numbers or text, got Python objects, which only pickle restores and "
            "pickle can run any program; save it anew, as in np.save(path, x.astype(float)) or "
            "x.astype(str)"
        )
    if dtype.kind not in "biufcSUMm" or not dtype.itemsize:
        raise DataError(
            f"{name}: expected numbers or text, got dtype {dtype}; save bfloat16 as float32, and "
            "every field of a record as an array of its own, with np.savez"
        )


def _possible(name: str, layout: Layout) -> Layout:
    """Lengths that an array can have, even where another axis is 0"""
    if len(layout.shape) > AXES or not all(0 <= n < LONGEST_AXIS for n in layout.shape):
        raise DataError(f"{name}: its header claims shape {layout.shape}, which no array has")
    if 0 in layout.shape:
        return dataclasses.replace(layout, order="C")
    return layout
