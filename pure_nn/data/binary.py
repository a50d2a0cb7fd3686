"""NPY, NPZ and IDX: into memory, or mapped to where they stand on disk."""

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pure_nn.data.damage import DataError, damage_named, is_gzipped, opened
from pure_nn.data.layouts import (
    Layout,
    filled,
    idx_layout,
    npy_layout,
    require_held,
    require_streamed,
)

Arrays = dict[str, npt.NDArray[Any]]
ALONE = "data"  # the name of an array whose file gives it none
LOCAL_HEADER = struct.Struct("<26xHH")  # of a member of a ZIP file: the lengths of name and extra


def read_npy(path: Path) -> Arrays:
    with damage_named(path, "an NPY file"):
        return {ALONE: _read(path, npy_layout)}


def read_idx(path: Path) -> Arrays:
    with damage_named(path, "an IDX file"):
        return {ALONE: _read(path, idx_layout)}


def read_npz(path: Path) -> Arrays:
    with damage_named(path, "an NPZ file"), zipfile.ZipFile(path) as archive:
        return {name: _read_member(archive, path, m) for name, m in _members(archive, path)}


def map_npy(path: Path) -> Arrays:
    with damage_named(path, "an NPY file"):
        return {ALONE: _mapped(path, _checked(path, npy_layout))}


def map_idx(path: Path) -> Arrays:
    with damage_named(path, "an IDX file, not gzipped,"):
        if is_gzipped(path):
            raise DataError(f"{path}: gzipped, which cannot be mapped; unpack it: gunzip {path}")
        return {ALONE: _mapped(path, _checked(path, idx_layout))}


def map_npz(path: Path) -> Arrays:
    with damage_named(path, "an NPZ file"), zipfile.ZipFile(path) as archive:
        return {name: _map_member(archive, path, m) for name, m in _members(archive, path)}


def _checked(path: Path, layout_of: Any) -> Layout:
    """The layout by the header, once the file is known to hold what it claims"""
    with opened(path) as stream:
        layout: Layout = layout_of(stream, str(path))
        if is_gzipped(path):
            require_streamed(str(path), layout, stream)
        else:
            require_held(str(path), layout, path.stat().st_size - layout.offset)
    return layout


def _read(path: Path, layout_of: Any) -> npt.NDArray[Any]:
    layout = _checked(path, layout_of)
    with opened(path) as stream:
        stream.seek(layout.offset)
        return filled(stream, layout)


def _mapped(path: Path, layout: Layout) -> npt.NDArray[Any]:
    if not layout.nbytes:
        return np.empty(layout.shape, layout.dtype)
    order: Any = layout.order
    return np.memmap(path, layout.dtype, "r", layout.offset, layout.shape, order)


def _members(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    seen = set()
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name == member.filename or name in seen:
            raise DataError(
                f"{path}: expected arrays, each with a name of its own, as np.savez writes them, "
                f"got {'a second ' * (name in seen)}{member.filename!r}"
            )
        seen.add(name)
        yield name, member


def _read_member(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    layout = _member_layout(archive, path, member)
    with archive.open(member) as stream:
        npy_layout(stream, member.filename)
        return filled(stream, layout)


def _member_layout(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> Layout:
    name = f"{path}, array {member.filename.removesuffix('.npy')!r}"
    with archive.open(member) as stream:
        layout = npy_layout(stream, name)
        if member.compress_type == zipfile.ZIP_STORED:  # so that large ones are read only once
            here = min(member.file_size, member.compress_size, path.stat().st_size)
            require_held(name, layout, here - layout.offset)
        else:
            require_streamed(name, layout, stream)
    return layout


def _map_member(archive: zipfile.ZipFile, path: Path, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    if member.compress_type != zipfile.ZIP_STORED:
        raise DataError(
            f"{path}: array {member.filename.removesuffix('.npy')!r} is compressed, which cannot "
            "be mapped; save it with np.savez, not np.savez_compressed, or with np.save"
        )
    layout = _member_layout(archive, path, member)
    with path.open("rb") as file:
        start = _start_of(file, member)
    whole = Layout(layout.dtype, layout.shape, layout.order, start + layout.offset)
    require_held(str(path), whole, min(whole.nbytes, path.stat().st_size - whole.offset))
    return _mapped(path, whole)


def _start_of(file: io.BufferedReader, member: zipfile.ZipInfo) -> int:
    """Where a stored member begins: its local header may be longer than the central one says."""
    file.seek(member.header_offset)
    lengths: tuple[int, int] = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    return member.header_offset + LOCAL_HEADER.size + sum(lengths)
