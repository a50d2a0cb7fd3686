"""What the equations are judged by: the page's network under `jax.grad`, and exact functions.

The network here shares no line with `pure_nn`: forward, losses and their derivatives come from
jax.nn, optax and autodiff, in float64 (but for a user's own activation or loss, whose only
forward form is the one given). The exact functions are written once and computed by mpmath, or
by NumPy where float64 is exact enough.
"""

import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from pure_nn.network import Network, Params
from pure_nn.types import Activation, Loss
from verify.errors import Exact

try:
    import mpmath
except ModuleNotFoundError:
    message = "verify needs mpmath, which is not installed: pip install 'pure_nn[verify]'"
    raise ModuleNotFoundError(message, name="mpmath") from None

# A reference runs once: it is compiled in haste, and so by other passes than what it judges.
IN_HASTE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
compiled = functools.partial(jax.jit, compiler_options=IN_HASTE)

DIGITS = 40  # of mpmath: float64 has 17, and a difference of two results loses none of them


def relu(Z: Array, at_zero: float) -> Array:
    return jnp.where(Z == 0, at_zero * Z, jnp.maximum(Z, 0))


ACTIVATIONS: Mapping[str, Callable[..., Array]] = {
    "identity": lambda Z: Z,
    "leaky_relu": lambda Z, a: jax.nn.leaky_relu(Z, a),
    "relu": relu,
    "sigmoid": jax.nn.sigmoid,
    "softmax": lambda Z: jax.nn.softmax(Z, axis=0),
    "tanh": jnp.tanh,
}

LOSSES: Mapping[str, Callable[[Array, Array], Array]] = {
    "binary_cross_entropy": lambda A, Y: (
        -jax.scipy.special.xlogy(Y, A) - jax.scipy.special.xlog1py(1 - Y, -A)
    ),
    "cross_entropy": lambda A, Y: -Y * jnp.log(A),
    "squared_error": lambda A, Y: (A - Y) ** 2 / 2,
}


def _softmax_binary_cross_entropy(Z: Array, Y: Array) -> Array:
    """log(1 − Aᵢ) as the log-sum-exp of all but zᵢ, less that of all"""
    itself = jnp.eye(len(Z), dtype=bool)[:, :, None]
    others = jax.nn.logsumexp(jnp.where(itself, -jnp.inf, Z[None, :, :]), axis=1)
    log_rest = others - jax.nn.logsumexp(Z, axis=0, keepdims=True)
    return -Y * jax.nn.log_softmax(Z, axis=0) - (1 - Y) * log_rest


FROM_LOGITS: Mapping[tuple[str, str], Callable[[Array, Array], Array]] = {
    ("binary_cross_entropy", "sigmoid"): optax.sigmoid_binary_cross_entropy,
    ("cross_entropy", "softmax"): lambda Z, Y: optax.softmax_cross_entropy(Z, Y, axis=0)[None],
    ("binary_cross_entropy", "softmax"): _softmax_binary_cross_entropy,
}


def activation(g: Activation, Z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    if g.name in ACTIVATIONS:
        return ACTIVATIONS[g.name](Z, **dict(g.constants))
    return g.g(Z)


def losses_from_A(loss: Loss, A: Float[Array, "n B"], Y: Float[Array, "n B"]) -> Float[Array, " B"]:
    """𝓛 of each example as a function of A[L]."""
    return jnp.sum(LOSSES[loss.name](A, Y), axis=0)


def losses(
    loss: Loss, g: Activation, Z: Float[Array, "n B"], Y: Float[Array, "n B"]
) -> Float[Array, " B"]:
    """𝓛 of each example as a function of Z[L], from the logits where a library has that form."""
    if (loss.name, g.name) in FROM_LOGITS:
        return jnp.sum(FROM_LOGITS[loss.name, g.name](Z, Y), axis=0)
    A = activation(g, Z)
    return losses_from_A(loss, A, Y) if loss.name in LOSSES else loss.value(Z, A, Y, g)


def forward(
    net: Network, params: Params, X: Array, added: Sequence[Array | float] | None = None
) -> tuple[list[Array], list[Array]]:
    """Z[1 … L] and A[0 … L] of the page's network, with something added to each Z."""
    Z: list[Array] = []
    A = [X]
    for layer, g, more in zip(params, net.activations, added or [0.0] * len(params), strict=True):
        Z.append(jnp.matmul(layer["W"], A[-1], precision="highest") + layer["b"] + more)
        A.append(activation(g, Z[-1]))
    return Z, A


def network_losses(net: Network, params: Params, X: Array, Y: Array) -> Float[Array, " B"]:
    """𝓛 of each example"""
    Z, _ = forward(net, params, X)
    return losses(net.loss, net.activations[-1], Z[-1], Y)


@compiled
def value_and_grad(
    net: Network, params: Params, X: Array, Y: Array, weights: Array
) -> tuple[Array, Any]:
    """J and its `jax.grad` with respect to params"""

    def J(params: Params) -> Array:
        return jnp.mean(weights * network_losses(net, params, X, Y))

    return jax.value_and_grad(J)(params)


@compiled
def audit(
    net: Network, params: Params, X: Array, Y: Array, weights: Array
) -> tuple[tuple[Array, Any], tuple[list[Array], list[Array], list[Array]]]:
    """J and its `jax.grad` with respect to params; and Z, A and the wΔ/B that the gradients sum"""

    def J(params: Params, added: list[Array]) -> Any:
        Z, A = forward(net, params, X, added)
        return jnp.mean(weights * losses(net.loss, net.activations[-1], Z[-1], Y)), (Z, A)

    zeros = [jnp.zeros((len(layer["W"]), X.shape[1]), X.dtype) for layer in params]
    (value, (Z, A)), (grads, Δ) = jax.value_and_grad(J, (0, 1), has_aux=True)(params, zeros)
    return (value, grads), (Z, A, Δ)


# exact functions of z, where m computes exp, expm1 and sign: NumPy, or mpmath on arrays of objects


def sigmoid(z: Any, m: Any) -> Any:
    """exp(min(z, 0))/(1 + exp(−|z|))"""
    return m.exp((z - abs(z)) / 2) / (1 + m.exp(-abs(z)))


def sigmoid_prime(z: Any, m: Any) -> Any:
    e = m.exp(-abs(z))
    return e / (1 + e) ** 2


def tanh(z: Any, m: Any) -> Any:
    minus = m.expm1(-2 * abs(z))
    return -m.sign(z) * minus / (2 + minus)


def tanh_prime(z: Any, m: Any) -> Any:
    e = m.exp(-2 * abs(z))
    return 4 * e / (1 + e) ** 2


def leaky_relu(a: float) -> Callable[[Any, Any], Any]:
    return lambda z, m: (z + abs(z)) / 2 + a * ((z - abs(z)) / 2)


def leaky_relu_prime(a: float) -> Callable[[Any, Any], Any]:
    return lambda z, m: a + (1 - a) * (z >= 0)


def softmax(Z: Any, one_hot: Any, soft: Any, m: Any) -> tuple[Any, Any, Any]:
    """A, A − Y of a one-hot Y, where the target's is minus the sum of the others, A(1ᵀY) − Y"""
    E = m.exp(Z - Z.max(axis=-2, keepdims=True))
    A = E / E.sum(axis=-2, keepdims=True)
    others = (A * (1 - one_hot)).sum(axis=-2, keepdims=True)
    delta = A * (1 - one_hot) - others * one_hot
    return A, delta, A * soft.sum(axis=-2, keepdims=True) - soft


def sigmoid_soft(Z: Any, soft: Any, m: Any) -> tuple[Any, Any]:
    """A, A − Y"""
    A = sigmoid(Z, m)
    return A, A - soft


MPMATH = types.SimpleNamespace(
    exp=np.frompyfunc(mpmath.exp, 1, 1),
    expm1=np.frompyfunc(mpmath.expm1, 1, 1),
    log=np.frompyfunc(mpmath.log, 1, 1),
    sign=np.frompyfunc(mpmath.sign, 1, 1),
)


def exact(f: Callable[..., Any], *arrays: Any) -> Any:
    """f(*arrays, m), or each of its several results, as the sum of two float64 arrays.

    Of float64 arrays by mpmath; of fewer bits by NumPy in float64, which is off by a few ULP of
    its own, 1e-8 of a float32's.
    """
    if arrays[0].dtype != np.float64:
        with np.errstate(under="ignore"):
            high = f(*(x.astype(np.float64) for x in arrays), np)
        return jax.tree.map(lambda x: (x, np.zeros_like(x)), high)
    with mpmath.workdps(DIGITS):
        values = f(*(np.frompyfunc(mpmath.mpf, 1, 1)(x) for x in arrays), MPMATH)
        return jax.tree.map(as_sum, values)


def as_sum(values: Any) -> Exact:
    """Numbers of mpmath as the sum of two float64 arrays"""
    high = values.astype(np.float64)
    return high, np.asarray(values - high).astype(np.float64)
