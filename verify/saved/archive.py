"""The arrays of an .npz, of which nothing is ever unpickled."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

OTHERS = {  # how the files begin that people take for an .npz
    b"\x93NUMPY": "one array, as np.save writes it; np.savez(path, W1=W1, b1=b1, …) writes several",
    b"\x80": "a pickle, which is never loaded, as loading it would run what it holds",
    b"\x89HDF": "an HDF5 file; read it with h5py and write its arrays with np.savez",
    b"MATLAB": "a MATLAB file; read it with scipy.io.loadmat and write its arrays with np.savez",
    b"{": "JSON or text; read it and write its arrays with np.savez",
}
DAMAGED = (EOFError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
CUT = "was it cut short, or is the program still writing it? Write it anew"


def read(path: Path) -> dict[str, Array]:
    """ValueError: what is no .npz, is cut short, or holds what is no array of numbers or text."""
    _require_archive(path)
    with path.open("rb") as file:
        try:
            saved = np.load(file, allow_pickle=False)
        except DAMAGED as error:
            raise ValueError(
                f"{path}: expected a whole .npz, got one that ends early: {CUT}"
            ) from error
        _require_once(path, saved.files)
        return dict(_arrays(path, saved))


def _require_archive(path: Path) -> None:
    if not path.is_file():
        raise ValueError(
            f"{path}: expected an .npz file, got {'a folder' * path.is_dir() or 'none'}"
        )
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"PK"):
        return
    what = next((text for begin, text in OTHERS.items() if start.startswith(begin)), "")
    empty = "an empty file" if not start else f"a file that begins with {start!r}, which is no .npz"
    raise ValueError(f"{path}: expected an .npz, as np.savez writes it, got {what or empty}")


def _require_once(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: expected each array once, got {', '.join(twice)} twice")
    if not names:
        raise ValueError(f"{path}: expected W1, b1, …, X, Y and dW1, db1, …, got no array at all")


def _arrays(path: Path, saved: Any) -> Iterator[tuple[str, Array]]:
    for name in saved.files:
        try:
            array = saved[name]
        except MemoryError:
            raise ValueError(f"{path}: {name}: expected an array that fits in memory") from None
        except DAMAGED as error:
            raise ValueError(f"{path}: {name}: {_damage(error)}") from error
        if not isinstance(array, np.ndarray):
            raise ValueError(
                f"{path}: {name}: expected an array in NumPy's format, got other bytes; a file "
                "that torch.save wrote is no .npz: write np.savez(path, W1=W1.numpy(), …)"
            )
        yield name, array


def _damage(error: BaseException) -> str:
    if "allow_pickle" in str(error):
        return (
            "expected numbers or text, got Python objects, which are pickles and never loaded; for "
            "a list of arrays of several shapes save each under a name of its own: W1, W2, …"
        )
    return f"expected a whole array, got a damaged one ({error}): {CUT}"
