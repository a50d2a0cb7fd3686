"""Files that are not what they should be: what was expected, what came, what to do; exit code 2."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from saving import Arrays, columns, diagnosed, only

from verify.diagnose import load, main

GOOD = only(columns(("relu", "softmax"), (4, 6, 3)))
B = 7


def as_npz(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return bytes(file.getbuffer())


def without(*names: str) -> Arrays:
    return {name: x for name, x in GOOD.items() if name not in names}


def poked(name: str, value: float) -> Arrays:
    """With one entry of an array changed"""
    changed = GOOD[name].copy()
    changed[0, 1] = value
    return GOOD | {name: changed}


ARRAYS: dict[str, tuple[Arrays, str]] = {
    "no parameters": (
        without("W1", "W2", "b1", "b2"),
        r"expected parameters W1, b1, W2, … \(or 0.weight, .*got X, Y, dW2, db2, dW1, db1$",
    ),
    "no b": (
        without("b2"),
        r"expected b\[2\], which belongs to W2, named as b2, fc2.bias, .*zeros",
    ),
    "no dW": (
        without("dW1"),
        r"expected the gradient of W\[1\], which belongs to W1, named as dW1, .*got W1, b1",
    ),
    "no db": (without("db2"), r"expected the gradient of b\[2\], .* named as db2, b2.grad"),
    "no X": (without("X"), r"expected X, named X, inputs or A0; got W1"),
    "no Y": (without("Y"), r"expected Y, named Y, targets or labels; got W1"),
    "one thing twice": (GOOD | {"w1": GOOD["W1"]}, "one array for each quantity, got W1 and w1,"),
    "not named": (
        {"arr_0": GOOD["X"]},
        r"expected parameters W1, .*got arr_0; name each, as in np.savez\(path, W1=W1, b1=b1, …\)$",
    ),
    "one layer that does not fit": (
        {name: x.T for name, x in GOOD.items()} | {"W2": GOOD["W2"].T[:5]},
        r"W2 has shape \(5, 3\): expected weights for the 6 units of layer 1",
    ),
    "integers": (
        GOOD | {"W1": np.ones((6, 4), int)},
        "W1: expected floats, got int64; save it as float numbers",
    ),
    "integers for a gradient": (
        GOOD | {"db1": np.ones((6, 1), int)},
        "db1: expected floats, got int",
    ),
    "complex": (GOOD | {"X": GOOD["X"] + 0j}, r"X: expected real numbers, got complex128 of shape"),
    "text for numbers": (GOOD | {"Y": np.array(["a", "b"])}, "Y: expected real numbers, got <U1"),
    "bfloat16": (
        GOOD | {"dW1": np.zeros((6, 4), "V2")},
        r"dW1: expected real numbers, got \|V2 .* save float32, and dtype='bfloat16' beside it",
    ),
    "NaN": (
        poked("W1", np.nan),
        r"W1: expected finite numbers, got 1 .* the first nan at \[0, 1\]",
    ),
    "infinity": (poked("X", -np.inf), r"X: expected finite numbers, got 1 .* the first -inf at"),
    "NaN in Y": (poked("Y", np.nan), r"Y: expected finite numbers"),
    "no examples": (
        GOOD | {"X": np.zeros((4, 0)), "Y": np.zeros((3, 0))},
        r"X: expected at least one example, got shape \(4, 0\)",
    ),
    "another number of features": (
        GOOD | {"X": np.ones((5, B))},
        r"X: expected shape \(4, B\), .* for W1 with 4 inputs, got \(5, 7\); or X: expected shape "
        r"\(B, 4\), one per row",
    ),
    "images": (GOOD | {"X": np.ones((B, 2, 2))}, r"X: expected shape .*got \(7, 2, 2\)"),
    "another number of targets": (
        GOOD | {"Y": np.ones((3, 6))},
        r"Y: expected shape \(3, 7\), for 3 output units and 7 examples in columns, or 7 labels",
    ),
    "labels beyond": (
        GOOD | {"Y": np.arange(B)},
        r"Y: expected labels 0 … 2 \(or 1 … 3\) for 3 output units, got numbers from 0 to 6",
    ),
    "labels that are none": (GOOD | {"Y": np.linspace(0, 1, B)}, "Y: expected labels 0 … 2"),
    "W and b": (
        GOOD | {"b1": np.zeros(5)},
        r"W1 has shape \(6, 4\), b1 has shape \(5,\): expected W \(n, n_in\) or \(n_in, n\)",
    ),
    "layers that do not follow": (
        GOOD | {"W2": np.ones((3, 5)), "dW2": np.ones((3, 5))},
        r"W2 has shape \(3, 5\): expected weights for the 6 units of layer 1; .* order W1, W2",
    ),
    "a convolution": (
        GOOD | {"W1": np.ones((6, 4, 3, 3))},
        "W1: expected a matrix .* other than dense",
    ),
    "the wrong layout": (
        GOOD | {"layout": "rows"},
        r"X: expected shape \(B, 4\), one per row, .*got",
    ),
    "an unknown layout": (GOOD | {"layout": "F"}, "layout: expected one of columns, rows, got 'F'"),
    "an unknown loss": (
        GOOD | {"loss": "hinge"},
        "loss: expected one of binary_cross_entropy, .*'hinge'",
    ),
    "an unknown reduction": (
        GOOD | {"reduction": "none"},
        "reduction: expected one of mean, sum, got",
    ),
    "an unknown dtype": (
        GOOD | {"dtype": "float8"},
        "dtype: expected one of float64, .*got 'float8'",
    ),
    "an unknown activation": (
        GOOD | {"activations": "relu,mish"},
        r"activations: expected some of relu, tanh, .*got 'mish'; .* leaky_relu\(0.2\)",
    ),
    "a constant that is none": (
        GOOD | {"activations": "leaky_relu(x),softmax"},
        r"activations: expected a number in the brackets of 'leaky_relu\(x\)'",
    ),
    "too few activations": (
        GOOD | {"activations": "softmax"},
        "activations: expected 2, one for each W, such as 'relu,softmax', got 1: softmax",
    ),
    "numbers for text": (GOOD | {"layout": 1}, r"layout: expected text, .*got int64 of shape \(\)"),
    "an array for J": (
        GOOD | {"J": np.ones(3)},
        r"J: expected one number, got an array of shape \(3,\)",
    ),
    "a loss that does not fit": (
        GOOD | {"activations": "relu,tanh", "loss": "bce"},
        "binary_cross_entropy is defined for 0.0 ≤ A ≤ 1.0, but the output tanh",
    ),
    "targets that do not fit": (
        GOOD | {"Y": 2 * GOOD["Y"], "loss": "cross_entropy"},
        "Y: expected targets from 0 to 1 for cross_entropy, got 0 to 2",
    ),
    "a mask without keep": (
        GOOD | {"mask1": np.eye(6, B)},
        "mask1, which is M.1.: expected keep beside a mask of 0 and 1, .*save keep=1.0",
    ),
    "a mask of another shape": (
        GOOD | {"mask1": np.ones((5, B)), "keep": 0.5},
        r"expected a mask of shape \(6, 7\) in columns, got \(5, 7\)",
    ),
    "no probability": (
        GOOD | {"mask1": np.eye(6, B), "keep": 1.5},
        "keep: .* 0 < keep ≤ 1, got 1.5",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), ARRAYS.values(), ids=ARRAYS)
def test_arrays(tmp_path: Path, arrays: Arrays, message: str) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(as_npz(arrays))
    with pytest.raises(ValueError, match=rf"(?s)^{path}: .*{message}"):
        load(path, {})


def test_good_arrays(tmp_path: Path) -> None:
    assert diagnosed(tmp_path, GOOD)[0] == 0


# files


class Bomb:
    """What unpickling would run"""

    def __reduce__(self) -> Any:
        return pytest.fail, ("a pickle was loaded",)


def objects() -> bytes:
    return as_npz(GOOD | {"extra": np.array([Bomb()], dtype=object)})


def lists() -> bytes:
    """np.savez(…, W=[W1, W2]), whose shapes differ"""
    both = np.empty(2, object)
    both[:] = [GOOD["W1"], GOOD["W2"]]
    return as_npz({"W": both})


def cut(at: float) -> bytes:
    whole = as_npz(GOOD)
    return whole[: int(at * len(whole))]


def damaged() -> bytes:
    """One byte of an array is another."""
    X = GOOD["X"].tobytes()
    return as_npz(GOOD).replace(X, X[:-1] + b"!")


def one_array() -> bytes:
    file = io.BytesIO()
    np.save(file, GOOD["X"])
    return bytes(file.getbuffer())


def zipped(name: str, content: bytes, before: bytes = b"") -> bytes:
    file = io.BytesIO(before)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, content)
    return bytes(file.getbuffer())


def twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return zipped("W1.npy", one_array(), as_npz(GOOD))


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "expected an .npz, as np.savez writes it, got an empty file"),
    "text": (lambda: b"1.0 2.0\n", "got a file that begins with b'1.0 2.0.n', which is no .npz"),
    "JSON": (lambda: b'{"W1": [[1]]}', "got JSON or text; read it and write its arrays"),
    "one array": (one_array, r"got one array, as np.save writes it; np.savez\(path, W1=W1"),
    "a pickle": (lambda: b"\x80\x04K\x01.", "got a pickle, which is never loaded, as loading it"),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n", "got an HDF5 file; read it with h5py"),
    "MATLAB": (lambda: b"MATLAB 5.0 MAT-file", "got a MATLAB file; read it with scipy.io.loadmat"),
    "objects": (objects, "extra: expected numbers or text, got Python objects, which are pickles"),
    "a list of arrays": (lists, "W: expected .* save each under a name of its own: W1, W2, …"),
    "cut at 5 %": (lambda: cut(0.05), "got one that ends early: was it cut short"),
    "cut at the middle": (lambda: cut(0.5), "got one that ends early: was it cut short"),
    "cut at the end": (lambda: cut(0.99), "got one that ends early: was it cut short"),
    "damaged": (damaged, "expected a whole array, got a damaged one"),
    "no array": (
        lambda: as_npz({}),
        "expected W1, b1, …, X, Y and dW1, db1, …, got no array at all",
    ),
    "of torch.save": (
        lambda: zipped("archive/data.pkl", b"\x80\x02}q\x00."),
        "archive/data.pkl: expected an array in NumPy's format, got other bytes; .* torch.save",
    ),
    "twice": (twice, "expected each array once, got W1 twice"),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_files(tmp_path: Path, content: Callable[[], bytes], message: str) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content())
    with pytest.raises(ValueError, match=rf"^{path}: .*{message}"):
        load(path, {})


@pytest.mark.parametrize("byte", range(0, 5800, 290))
def test_any_damage_is_an_error_or_harmless(tmp_path: Path, byte: int) -> None:
    """Never another exception, whichever byte is another"""
    whole = bytearray(as_npz(GOOD))
    whole[byte % len(whole)] ^= 0x5A
    path = tmp_path / "bad.npz"
    path.write_bytes(bytes(whole))
    assert main(path, activations="relu,softmax", loss="cross_entropy") in (0, 1, 2)


def test_the_exit_code_and_where_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tmp_path / "none.npz") == 2
    assert main(tmp_path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "none.npz: expected an .npz file, got none" in err
    assert "expected an .npz file, got a folder" in err
