"""A layer more is the same number of equations more, at any depth."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import counting
import jax
import optax
import pytest

import pure_nn
from pure_nn import training

DEPTHS = (2, 4, 8, 16)
SGD = optax.sgd(0.1)


def step(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
    return training.step(net, params, SGD.init(params), X, Y, optimizer=SGD)


def epoch(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
    state, key = SGD.init(params), jax.random.key(0)
    return training.epoch(net, params, state, X, Y, optimizer=SGD, batch_size=16, key=key)


def each_activation_from_the_start(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
    parts = [pure_nn.Network(net.activations[:l], "squared_error") for l in range(1, len(params))]
    return [pure_nn.predict(part, params[: len(part.activations)], X) for part in parts]


PROGRAMS: dict[str, Callable[..., Any]] = {
    "value_and_grad": pure_nn.value_and_grad,
    "step": step,
    "epoch": epoch,
}


def per_layer(f: Callable[..., Any], hidden: str) -> Sequence[float]:
    """How many equations each layer adds, from one depth to the next"""

    def count(L: int) -> int:
        sizes = (3, *(4,) * (L - 1), 2)
        net = counting.network(sizes, hidden)
        return counting.equations(lambda *arrays: f(net, *arrays), *counting.shapes(sizes))

    return [(count(b) - count(a)) / (b - a) for a, b in itertools.pairwise(DEPTHS)]


@pytest.mark.parametrize("hidden", ["relu", "tanh", "softmax"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_equations_grow_as_the_depth(name: str, hidden: str) -> None:
    found = per_layer(PROGRAMS[name], hidden)
    assert found[0] > 0
    assert set(found) == {found[0]}


def test_a_square_of_the_depth_would_be_found() -> None:
    first, second, third = per_layer(each_activation_from_the_start, "relu")
    assert first < second < third
