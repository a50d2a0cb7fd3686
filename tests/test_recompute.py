"""With recompute=True most of the cache is computed again: the same gradients in less memory."""

import functools
import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from helpers import as_jax, assert_same, deviation, numpy_data, numpy_params
from jaxprs import equations

import pure_nn
from pure_nn import recompute, segments

LESS = functools.partial(pure_nn.value_and_grad, recompute=True)
by_hand, again = jax.jit(pure_nn.value_and_grad), jax.jit(LESS)
HIDDEN = ("tanh", "softmax", "leaky_relu", "sigmoid", "identity")
DEPTHS = [1, 2, 3, 10, 30]


def example(L: int, B: int = 5, dtype: Any = "float64") -> tuple[Any, Any, Any, Any]:
    """Layers of unlike sizes, then equal ones"""
    sizes = (2, 5, 3, *[4] * L)[: L + 1]
    activations = [*[HIDDEN[l % 5] for l in range(L // 2)], *["tanh"] * (L - 1 - L // 2), "sigmoid"]
    params, data = numpy_params(sizes), numpy_data(sizes, B, "binary_cross_entropy")
    net = pure_nn.Network(activations, dropout=0.2)
    return net, *as_jax((params, *data), dtype)


def without_dropout(net: Any) -> Any:
    return pure_nn.Network(net.activations, net.loss)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("L", "B"), [(1, 33), (2, 1), (3, 33), (10, 33), (30, 1)])
def test_the_same_gradients(L: int, B: int) -> None:
    args, more = example(L, B), {"weights": jnp.linspace(0.5, 2, B), "l2": 0.3}
    assert_same(again(*args, **more), by_hand(*args, **more), rtol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("L", [2, 10])
def test_dropout_drops_the_same_in_both_passes(L: int) -> None:
    net, params, X, Y = example(L, B=9)
    key = jax.random.key(3)
    expected = by_hand(net, params, X, Y, key=key)
    assert_same(again(net, params, X, Y, key=key), expected, rtol=1e-12)
    cache = pure_nn.forward(net, params, X, key=key)
    masks = getattr(cache, "D", (None,) * L)
    assert_same(again(net, params, X, Y, masks=masks), expected, rtol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("L", [2, 10])
def test_other_masks_would_be_found(L: int) -> None:
    net, params, X, Y = example(L, B=9)
    first, second = (again(net, params, X, Y, key=jax.random.key(i))[1] for i in (3, 4))
    assert deviation(second, first) > 1e-3


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("L", [10, 30])
def test_of_stacked_params(L: int) -> None:
    flat, params, X, Y = example(L)
    net, more = without_dropout(flat), {"l2": 0.3}
    stack = pure_nn.stack(params, net)
    J, grads = by_hand(net, params, X, Y, **more)
    assert_same(again(net, stack, X, Y, **more), (J, pure_nn.stack(grads, net)), rtol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("k", [2, 7, 49])
def test_of_one_stack(k: int) -> None:
    """Alone, in as many segments as there are: some of them in a scan, and what is left"""
    net = pure_nn.Network(("tanh",) * k, "squared_error")
    params, data = numpy_params((3,) * (k + 1)), numpy_data((3, 3), 5, "squared_error")
    params, X, Y = as_jax((params, *data))
    stack = pure_nn.stack(params)
    assert_same(again(net, stack, X, Y), by_hand(net, stack, X, Y), rtol=1e-12)
    J, grads = by_hand(net, params, X, Y)
    assert_same(again(net, stack, X, Y), (J, pure_nn.stack(grads)), rtol=1e-12)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("bfloat16", 0.02)])
def test_smaller_dtypes(dtype: str, rtol: float) -> None:
    args = example(10, dtype=dtype)
    assert_same(again(*args, l2=0.1), by_hand(*args, l2=0.1), rtol)


@pytest.mark.usefixtures("x64")
def test_eagerly_and_under_vmap() -> None:
    net, params, X, Y = example(10)
    several = jnp.stack([X, 2 * X])
    J, grads = jax.vmap(LESS, (None, None, 0, None))(net, params, several, Y)
    got = J[1], jax.tree.map(lambda x: x[1], grads)
    assert_same(got, pure_nn.value_and_grad(net, params, 2 * X, Y), rtol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("bad", [jnp.inf, -jnp.inf, jnp.nan], ids=str)
def test_what_is_not_finite_stays_in_its_column(bad: Any) -> None:
    """A is chosen by the first entry of ∂𝓛/∂A, whatever that is"""
    net, params, X, Y = example(10)
    J, grads = again(net, params, X, Y, weights=jnp.asarray([bad, 1, 1, 1, 1]))
    expected = by_hand(net, params, X, Y, weights=jnp.asarray([bad, 1, 1, 1, 1]))
    same = jax.tree.map(functools.partial(jnp.array_equal, equal_nan=True), (J, grads), expected)
    assert all(jax.tree.leaves(same))
    of_Y = jnp.asarray(Y).at[0, 0].set(bad)
    found, plain = (f(net, params, X, of_Y) for f in (again, by_hand))
    same = jax.tree.map(functools.partial(jnp.array_equal, equal_nan=True), found, plain)
    assert all(jax.tree.leaves(same))


# memory


def memory(f: Any, params: Any, B: int = 64) -> int:
    L, n = 200, 64
    net = pure_nn.Network(("tanh",) * L, "squared_error")
    X = jax.ShapeDtypeStruct((n, B), "float32")
    held = jax.jit(f).lower(net, params, X, X).compile().memory_analysis()
    assert held is not None
    return int(held.temp_size_in_bytes)


def layers() -> Any:
    of_one = {"W": jnp.zeros((64, 64)), "b": jnp.zeros((64, 1))}
    return (of_one,) * 200


def test_a_fifth_of_the_memory() -> None:
    assert memory(LESS, layers()) <= 0.2 * memory(pure_nn.value_and_grad, layers())


def test_a_fifth_of_the_memory_of_a_stack() -> None:
    stack = pure_nn.stack(layers())
    assert memory(LESS, stack) <= 0.2 * memory(pure_nn.value_and_grad, stack)


def test_without_the_wait_it_would_not_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    less = memory(LESS, layers())
    monkeypatch.setattr(recompute, "_after", lambda dA, A: A)
    assert memory(lambda *args: LESS(*args), layers()) > 4 * less


def test_the_program_of_a_stack_does_not_grow() -> None:
    def program(k: int) -> Any:
        net = pure_nn.Network(("tanh",) * k, "squared_error")
        W, b = jnp.zeros((k, 3, 3)), jnp.zeros((k, 3, 1))
        traced = jax.make_jaxpr(LESS)(
            net, ({"W": W, "b": b},), jnp.zeros((3, 5)), jnp.zeros((3, 5))
        )
        return traced.jaxpr

    assert equations(program(50)) == equations(program(800))


@pytest.mark.parametrize("L", DEPTHS)
def test_segments_hold_every_layer_once(L: int) -> None:
    net, params, _, _ = example(L, dtype="float32")
    found = segments.segments(net, params, (None,) * L)
    assert [part.entry for segment in found for part in segment.parts] == list(range(L))
    assert max(len(segment.parts) for segment in found) <= max(1, round((L / 3) ** 0.5))


@pytest.mark.parametrize("given", [1, None, "yes"])
def test_yes_or_no(given: Any, as_installed: None) -> None:
    args = example(2, dtype="float32")
    message = f"recompute: expected True or False, got {given!r}"
    with pytest.raises(TypeError, match=re.escape(message)):
        pure_nn.value_and_grad(*args, recompute=given)
