"""g, g′ and Δ[L] in NumPy and float64, in forms that do not cancel; a user's own through JAX."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn.network import Network
from pure_nn.types import Activation

if TYPE_CHECKING:
    F64 = npt.NDArray[np.float64]
else:  # bounds of numbers whose squares would underflow are computed in long double
    F64 = npt.NDArray[np.floating[Any]]


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
        d = beside_top(A, dA)
        return np.asarray(A * (d - np.sum(A * d, axis=0, keepdims=True)))
    if activation.name in G_PRIME:
        return dA * g_prime(activation, Z, A)
    return _by_jax(activation.pull, Z, A, dA)


def beside_top(A: F64, dA: F64) -> F64:
    """∂𝓛/∂A less that of the largest class, which changes no Δ through softmax, and rounds less"""
    return np.asarray(dA - np.take_along_axis(dA, np.argmax(A, axis=0)[None], axis=0))


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
    """Δ[L], in a form that keeps its digits"""
    output, loss = net.activations[-1], net.loss
    if (output.name, loss.name) in DELTA:
        return DELTA[output.name, loss.name](Z, Y)
    if loss.name == "squared_error":
        return pull(output, Z, A, A - Y)
    return _by_jax(lambda Z, A, Y: loss.delta(Z, A, Y, output), Z, A, Y)


def losses(net: Network, Z: F64, A: F64, Y: F64) -> F64:
    """𝓛 of each example"""
    output, loss = net.activations[-1], net.loss
    if (output.name, loss.name) in LOSS:
        return np.asarray(np.sum(LOSS[output.name, loss.name](Z, Y), axis=0))
    if loss.name == "squared_error":
        return np.asarray(np.sum((A - Y) ** 2, axis=0) / 2)
    return _by_jax(lambda Z, A, Y: loss.value(Z, A, Y, output), Z, A, Y)


def _softmax_parts(Z: F64) -> tuple[F64, F64]:
    """A and 1 − A, that of the largest as the sum of the others"""
    A = softmax(Z)
    top = np.arange(len(Z))[:, None] == np.argmax(Z, axis=0)
    others = np.sum(np.where(top, 0, A), axis=0, keepdims=True)
    return A, np.where(top, others, 1 - A)


def complement(Z: F64) -> F64:
    """1 − A of softmax"""
    return _softmax_parts(Z)[1]


def _softmax_cross_entropy_delta(Z: F64, Y: F64) -> F64:
    """A(1ᵀY) − Y"""
    A, rest = _softmax_parts(Z)
    return np.asarray(A * (np.sum(Y, axis=0, keepdims=True) - Y) - Y * rest)


def _softmax_binary_delta(Z: F64, Y: F64) -> F64:
    """uᵢ(1 − Aᵢ) − Aᵢ Σ_{j≠i} uⱼ, u = A ∘ ∂𝓛/∂A"""
    A, rest = _softmax_parts(Z)
    u = (1 - Y) * A / rest - Y
    others = np.array([np.sum(np.delete(u, i, axis=0), axis=0) for i in range(len(u))])
    return np.asarray((1 - Y) * A - Y * rest - A * others)


def _softplus(Z: F64) -> F64:
    return np.asarray(np.logaddexp(0, Z))


def _log_softmax(Z: F64) -> F64:
    return np.asarray(Z - np.logaddexp.reduce(Z, axis=0, keepdims=True))


DELTA: Mapping[tuple[str, str], Callable[[F64, F64], F64]] = {
    ("sigmoid", "binary_cross_entropy"): lambda Z, Y: (1 - Y) * _sigmoid(Z) - Y * _sigmoid(-Z),
    ("sigmoid", "cross_entropy"): lambda Z, Y: -Y * _sigmoid(-Z),
    ("softmax", "cross_entropy"): _softmax_cross_entropy_delta,
    ("softmax", "binary_cross_entropy"): _softmax_binary_delta,
}
LOSS: Mapping[tuple[str, str], Callable[[F64, F64], F64]] = {
    ("sigmoid", "binary_cross_entropy"): lambda Z, Y: Y * _softplus(-Z) + (1 - Y) * _softplus(Z),
    ("sigmoid", "cross_entropy"): lambda Z, Y: Y * _softplus(-Z),
    ("softmax", "cross_entropy"): lambda Z, Y: -Y * _log_softmax(Z),
    ("softmax", "binary_cross_entropy"): lambda Z, Y: (
        -Y * _log_softmax(Z) - (1 - Y) * np.log(_softmax_parts(Z)[1])
    ),
}


def _by_jax(f: Callable[..., Any], *arrays: F64) -> F64:
    with jax.enable_x64(True):
        return np.array(f(*map(jnp.asarray, arrays)), np.float64)
