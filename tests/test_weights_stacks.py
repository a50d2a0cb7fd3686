"""Layers of another program by name: their order, and what is no stack of dense layers."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import pytest
from helpers import numpy_params

from pure_nn import interop

SIZES = (2,) * 12  # square, so that no shape tells the order
pytestmark = pytest.mark.usefixtures("as_installed")


def state(names: Mapping[str, int], sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """A state_dict whose layer called `name` is layer l"""
    params = numpy_params(sizes)
    found: dict[str, Any] = {}
    for name, l in names.items():
        W, b = params[l - 1]["W"].astype("float32"), params[l - 1]["b"].astype("float32")
        found |= {f"{name}.bias": b.reshape(-1), f"{name}.weight": W}
    return found


def W_of(params: Any) -> list[Any]:
    return [np.asarray(layer["W"], np.float64) for layer in params]


@pytest.mark.parametrize("pattern", ["{}", "fc{}", "net.{}", "blocks.{}.linear"])
def test_layers_are_in_the_order_of_their_numbers(pattern: str) -> None:
    names = {pattern.format(2 * l): l for l in (1, 10, 11, *range(2, 10))}  # sorted as text is
    expected = W_of(jax.tree.map(np.float32, numpy_params(SIZES)))
    assert all(map(np.array_equal, W_of(interop.from_torch(state(names))), expected))
    by_name = interop.from_torch(state(names), layers=list(names))
    assert not all(map(np.array_equal, W_of(by_name), expected))


def test_layers_that_are_named_are_all_that_is_read() -> None:
    arrays = state({"encoder": 1, "decoder": 2}) | {"norm.weight": np.ones(2), "steps": np.ones(3)}
    found = interop.from_torch(arrays, layers=("encoder",))
    assert np.array_equal(found[0]["W"], arrays["encoder.weight"])
    assert len(found) == 1


def test_one_layer_without_a_name() -> None:
    (layer,) = interop.from_torch({"weight": np.ones((2, 3), "float32")})
    assert layer["W"].shape == (2, 3)
    assert not np.any(layer["b"])


def test_names_to_write() -> None:
    params = jax.tree.map(np.float32, numpy_params((3, 4, 2)))
    assert list(interop.to_torch(params)) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    named = interop.to_torch(params, layers=("fc1", "fc2"))
    assert list(named) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert named["fc1.bias"].shape == (4,)
    assert all(x.flags.writeable for x in named.values())


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "nothing": ({}, ValueError, "expected weight and bias of at least one layer, got none"),
    "an order that nothing tells": (
        state({"hidden": 1, "head": 2}),
        ValueError,
        r"differ in their numbers alone, got hidden, head; .* layers=\('hidden', 'head'\)",
    ),
    "statistics": (
        state({"0": 1}) | {"0.running_mean": np.ones(2)},
        ValueError,
        r"0: expected weight and bias of a dense layer, got bias, weight, running_mean; of a",
    ),
    "a bias alone": ({"0.bias": np.ones(2)}, ValueError, r"0: expected weight and bias .*got bias"),
    "a norm": (
        state({"0": 1}) | {"1.weight": np.ones(2, "float32")},
        ValueError,
        r"1\.weight: expected \(outputs, inputs\) of a dense layer, got shape \(2,\)",
    ),
    "a bias of another length": (
        state({"0": 1}) | {"0.bias": np.ones(3, "float32")},
        ValueError,
        r"0\.bias: expected shape \(2,\), got \(3,\)",
    ),
    "layers that do not fit": (
        state({"0": 1, "1": 3}, (2, 3, 4, 5)),
        ValueError,
        r"0, 1, one on the next: W\[2\]: expected 3 columns, the rows of W\[1\], got .* \(5, 4\)",
    ),
    "integers": (
        state({"0": 1}) | {"0.weight": np.ones((2, 2), int)},
        TypeError,
        r"0\.weight: expected one of float64, float32, bfloat16, float16, got int64",
    ),
    "float64": (
        {"0.weight": np.ones((2, 2))},
        TypeError,
        r"0\.weight: got float64 while JAX is limited",
    ),
    "no array": (
        {"0.weight": "W"},
        TypeError,
        r"0\.weight: expected a NumPy or JAX array, got str",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(name: str) -> None:
    arrays, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        interop.from_torch(arrays)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="layers: expected some of fc1, fc2, got fc3"):
        interop.from_torch(state({"fc1": 1, "fc2": 2}), layers=("fc1", "fc3"))


@pytest.mark.parametrize("layers", [("a",), ("a", "a"), ("a", "b", "c")])
def test_one_name_for_each_layer(layers: tuple[str, ...]) -> None:
    params = jax.tree.map(np.float32, numpy_params((3, 4, 2)))
    with pytest.raises(ValueError, match="layers: expected 2 names, one per layer, got"):
        interop.to_torch(params, layers=layers)
    with pytest.raises(ValueError, match="layers: expected 2 names, one per layer, got"):
        interop.to_flax(params, layers=layers)
