"""What was written is read: every format, its names, dtypes and values."""

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pure_nn import data

NUMBERS = np.array([[1.5, -2.0], [3.0, 4.25], [0.0, 1e300]])
IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
DTYPES = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="?"),
    arrays.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    arrays.unicode_string_dtypes(max_len=3),
)
ANY = DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, SHAPES))
alike = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def idx(array: Any, code: int) -> bytes:
    """As MNIST is published"""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + bytes(array.astype(array.dtype.newbyteorder(">")).tobytes())


def assert_equal(got: Any, expected: Any) -> None:
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, expected)


@alike
@given(array=ANY, order=st.sampled_from("CF"))
def test_npy(tmp_path: Path, array: Any, order: Any) -> None:
    np.save(tmp_path / "a.npy", np.asarray(array, order=order))
    assert_equal(data.read(tmp_path / "a.npy")["data"], array)
    mapped = data.mapped(tmp_path / "a.npy")["data"]
    assert_equal(mapped.astype(mapped.dtype.newbyteorder("=")), array)


@alike
@given(one=ANY, two=ANY, compressed=st.booleans())
def test_npz(tmp_path: Path, one: Any, two: Any, compressed: bool) -> None:
    save: Any = np.savez_compressed if compressed else np.savez
    save(tmp_path / "a.npz", one=one, two=two)
    found = data.read(str(tmp_path / "a.npz"))
    assert list(found) == ["one", "two"]
    assert_equal(found["one"], one)
    assert_equal(found["two"], two)


def test_members_of_npz_are_mapped_where_they_stand(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=NUMBERS, images=IMAGES, none=np.empty((0, 3)))
    found = data.mapped(tmp_path / "a.npz")
    assert isinstance(found["one"], np.memmap)
    assert_equal(found["one"], NUMBERS)
    assert_equal(found["images"], IMAGES)
    assert found["none"].shape == (0, 3)


@pytest.mark.parametrize("name", ["t-idx3-ubyte", "t.idx", "t-idx3-ubyte.gz"])
@pytest.mark.parametrize(
    ("array", "code"),
    [
        (IMAGES, 8),
        (np.array([-1, 2], np.int8), 9),
        (np.array([-300, 2], np.int16), 11),
        (np.array([[-70_000, 2]], np.int32), 12),
        (np.float32(NUMBERS[:2]), 13),
        (NUMBERS, 14),
    ],
    ids=["uint8", "int8", "int16", "int32", "float32", "float64"],
)
def test_idx(tmp_path: Path, name: str, array: Any, code: int) -> None:
    content = idx(array, code)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert_equal(data.read(tmp_path / name)["data"], array)


def test_idx_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "t-ubyte").write_bytes(idx(IMAGES, 8))
    found = data.mapped(tmp_path / "t-ubyte")["data"]
    assert isinstance(found, np.memmap)
    assert_equal(found, IMAGES)


def test_the_beginning_says_what_the_suffix_does_not(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=NUMBERS)
    path = (tmp_path / "a.npz").rename(tmp_path / "a.data")
    assert_equal(data.read(path)["x"], NUMBERS)


def test_hdf5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = NUMBERS
        file.create_dataset("group/images", data=IMAGES, compression="gzip", chunks=(1, 3, 4))
        file["names"] = ["cat", "a dog"]
        file["bytes"] = np.array([b"cat", b"dog"])
        file["number"] = 3
        file["away"] = h5py.ExternalLink("other.h5", "x")
    found = data.read(tmp_path / "a.h5")
    assert set(found) == {"x", "group/images", "names", "bytes", "number"}
    assert_equal(found["x"], NUMBERS)
    assert_equal(found["group/images"], IMAGES)
    assert_equal(found["names"], np.array(["cat", "a dog"]))
    assert found["bytes"].tolist() == [b"cat", b"dog"]
    assert found["number"] == 3


def test_safetensors(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    numpy.save_file({"x": NUMBERS, "images": IMAGES}, tmp_path / "a.safetensors")
    found = data.read(tmp_path / "a.safetensors")
    assert_equal(found["x"], NUMBERS)
    assert_equal(found["images"], IMAGES)


def test_bfloat16_is_read_as_float32(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    x = np.array([[1, 3.140625, -2e38], [1e-40, 0, np.inf]], jnp.bfloat16)
    numpy.save_file({"x": x, "y": np.array([True, False])}, tmp_path / "a.safetensors")
    found = data.read(tmp_path / "a.safetensors")
    assert_equal(found["x"], x.astype(np.float32))
    assert_equal(found["y"], np.array([True, False]))


def test_what_is_read_may_be_written_to(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", NUMBERS)
    data.read(tmp_path / "a.npy")["data"][:] = 0
    assert_equal(data.read(tmp_path / "a.npy")["data"], NUMBERS)


def test_several_arrays_in_one_npy_are_not_read_in_part(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, NUMBERS)
    np.save(stream, NUMBERS)
    (tmp_path / "a.npy").write_bytes(stream.getvalue())
    with pytest.raises(data.DataError, match="which is 48 bytes, but 224 or more follow"):
        data.read(tmp_path / "a.npy")
