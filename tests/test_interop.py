"""The cost as a custom_vjp: jax.grad of it is the gradient by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest
from helpers import assert_same, example, pairs

import pure_nn
from pure_nn import interop

by_autodiff = jax.jit(jax.value_and_grad(pure_nn.cost, argnums=(1, 2)))
by_interop = jax.jit(jax.value_and_grad(interop.cost, argnums=(1, 2)))


@pytest.mark.usefixtures("x64")
@pairs
def test_gradients_with_respect_to_params_and_X(output: str, loss: str) -> None:
    args = example(output, loss, L=3)
    assert_same(by_interop(*args), by_autodiff(*args), rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_the_backward_pass_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    net, params, X, Y = example(L=3)
    _, (grads, _) = jax.value_and_grad(interop.cost, argnums=(1, 2))(net, params, X, Y)
    assert_same(grads, pure_nn.value_and_grad(net, params, X, Y)[1], rtol=1e-15)
    monkeypatch.setattr(pure_nn.network, "backward", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        jax.grad(interop.cost, argnums=1)(net, params, X, Y)


@pytest.mark.usefixtures("x64")
def test_inside_a_larger_program() -> None:
    """The cotangent scales, vmap maps, and what stands before the network gets its gradient."""
    net, params, X, Y = example(L=2)

    def J(cost: Any, scale: Any, params: Any) -> Any:
        return 3 * jnp.exp(cost(net, params, scale * X, Y)) + optax.tree.norm(params, squared=True)

    scales = jnp.array([0.5, 2.0])
    gradient = jax.vmap(jax.grad(J, argnums=(1, 2)), (None, 0, None))
    got = jax.jit(gradient, static_argnums=0)(interop.cost, scales, params)
    expected = jax.jit(gradient, static_argnums=0)(pure_nn.cost, scales, params)
    assert_same(got, expected, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtypes_are_those_of_the_arguments(dtype: str) -> None:
    args = example(L=2, dtype=dtype)
    assert_same(by_interop(*args), by_autodiff(*args), rtol=32 * float(jnp.finfo(dtype).eps))


@pytest.mark.parametrize("f", [jax.grad, lambda *args: jax.jit(jax.grad(*args))])
def test_targets_have_no_gradient(f: Any) -> None:
    args = example(dtype="float32")
    with pytest.raises(TypeError, match=r"interop\.cost: expected Y to be data"):
        f(interop.cost, 3)(*args)


def test_arguments_are_checked() -> None:
    net, params, X, Y = example(dtype="float32")
    with pytest.raises(ValueError, match=r"the examples are in its rows: pass X\.T"):
        interop.cost(net, params, X.T, Y)
