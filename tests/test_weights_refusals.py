"""Files of weights that are refused: damaged, foreign, or not of the network; and why."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from helpers import numpy_params

import pure_nn
from pure_nn import description, interop

NET = pure_nn.Network(("tanh", "softmax"))
Change = Callable[[dict[str, Any], dict[str, Any]], Any]
ARRAYS = {
    f"{name}{l}": np.asarray(x, np.float32)
    for l, layer in enumerate(numpy_params((3, 5, 2)), 1)
    for name, x in layer.items()
}


def written(change: Change) -> bytes:
    """A file as save_weights writes it, but for a change of its arrays or of what it says."""
    said = {"format": 1, "dtype": "float32", "network": description.described(NET)}
    arrays: dict[str, Any] = dict(ARRAYS)
    change(arrays, said)
    saved: bytes = safetensors.numpy.save(arrays, {"pure_nn": json.dumps(said)})
    return saved


WHOLE = written(lambda arrays, said: None)
ROWS = np.ones((5, 1), np.float32)


def longer(whole: bytes) -> bytes:
    """W2 of more columns than the file holds, in a header of the same length"""
    assert whole.count(b"[2,5]") == 1
    return whole.replace(b"[2,5]", b"[2,9]")


def huge(whole: bytes) -> bytes:
    """The numbers of W2 end 9e11 bytes after the file does, by its header."""
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    header["W2"] |= {"shape": [10**6, 225 * 10**3], "data_offsets": [0, 9 * 10**11]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + whole[-8:]


DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda whole: b"", "expected a whole safetensors file"),
    "cut short in the header": (lambda whole: whole[:20], "expected a whole safetensors file"),
    "cut short in the arrays": (lambda whole: whole[:-1], "cut short, altered or of another kind"),
    "more at the end": (lambda whole: whole + b"\0", "cut short, altered or of another kind"),
    "a header of 2⁶³ bytes": (lambda whole: b"\xff" * 7 + b"\x7f" + whole[8:], "expected a whole"),
    "a shape that claims more": (longer, "expected a whole safetensors file"),
    "a header that claims 9e11 bytes": (huge, "expected a whole safetensors file"),
    "a pickle": (lambda whole: b"\x80\x04\x95" + whole, "expected a whole safetensors file"),
}
CHANGED: dict[str, tuple[Change, str]] = {
    "no W2": (
        lambda arrays, said: arrays.pop("W2"),
        "expected W1, b1, W2, b2, the arrays of 2 layers; W2 not there",
    ),
    "b3": (
        lambda arrays, said: arrays.update(b3=ROWS),
        "expected W1, b1, W2, b2, the arrays of 2 layers; b3 too much",
    ),
    "another name": (
        lambda arrays, said: arrays.update(w1=arrays.pop("W1")),
        "expected W1, b1, W2, b2, the arrays of 2 layers; W1 not there; w1 too much",
    ),
    "W1 transposed": (
        lambda arrays, said: arrays.update(W1=np.ascontiguousarray(arrays["W1"].T)),
        "b[1]: expected shape (3, 1), one row per row of W[1], got (5, 1)",
    ),
    "W2 of more columns": (
        lambda arrays, said: arrays.update(W2=np.ones((2, 7), np.float32)),
        "W[2]: expected 5 columns, the rows of W[1], got shape (2, 7)",
    ),
    "b1 of one axis": (
        lambda arrays, said: arrays.update(b1=arrays["b1"].reshape(-1)),
        "b[1]: expected shape (5, 1), one row per row of W[1], got (5,); write b[1].reshape(-1, 1)",
    ),
    "no rows": (
        lambda arrays, said: arrays.update(W1=np.ones((0, 3), np.float32)),
        "W[1]: expected shape (n[1], n[0]), each at least 1, got (0, 3)",
    ),
    "integers": (
        lambda arrays, said: arrays.update(W1=np.ones((5, 3), np.int32)),
        "W1: expected one of float64, float32, bfloat16, float16, got I32",
    ),
    "two dtypes": (
        lambda arrays, said: arrays.update(b2=arrays["b2"].astype(np.float16)),
        "b[2]: expected float32, the dtype of W[1], got float16",
    ),
    "another dtype than it says": (
        lambda arrays, said: said.update(dtype="bfloat16"),
        "expected bfloat16, as the metadata say, got float32",
    ),
    "float64": (
        lambda arrays, said: arrays.update(W1=np.ones((5, 3))),
        "W1: got float64 while JAX is limited to 32 bits; load it under `with jax.enable_x64(",
    ),
    "a later format": (
        lambda arrays, said: said.update(format=2),
        "expected format 1 of the entry 'pure_nn', got",
    ),
    "no network": (
        lambda arrays, said: said.pop("network"),
        "expected the description of a network, got None",
    ),
    "an unknown activation": (
        lambda arrays, said: said["network"]["activations"][0].update(name="gelu"),
        "expected the description of a network, got",
    ),
    "a constant that cannot be": (
        lambda arrays, said: said["network"]["activations"][0].update(
            name="leaky_relu", constants={"a": 2.0}
        ),
        "leaky_relu: expected a slope a in (0, 1), got 2.0",
    ),
    "fewer layers than arrays": (
        lambda arrays, said: said["network"].update(
            description.described(pure_nn.Network(("softmax",)))
        ),
        "expected W1, b1, the arrays of 1 layers; W2, b2 too much",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(name: str, tmp_path: Path) -> None:
    damage, message = DAMAGED[name]
    (tmp_path / "w").write_bytes(damage(WHOLE))
    with pytest.raises(ValueError, match=f"w: .*{re.escape(message)}"):
        interop.load_weights(tmp_path / "w")


@pytest.mark.parametrize("name", CHANGED)
def test_changed(name: str, tmp_path: Path) -> None:
    change, message = CHANGED[name]
    (tmp_path / "w").write_bytes(written(change))
    with pytest.raises(ValueError, match=f"w: {re.escape(message)}"):
        interop.load_weights(tmp_path / "w")


def test_unchanged_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(WHOLE)
    net, params = interop.load_weights(tmp_path / "w")
    assert net == NET
    assert (params[1]["W"] == jnp.asarray(ARRAYS["W2"])).all()


@pytest.mark.parametrize(
    ("where", "message"), [("none", "expected a file, got none"), (".", "got a folder")]
)
def test_no_file(where: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        interop.load_weights(tmp_path / where)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (
            None,
            "expected the metadata 'pure_nn', which say what the network is, got none; give net=",
        ),
        ({"pure_nn": "no JSON"}, "expected JSON in the entry 'pure_nn'"),
        ({"pure_nn": "[1]"}, "expected format 1 of the entry 'pure_nn', got [1]"),
    ],
)
def test_foreign(metadata: Any, message: str, tmp_path: Path) -> None:
    safetensors.numpy.save_file(ARRAYS, tmp_path / "w", metadata)
    with pytest.raises(ValueError, match=re.escape(message)):
        interop.load_weights(tmp_path / "w")
