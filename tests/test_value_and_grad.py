"""value_and_grad is what jax.value_and_grad of the cost gives, and what differences say."""

from collections import OrderedDict
from typing import Any, NamedTuple

import jax
import numpy as np
import page
import pytest
from helpers import (
    HIDDEN,
    PAIRS,
    SIZES,
    as_numpy,
    assert_same,
    assert_values,
    example,
    numpy_data,
    numpy_params,
    pairs,
)

import pure_nn

CASES = [
    pytest.param(*pair, L, B, id=f"{'-'.join(pair)}-L{L}-B{B}")
    for i, pair in enumerate(PAIRS)
    for L, B in ((i % 4 + 1, 5), ((i + 2) % 4 + 1, 1))
]  # every pair, depth and batch size; not every triple of them
U = {"float32": 2.0**-24, "bfloat16": 2.0**-9, "float16": 2.0**-12}  # half an ulp of one


by_hand = jax.jit(pure_nn.value_and_grad)
by_autodiff = jax.jit(jax.value_and_grad(pure_nn.cost, argnums=1))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("output", "loss", "L", "B"), CASES)
def test_equals_jax_value_and_grad(output: str, loss: str, L: int, B: int) -> None:
    args = example(output, loss, L, B)
    assert_same(by_hand(*args), by_autodiff(*args), rtol=2e-14)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("output", "loss", "L", "B"), CASES)
def test_equals_the_page_and_its_differences(output: str, loss: str, L: int, B: int) -> None:
    names, params = (*HIDDEN[L], output), numpy_params(SIZES[L])
    X, Y = numpy_data(SIZES[L], B, loss)
    J, grads = by_hand(*example(output, loss, L, B))
    assert float(J) == pytest.approx(page.cost(names, loss, params, X, Y), rel=1e-14)
    assert_values(grads, page.backward(names, loss, params, X, Y, np.ones(B)), rtol=1e-13)
    by_differences = page.differences(lambda p: page.cost(names, loss, p, X, Y), params)
    assert_values(grads, by_differences, rtol=1e-8)


@pytest.mark.parametrize("dtype", U)
@pytest.mark.parametrize("container", [tuple, list])
def test_structure_and_dtypes_are_those_of_autodiff(dtype: str, container: type) -> None:
    net, params, X, Y = example(L=3, dtype=dtype)
    got = by_hand(net, container(params), X, Y)
    expected = by_autodiff(net, container(params), X, Y)
    assert_same(got, expected, rtol=64 * U[dtype])
    assert str(jax.tree.leaves(got[1])[0].dtype) == dtype
    assert str(got[0].dtype) == "float32"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pairs
def test_small_dtypes_agree_with_float64(output: str, loss: str, dtype: str) -> None:
    """A handful of roundings lie along the two layers, of Z, A, Δ and the result, each up to u."""
    net, *arrays = example(output, loss, L=2, dtype=dtype)
    names, (params, X, Y) = (*HIDDEN[2], output), as_numpy(arrays)
    J, grads = by_hand(net, *arrays)
    assert float(J) == pytest.approx(page.cost(names, loss, params, X, Y), rel=16 * U[dtype])
    assert_values(grads, page.backward(names, loss, params, X, Y, np.ones(5)), rtol=16 * U[dtype])


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_the_order_of_the_keys_does_not_matter(kind: Any) -> None:
    net, params, X, Y = example(dtype="float32")
    reordered = tuple(kind([("b", layer["b"]), ("W", layer["W"])]) for layer in params)
    _, grads = by_hand(net, reordered, X, Y)
    assert {type(grad) for grad in grads} == {kind}
    assert_same(tuple(map(dict, grads)), by_hand(net, params, X, Y)[1], rtol=0)


class Layers(NamedTuple):
    hidden: Any
    output: Any


def test_params_may_be_a_named_tuple() -> None:
    net, params, X, Y = example(dtype="float32")
    got = by_hand(net, Layers(*params), X, Y)
    assert isinstance(got[1], Layers)
    assert_same(got, by_autodiff(net, Layers(*params), X, Y), rtol=1e-6)


@pytest.mark.parametrize("dtype", [bool, np.int32, np.uint8])
def test_targets_may_be_integers(dtype: Any) -> None:
    net, params, X, Y = example(dtype="float32")
    labels = np.asarray(Y > 0.5)
    got = by_hand(net, params, X, labels.astype(dtype))
    assert_same(got, by_hand(net, params, X, labels.astype(np.float32)), rtol=0)


@pytest.mark.usefixtures("x64")
def test_numpy_arrays_in_float64_are_taken_as_they_are() -> None:
    params, (X, Y) = numpy_params(SIZES[2]), numpy_data(SIZES[2], 5, "binary_cross_entropy")
    net, *arrays = example()
    got = by_hand(net, params, X, Y)
    assert_same(got, by_hand(net, *arrays), rtol=0)
