"""The page's functions of a number, for NumPy and for mpmath, and for NumPy those of a user."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn.types import Activation
from verify import oracles
from verify.bounds.running import Floats, Function

Form = Callable[..., Any]  # of z, the module that computes exp, and the constants of the activation
ELEMENTWISE: Mapping[str, tuple[Form, Form]] = {
    "identity": (oracles.leaky_relu(1.0), oracles.leaky_relu_prime(1.0)),
    "leaky_relu": (
        lambda z, m, a: oracles.leaky_relu(a)(z, m),
        lambda z, m, a: oracles.leaky_relu_prime(a)(z, m),
    ),
    "relu": (
        lambda z, m, at_zero: oracles.leaky_relu(0.0)(z, m),
        lambda z, m, at_zero: (z > 0) + at_zero * (z == 0),
    ),
    "sigmoid": (oracles.sigmoid, oracles.sigmoid_prime),
    "tanh": (oracles.tanh, oracles.tanh_prime),
}
SECOND: Mapping[str, Function] = {
    "sigmoid": lambda z: σ_prime(z) * (1 - 2 * σ(z)),
    "tanh": lambda z: -2 * np.tanh(z) * oracles.tanh_prime(z, np),
}  # g″, which is 0 for the others but for their kinks


class Forms(NamedTuple):
    """g, g′ and, where it is known, g″ in NumPy; JAX evaluates a user's own."""

    value: Function
    prime: Function
    second: Function | None = None
    is_own: bool = False


def in_numpy(g: Activation) -> Forms:
    if g.name not in ELEMENTWISE:
        return Forms(by_jax(g.g), by_jax(lambda z: g.g_prime(z, g.g(z))), is_own=True)
    value, prime = (functools.partial(f, m=np, **dict(g.constants)) for f in ELEMENTWISE[g.name])
    return Forms(value, prime, SECOND.get(g.name))


def by_jax(f: Callable[..., Any]) -> Callable[..., Floats]:
    """f of JAX's arrays as one of NumPy's, in float64"""

    def evaluated(*arrays: Floats) -> Floats:
        with jax.enable_x64(True):
            return np.array(f(*map(jnp.asarray, arrays)), np.float64)

    return evaluated


def σ(z: Floats) -> Any:
    return oracles.sigmoid(z, np)


def σ_prime(z: Floats) -> Any:
    return oracles.sigmoid_prime(z, np)


def log_σ(z: Floats) -> Floats:
    return -np.logaddexp(0, -z)


def over(x: Floats) -> Floats:
    return 1 / np.maximum(x, 0)


def others(x: Floats, largest: npt.NDArray[np.bool_]) -> Floats:
    """Σ_{k≠i} xₖ of each column, without the largest first, so that nothing cancels"""
    small, top = np.where(largest, 0, x), np.where(largest, x, 0)
    total = small.sum(axis=-2, keepdims=True) - small
    others: Floats = total + np.where(largest, 0, top.sum(axis=-2, keepdims=True))
    return others
