"""g, g′ and Δ[L] in NumPy and float64, in forms that do not cancel; a user's own through JAX."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn.network import Network
from pure_nn.types import Activation

F64 = npt.NDArray[np.float64]


def _sigmoid(Z: F64) -> F64:
    return np.asarray(np.exp(np.minimum(Z, 0)) / (1 + np.exp(-np.abs(Z))))


def _sigmoid_prime(Z: F64) -> F64:
    return _sigmoid(Z) * _sigmoid(-Z)


def _tanh_prime(Z: F64) -> F64:
    e = np.exp(-2 * np.abs(Z))
    return np.asarray(4 * e / (1 + e) ** 2)


def softmax(Z: F64) -> F64:
    E = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return np.asarray(E / np.sum(E, axis=0, keepdims=True))


G: Mapping[str, Callable[..., F64]] = {
    "identity": lambda Z: Z,
    "leaky_relu": lambda Z, a=0.01: np.where(Z < 0, a * Z, Z),
    "relu": lambda Z, at_zero=1.0: np.where(Z < 0, 0, Z),
    "sigmoid": _sigmoid,
    "softmax": softmax,
    "tanh": np.tanh,
}
G_PRIME: Mapping[str, Callable[..., F64]] = {
    "identity": np.ones_like,
    "leaky_relu": lambda Z, a=0.01: np.where(Z < 0, a, 1.0),
    "relu": lambda Z, at_zero=1.0: np.where(Z < 0, 0, np.where(Z == 0, at_zero, 1.0)),
    "sigmoid": _sigmoid_prime,
    "tanh": _tanh_prime,
}
IN_A: Mapping[str, Callable[[F64], F64]] = {
    "sigmoid": lambda A: A * (1 - A),
    "softmax": lambda A: A * (1 - A),
    "tanh": lambda A: 1 - A**2,
}  # g′ as people write it, as a function of A


def g(activation: Activation, Z: F64) -> F64:
    """A = g(Z)"""
    if activation.name in G:
        return G[activation.name](Z, **dict(activation.constants))
    return _by_jax(activation.g, Z)


def g_prime(activation: Activation, Z: F64, A: F64) -> F64:
    """g′(Z) entry by entry; of softmax, whose Jacobian is not diagonal, its diagonal"""
    if activation.name in G_PRIME:
        return G_PRIME[activation.name](Z, **dict(activation.constants))
    if activation.name == "softmax":
        return A * (1 - A)
    return _by_jax(activation.g_prime, Z, A)


def pull(activation: Activation, Z: F64, A: F64, dA: F64) -> F64:
    """Δ = dA ∘ g′(Z), or dA through the Jacobian of softmax"""
    if activation.name == "softmax":
        return np.asarray(A * (dA - np.sum(A * dA, axis=0, keepdims=True)))
    if activation.name in G_PRIME:
        return dA * g_prime(activation, Z, A)
    return _by_jax(activation.pull, Z, A, dA)


DA: Mapping[str, Callable[[F64, F64], F64]] = {
    "binary_cross_entropy": lambda A, Y: -Y / A + (1 - Y) / (1 - A),
    "cross_entropy": lambda A, Y: -Y / A,
    "squared_error": lambda A, Y: A - Y,
}


def loss_dA(name: str, A: F64, Y: F64) -> F64:
    """∂𝓛/∂A of a loss by name; ∞ and NaN where A is 0 or 1 to all digits"""
    with np.errstate(divide="ignore", invalid="ignore"):
        return DA[name](A, Y)


def output_delta(net: Network, Z: F64, A: F64, Y: F64) -> F64:
    """Δ[L] as pure_nn has it, whose forms keep their digits"""
    output, loss = net.activations[-1], net.loss
    if (output.name, loss.name) == ("sigmoid", "binary_cross_entropy"):
        return (1 - Y) * _sigmoid(Z) - Y * _sigmoid(-Z)
    if loss.name == "squared_error":
        return pull(output, Z, A, A - Y)
    return _by_jax(lambda Z, A, Y: loss.delta(Z, A, Y, output), Z, A, Y)


def losses(net: Network, Z: F64, A: F64, Y: F64) -> F64:
    """𝓛 of each example"""
    return _by_jax(lambda Z, A, Y: net.loss.value(Z, A, Y, net.activations[-1]), Z, A, Y)


def _by_jax(f: Callable[..., Any], *arrays: F64) -> F64:
    with jax.enable_x64(True):
        return np.array(f(*map(jnp.asarray, arrays)), np.float64)
