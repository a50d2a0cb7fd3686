"""The cost as a custom_vjp: jax.grad of it is the gradient by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import as_numpy, assert_same, example, pairs

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
    monkeypatch.setattr(pure_nn.network, "backward", lambda *args, **named: 1 / 0)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        jax.grad(interop.cost, argnums=1)(net, params, X, Y)


def with_everything(dtype: str = "float64") -> tuple[Any, dict[str, Any]]:
    """Dropout of X too, weighted examples and L2; masks of each unit in turn."""
    net, *arrays = example(L=3, dtype=dtype)
    net = pure_nn.Network(net.activations, net.loss, dropout=(0.25, 0.5, 0.2))
    key, weights = jax.random.key(3), jnp.array([0.5, 2.0, 0.0, 1.0, 3.25])
    return (net, *arrays), {"key": key, "weights": weights, "l2": 0.3}


@pytest.mark.usefixtures("x64")
def test_dropout_weights_and_l2() -> None:
    args, named = with_everything()
    assert_same(by_interop(*args, **named), by_autodiff(*args, **named), rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_masks_are_those_of_the_key() -> None:
    (net, params, X, Y), named = with_everything()
    cache = pure_nn.forward(net, params, X, key=named.pop("key"))
    assert isinstance(cache, pure_nn.DropoutCache)
    by_mask = jax.jit(jax.grad(interop.cost, 2))(net, params, X, Y, masks=cache.D, **named)
    _, (_, by_key) = by_interop(net, params, X, Y, **with_everything()[1])
    assert_same(by_mask, by_key, rtol=1e-14)
    assert cache.D[0] is not None
    assert ((by_mask != 0) <= cache.D[0]).all()  # what is dropped of X has no gradient
    assert not cache.D[0].all()


@pytest.mark.usefixtures("x64")
def test_gradient_with_respect_to_lambda() -> None:
    args, named = with_everything()
    l2, (_, params, *_) = jnp.asarray(named.pop("l2")), args
    got = jax.jit(jax.grad(lambda l2: interop.cost(*args, l2=l2, **named)))(l2)
    expected = sum(np.sum(layer["W"] ** 2) for layer in as_numpy(params)) / 2
    assert_same(got, np.float64(expected), rtol=1e-14)


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
    args, named = with_everything(dtype)
    got, expected = by_interop(*args, **named), by_autodiff(*args, **named)
    assert_same(got, expected, rtol=32 * float(jnp.finfo(dtype).eps))


@pytest.mark.usefixtures("x64", "standard_promotion")
def test_a_number_for_lambda_widens_nothing() -> None:
    J = jax.eval_shape(lambda *args: interop.cost(*args, l2=0.3), *example(dtype="bfloat16"))
    assert J.dtype == jnp.float32


@pytest.mark.parametrize("f", [jax.grad, lambda *args: jax.jit(jax.grad(*args))])
def test_targets_have_no_gradient(f: Any) -> None:
    args = example(dtype="float32")
    with pytest.raises(TypeError, match=r"interop\.cost: expected Y to be data"):
        f(interop.cost, 3)(*args)


def test_weights_have_no_gradient() -> None:
    args = example(dtype="float32")
    with pytest.raises(TypeError, match=r"interop\.cost: expected weights to be data"):
        jax.grad(lambda w: interop.cost(*args, weights=w))(jnp.ones(5))


def test_arguments_are_checked() -> None:
    net, params, X, Y = example(dtype="float32")
    with pytest.raises(ValueError, match=r"the examples are in its rows: pass X\.T"):
        interop.cost(net, params, X.T, Y)
