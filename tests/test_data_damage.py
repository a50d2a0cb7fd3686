"""A damaged file is refused by name, before room is made for what it only claims."""

import gzip
import io
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pure_nn import data

HUGE = 1 << 40


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(save: Any = np.savez) -> bytes:
    stream = io.BytesIO()
    save(stream, x=np.arange(6.0).reshape(2, 3), label=np.array(["a", "b"]))
    return stream.getvalue()


def zipped(member: bytes, kind: int, name: str = "x.npy") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as archive:
        archive.writestr(name, member)
    return stream.getvalue()


def claim(*shape: int, descr: str = "<f8") -> bytes:
    """A header of NPY, with one entry of 8 bytes behind it"""
    stream = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + b"\0" * 8


def idx(*shape: int, magic: bytes = b"\0\0\x08") -> bytes:
    return magic + struct.pack(f">B{len(shape)}I", len(shape), *shape) + b"\0" * 6


def hdf5(fill: Callable[[Any], object]) -> bytes:
    h5py = pytest.importorskip("h5py")
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        fill(file)
    return stream.getvalue()


def sparse(file: Any) -> None:
    file.create_dataset("x", (HUGE,), "f8", chunks=(1 << 17,))


def packed(file: Any) -> None:
    file.create_dataset("x", (HUGE,), "f8", chunks=(1 << 17,), compression="gzip")
    file["x"][:9] = 1.0


def safetensors() -> bytes:
    return bytes(pytest.importorskip("safetensors.numpy").save({"x": np.arange(6.0)}))


SHORT = npy(np.arange(6.0))[:-1]
CLAIMS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "npy": ("a.npy", lambda: claim(HUGE), "which is 8796093022208 bytes, but only 8 follow"),
    "npy cut": ("a.npy", lambda: SHORT, "which is 48 bytes, but only 47 follow"),
    "npy long": ("a.npy", lambda: claim(1) + b"0", "which is 8 bytes, but 9 or more follow"),
    "npy negative": ("a.npy", lambda: claim(-1), "its header claims shape (-1,), which no array"),
    "npy axes": ("a.npy", lambda: claim(*[1] * 60), "which no array has"),
    "npy empty axis": ("a.npy", lambda: claim(0, 10**30), "which no array has"),
    "npz": ("a.npz", lambda: zipped(claim(HUGE), zipfile.ZIP_STORED), "array 'x': its header"),
    "npz packed": ("a.npz", lambda: zipped(claim(HUGE), zipfile.ZIP_DEFLATED), "only 8 follow"),
    "idx": ("a-ubyte", lambda: idx(1 << 31, 1 << 31), "claims shape (2147483648, 2147483648)"),
    "idx gzipped": ("a.gz", lambda: gzip.compress(idx(1 << 31)), "but only 6 follow"),
    "idx long": ("a-ubyte", lambda: idx(2), "which is 2 bytes, but 6 or more follow"),
    "hdf5 never written": ("a.h5", lambda: hdf5(sparse), "only 0 are stored; write all of it"),
    "hdf5 packed": ("a.h5", lambda: hdf5(packed), "which is 8796093022208 bytes, but only"),
}
KINDS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("a.npy", lambda: b"", "expected data, got an empty file"),
    "objects": (
        "a.npy",
        lambda: npy(np.array([None])),
        "expected numbers or text, got Python objects, which only pickle restores and pickle can "
        "run any program; save it anew, as in np.save(path, x.astype(float)) or x.astype(str)",
    ),
    "objects in npz": (
        "a.npz",
        lambda: zipped(npy(np.array([None])), zipfile.ZIP_STORED),
        "array 'x': expected numbers or text, got Python objects",
    ),
    "records": ("a.npy", lambda: npy(np.zeros(2, "i4,f4")), "every field of a record as an array"),
    "bfloat16": ("a.npy", lambda: claim(4, descr="|V2"), "save bfloat16 as float32"),
    "no room": ("a.npy", lambda: claim(4, descr="<U0"), "expected numbers or text, got dtype <U0"),
    "newer": ("a.npy", lambda: b"\x93NUMPY\x03" + SHORT[7:], "got version (3, 0)"),
    "not npy": ("a.npy", lambda: b"1,2,3", "expected an NPY file, but it is damaged or of another"),
    "header": ("a.npy", lambda: SHORT.replace(b"descr", b"((((("), "expected an NPY file"),
    "not npz": ("a.npz", lambda: SHORT, "expected an NPZ file, but it is damaged or of another"),
    "other": (
        "a.npz",
        lambda: zipped(b"x", zipfile.ZIP_STORED, "x.txt"),
        "each with a name of its own, as np.savez writes them, got 'x.txt'",
    ),
    "magic": ("a.idx", lambda: idx(6, magic=b"\0\0\x07"), "got [0, 0, 7, 1]"),
    "axes": ("a.idx", lambda: b"\0\0\x08\x03\0\0", "the lengths of 3 axes, but the file ends"),
    "not hdf5": ("a.h5", lambda: SHORT, "expected an HDF5 file, but it is damaged or of another"),
    "not safetensors": ("a.safetensors", lambda: SHORT, "expected a safetensors file"),
    "unknown": ("a.xlsx", lambda: b"<html>...", "expected NPY, NPZ, CSV, TSV, IDX, HDF5 or safe"),
}


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", CLAIMS)
def test_claims_are_refused_before_room_is_made(tmp_path: Path, case: str) -> None:
    name, content, message = CLAIMS[case]
    path = written(tmp_path, name, content())
    tracemalloc.start()
    with pytest.raises(data.DataError, match=re.escape(message)) as caught:
        data.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert peak < 5e6


@pytest.mark.parametrize("case", KINDS)
def test_other_contents_are_refused(tmp_path: Path, case: str) -> None:
    name, content, message = KINDS[case]
    with pytest.raises(data.DataError, match=re.escape(message)):
        data.read(written(tmp_path, name, content()))


def outcome(path: Path) -> str:
    try:
        arrays = data.read(path)
    except data.DataError as error:
        return str(error)
    return f"{path} read" if all(isinstance(x, np.ndarray) for x in arrays.values()) else "no array"


WHOLE: dict[str, Callable[[], bytes]] = {
    "a.npy": lambda: npy(np.arange(6.0)),
    "b.npz": npz,
    "c.npz": lambda: npz(np.savez_compressed),
    "d-ubyte": lambda: idx(2, 3),
    "e-ubyte.gz": lambda: gzip.compress(idx(2, 3)),
    "f.h5": lambda: hdf5(lambda file: file.create_dataset("x", data=np.arange(6.0))),
    "g.safetensors": safetensors,
    "h.csv": lambda: b'x,"y",label\n1.5,2,a\n3,4,"b, or c"\n',
}


@pytest.mark.parametrize("name", WHOLE)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
@given(draw=st.data())
def test_whatever_is_altered_is_read_or_refused(tmp_path: Path, name: str, draw: Any) -> None:
    """Cut, or with bytes changed: never another error, and never one without the file's name."""
    content = bytearray(WHOLE[name]())
    for position in draw.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[position] = draw.draw(st.integers(0, 255))
    cut = bytes(content[: draw.draw(st.integers(0, len(content)))])
    path = written(tmp_path, name, draw.draw(st.sampled_from([bytes(content), cut])))
    assert str(path) in outcome(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gz", lambda: gzip.compress(idx(6)), "gzipped, which cannot be mapped; unpack it: gunz"),
        ("a.npz", lambda: npz(np.savez_compressed), "array 'x' is compressed, which cannot be map"),
        ("a.csv", lambda: b"x\n1\n", "expected NPY, NPZ or IDX, which can be mapped; write its"),
        ("a.npy", lambda: claim(HUGE), "but only 8 follow"),
        ("b.npz", lambda: zipped(claim(HUGE), zipfile.ZIP_STORED), "but only 8 follow"),
    ],
    ids=["gzipped", "packed", "text", "npy", "npz"],
)
def test_what_cannot_be_mapped(
    tmp_path: Path, name: str, content: Callable[[], bytes], message: str
) -> None:
    with pytest.raises(data.DataError, match=re.escape(message)):
        data.mapped(written(tmp_path, name, content()))


@pytest.mark.parametrize(("name", "module"), [("a.h5", "h5py"), ("a.safetensors", "safetensors")])
def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    expected = f"needs {module}; install it: pip install 'pure_nn[data]'"
    with pytest.raises(ImportError, match=re.escape(expected)):
        data.read(written(tmp_path, name, b"x"))


def test_missing_files_are_refused_as_everywhere(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        data.read(tmp_path / "none.csv")
