"""What the tests of verify's checks share: a cost, its gradient by hand in JAX and in NumPy, and
numbers of one shape, so that few programs are compiled."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike

Tree = Any
QUICK: Any = {"oracles": ("same dtype",)}  # beside jax.grad in float64


def params_and_data(dtype: DTypeLike = "float64", seed: int = 0) -> tuple[Tree, Any, Any]:
    """Weights by name, X of four examples in columns, and Y in [0, 1]"""
    rng = np.random.default_rng(seed)
    params = {"W1": rng.normal(size=(4, 3)), "b1": rng.normal(size=(4, 1))}
    params |= {"W2": rng.normal(size=(2, 4)), "b2": rng.normal(size=(2, 1))}
    X, Y = rng.normal(size=(3, 5)), rng.uniform(size=(2, 5))
    cast: tuple[Tree, Any, Any] = jax.tree.map(lambda x: x.astype(jnp.dtype(dtype)), (params, X, Y))
    return cast


def in_jax(args: Any) -> Any:
    """Arrays of JAX, as bfloat16 has to be, which NumPy's own functions widen"""
    with jax.enable_x64(any(x.dtype == np.float64 for x in jax.tree.leaves(args))):
        return jax.tree.map(jnp.asarray, args)


def cost(params: Tree, X: Any, Y: Any) -> Any:
    A = jnp.tanh(params["W1"] @ X + params["b1"])
    Z = params["W2"] @ A + params["b2"]
    return jnp.mean(jnp.sum((Z - Y) ** 2, axis=0)) / 2


def by_hand(params: Tree, X: Any, Y: Any, m: Any = jnp) -> Tree:
    """In the module m, JAX's or NumPy's"""
    B = X.shape[1]
    A = m.tanh(params["W1"] @ X + params["b1"])
    D2 = (params["W2"] @ A + params["b2"] - Y) / B
    D1 = (params["W2"].T @ D2) * (1 - A * A)
    grads = {"W1": D1 @ X.T, "b1": D1.sum(axis=1, keepdims=True)}
    return grads | {"W2": D2 @ A.T, "b2": D2.sum(axis=1, keepdims=True)}


def numpy_cost(params: Tree, X: Any, Y: Any) -> Any:
    A = np.tanh(params["W1"] @ X + params["b1"])
    Z = params["W2"] @ A + params["b2"]
    return np.mean(np.sum((Z - Y) ** 2, axis=0)) / 2


def in_numpy(params: Tree, X: Any, Y: Any) -> Tree:
    return by_hand(params, X, Y, np)


def changed(name: str, change: Callable[[Any], Any]) -> Callable[..., Tree]:
    """The gradient by hand with one leaf changed"""

    def wrong(params: Tree, X: Any, Y: Any) -> Tree:
        grads = by_hand(params, X, Y)
        return grads | {name: change(grads[name])}

    return wrong


def x_of(shape: tuple[int, ...] = (4, 3), dtype: DTypeLike = "float64") -> npt.NDArray[Any]:
    x: npt.NDArray[Any] = np.random.default_rng(3).normal(size=shape).astype(jnp.dtype(dtype))
    return x
