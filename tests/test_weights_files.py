"""Weights in files: bit for bit, with documented names, wholly or not at all."""

import json
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from helpers import numpy_params

import pure_nn
from pure_nn import interop

SIZES = (3, 5, 2)
NETWORKS = {
    "by name": pure_nn.Network(("tanh", "softmax")),
    "with constants": pure_nn.Network(
        (pure_nn.leaky_relu(a=0.1), pure_nn.relu(at_zero=0.0)), "squared_error"
    ),
    "with dropout": pure_nn.Network(("relu", "sigmoid"), "cross_entropy", dropout=(0.1, 0.3)),
}


def params_of(dtype: str) -> Any:
    """Numbers of all bits that the dtype has, NaN and ∞ and −0 among them."""
    params = numpy_params(SIZES)
    params[0]["W"][0] = (np.nan, np.inf, -0.0)
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), params)


def bits(tree: Any) -> list[tuple[Any, ...]]:
    return [(x.shape, str(x.dtype), np.asarray(x).tobytes()) for x in jax.tree.leaves(tree)]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_bit_for_bit(dtype: str, tmp_path: Path) -> None:
    net, params = NETWORKS["by name"], params_of(dtype)
    interop.save_weights(tmp_path / "w.safetensors", net, params)
    loaded_net, loaded = interop.load_weights(tmp_path / "w.safetensors")
    assert loaded_net == net
    assert str(jax.tree.structure(loaded)) == str(jax.tree.structure(params))
    assert bits(loaded) == bits(params)
    assert bits(loaded) != bits(jax.tree.map(jnp.nextafter, params, jax.tree.map(jnp.abs, params)))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_comes_back(name: str, tmp_path: Path) -> None:
    interop.save_weights(str(tmp_path / "w"), NETWORKS[name], params_of("float32"))
    found, _ = interop.load_weights(str(tmp_path / "w"))
    assert [net for net in NETWORKS.values() if net == found] == [NETWORKS[name]]


def test_names_and_metadata_are_the_documented_ones(tmp_path: Path) -> None:
    interop.save_weights(tmp_path / "w", NETWORKS["with constants"], list(params_of("float32")))
    with safetensors.safe_open(tmp_path / "w", "np") as opened:
        shapes = {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118 – it is no mapping
        metadata = opened.metadata()
    assert shapes == {"W1": (5, 3), "b1": (5, 1), "W2": (2, 5), "b2": (2, 1)}
    assert {name: json.loads(text) for name, text in metadata.items()} == {
        "pure_nn": {
            "format": 1,
            "dtype": "float32",
            "network": {
                "activations": [
                    {"name": "leaky_relu", "constants": {"a": 0.1}, "built_in": True},
                    {"name": "relu", "constants": {"at_zero": 0.0}, "built_in": True},
                ],
                "loss": {"name": "squared_error", "constants": {}, "built_in": True},
                "dropout": [0.0, 0.0],
            },
        }
    }


def swish(Z: Any, c: float) -> Any:
    return Z * jax.nn.sigmoid(c * Z)


def test_an_activation_of_ones_own_comes_with_the_network(tmp_path: Path) -> None:
    def own(c: float) -> pure_nn.Network:
        g = pure_nn.Activation("swish", swish, lambda Z, A, c: A, c=c)
        return pure_nn.Network((g, "sigmoid"))

    net = own(1.5)
    interop.save_weights(tmp_path / "w", net, params_of("float32"))
    assert interop.load_weights(tmp_path / "w", net)[0] is net
    with pytest.raises(ValueError, match=r"w: expected activations .* that pure_nn has, got swish"):
        interop.load_weights(tmp_path / "w")
    with pytest.raises(ValueError, match=r"w: expected the network given, net=.* another"):
        interop.load_weights(tmp_path / "w", own(1.25))


def test_files_of_other_programs_come_with_the_network(tmp_path: Path) -> None:
    arrays = {f"{k}{l}": x for l, p in enumerate(params_of("float32"), 1) for k, x in p.items()}
    named = {name: np.asarray(x) for name, x in arrays.items()}
    safetensors.numpy.save_file(named, tmp_path / "w")
    _, loaded = interop.load_weights(tmp_path / "w", NETWORKS["by name"])
    assert bits(loaded) == bits(params_of("float32"))


# writing


def test_what_stood_there_stands_until_the_new_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "w"
    interop.save_weights(path, NETWORKS["by name"], params_of("float32"))
    before = path.read_bytes()
    for step in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, fails)
            with pytest.raises(OSError, match="No space left on device"):
                interop.save_weights(path, NETWORKS["by name"], params_of("bfloat16"))
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]
    interop.save_weights(path, NETWORKS["by name"], params_of("bfloat16"))
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (".", "expected the path of a file to write, got a folder"),
        ("none/w", "expected a folder to write into, got none; create .*none"),
    ],
)
def test_where_nothing_can_be_written(where: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        interop.save_weights(tmp_path / where, NETWORKS["by name"], params_of("float32"))


@pytest.mark.usefixtures("as_installed")
def test_parameters_of_another_network_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"params: expected 1 layers, .* got 2"):
        interop.save_weights(
            tmp_path / "w", pure_nn.Network(("tanh",), "squared_error"), params_of("float32")
        )
    assert not list(tmp_path.iterdir())
