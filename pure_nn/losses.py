"""Losses: each 𝓛 beside its ∂𝓛/∂A and, with the outputs it simplifies with, its direct Δ[L].

𝓛 is one number per example, summed over the output units. No form here cancels: 1 − A never
appears where A may be 1.
"""

import jax.numpy as jnp
from jaxtyping import Array

from pure_nn.activations import sigmoid, softmax
from pure_nn.precision import traced_once
from pure_nn.softmax_digits import softmax_parts, softmax_terms
from pure_nn.types import Loss

# squared error


def squared_error() -> Loss:
    """𝓛 = ½‖A − Y‖²"""
    return Loss("squared_error", _half_square, _difference)


def _half_square(Z: Array, A: Array, Y: Array) -> Array:
    return jnp.sum(jnp.square(A - Y), axis=0) / 2


def _difference(A: Array, Y: Array) -> Array:
    """∂𝓛/∂A = A − Y"""
    return A - Y


# cross-entropy


def cross_entropy() -> Loss:
    """𝓛 = −Σ Y log A"""
    return Loss(
        "cross_entropy",
        _cross_entropy,
        _cross_entropy_dA,
        domain=(0.0, 1.0),
        direct={softmax(): _cross_entropy_softmax_delta, sigmoid(): _cross_entropy_sigmoid_delta},
        from_Z={softmax(): _cross_entropy_softmax, sigmoid(): _cross_entropy_sigmoid},
    )


def _cross_entropy(Z: Array, A: Array, Y: Array) -> Array:
    return -jnp.sum(_times_log(Y, A), axis=0)


def _cross_entropy_dA(A: Array, Y: Array) -> Array:
    """∂𝓛/∂A = −Y/A"""
    return -Y / A


@traced_once
def _cross_entropy_softmax(Z: Array, A: Array, Y: Array) -> Array:
    """𝓛 = −Σ Y log A = (1ᵀY) log_total − Σ Y ∘ fall, as log A = fall − log_total"""
    _, _, _, fall, log_total = softmax_terms(Z)
    return jnp.sum(Y, axis=0) * log_total[0] - jnp.sum(Y * fall, axis=0)


@traced_once
def _cross_entropy_softmax_delta(Z: Array, A: Array, Y: Array) -> Array:
    """Δ = A(1ᵀY) − Y = A(1ᵀY − Y) − Y(1 − A): for a one-hot Y nothing cancels

    A = E/total, 1 − A = others/total
    """
    E, others, total, _, _ = softmax_terms(Z)
    return (E * (jnp.sum(Y, axis=0, keepdims=True) - Y) - Y * others) / total


def _cross_entropy_sigmoid(Z: Array, A: Array, Y: Array) -> Array:
    return jnp.sum(Y * _softplus(-Z), axis=0)


def _cross_entropy_sigmoid_delta(Z: Array, A: Array, Y: Array) -> Array:
    """Δ = −Y(1 − A) = −Yσ(−Z)"""
    return -Y * sigmoid().g(-Z)


# binary cross-entropy


def binary_cross_entropy() -> Loss:
    """𝓛 = −Σ (Y log A + (1 − Y) log(1 − A))"""
    return Loss(
        "binary_cross_entropy",
        _binary_cross_entropy,
        _binary_cross_entropy_dA,
        domain=(0.0, 1.0),
        direct={
            sigmoid(): _binary_cross_entropy_sigmoid_delta,
            softmax(): _binary_cross_entropy_softmax_delta,
        },
        from_Z={
            sigmoid(): _binary_cross_entropy_sigmoid,
            softmax(): _binary_cross_entropy_softmax,
        },
    )


def _binary_cross_entropy(Z: Array, A: Array, Y: Array) -> Array:
    return -jnp.sum(_times_log(Y, A) + _times_log(1 - Y, 1 - A), axis=0)


def _binary_cross_entropy_dA(A: Array, Y: Array) -> Array:
    """∂𝓛/∂A = −Y/A + (1 − Y)/(1 − A)"""
    return -Y / A + (1 - Y) / (1 - A)


def _binary_cross_entropy_sigmoid(Z: Array, A: Array, Y: Array) -> Array:
    """𝓛 = Σ Y log(1 + exp(−Z)) + (1 − Y) log(1 + exp(Z)), from Y + (1 − Y) = 1 with one exp"""
    larger = jnp.where(Z > 0, (1 - Y) * Z, -Y * Z)
    return jnp.sum(larger + _log1p_exp_of_minus_abs(Z), axis=0)


def _binary_cross_entropy_sigmoid_delta(Z: Array, A: Array, Y: Array) -> Array:
    """Δ = A − Y = (1 − Y)σ(Z) − Yσ(−Z): for Y in {0, 1} nothing cancels"""
    σ = sigmoid().g
    return (1 - Y) * σ(Z) - Y * σ(-Z)


def _binary_cross_entropy_softmax(Z: Array, A: Array, Y: Array) -> Array:
    """log(1 − A) of a top class A > ½ is log A − log O of any other class"""
    A, _, log_A = softmax_parts(Z)
    top, (_, _, log_O) = A > 0.5, softmax_parts(_without_top(Z, A))
    log_rest = jnp.max(_without_top(log_A, A), axis=0, keepdims=True)
    log_rest -= jnp.max(log_O, axis=0, keepdims=True)
    log_complement = jnp.where(top, log_rest, jnp.log1p(-jnp.where(top, 0, A)))
    return -jnp.sum(Y * log_A + (1 - Y) * log_complement, axis=0)


def _binary_cross_entropy_softmax_delta(Z: Array, A: Array, Y: Array) -> Array:
    """The chain rule with u = ∂𝓛/∂A ∘ A multiplied out, so that no 1/(1 − A) meets A = 1:

        Δᵢ = (1 − Yᵢ)Aᵢ + [Aᵢ Σⱼ Yⱼ − Yᵢ] − Σ_{k≠i} (1 − Yₖ) Aₖ Aᵢ/(1 − Aₖ)

    where Aᵢ/(1 − Aₖ) is Oᵢ, the softmax of the others, for a top class Aₖ > ½.
    """
    A, _, _ = softmax_parts(Z)
    top, (O, _, _) = A > 0.5, softmax_parts(_without_top(Z, A))
    v = jnp.where(top, 0, (1 - Y) * A / (1 - jnp.where(top, 0, A)))
    v_top = jnp.where(top, (1 - Y) * A, 0)
    from_others = A * (jnp.sum(v, axis=0, keepdims=True) - v)
    from_top = O * jnp.sum(v_top, axis=0, keepdims=True)
    return (1 - Y) * A + _cross_entropy_softmax_delta(Z, A, Y) - from_others - from_top


def _without_top(values: Array, A: Array) -> Array:
    return jnp.where(A > 0.5, jnp.finfo(A.dtype).min / 2, values)


# the logarithms


def _times_log(Y: Array, A: Array) -> Array:
    """Y log A, which is 0 where Y is 0, whatever A is"""
    return Y * jnp.log(jnp.where(Y == 0, 1, A))


def _softplus(Z: Array) -> Array:
    """log(1 + exp(z)) = max(z, 0) + log(1 + exp(−|z|))"""
    return jnp.where(Z > 0, Z, 0) + _log1p_exp_of_minus_abs(Z)


def _log1p_exp_of_minus_abs(Z: Array) -> Array:
    """|z| by `where`, with the slope −1 at 0 that `jnp.abs` would make 0, and autodiff wrong"""
    return jnp.log1p(jnp.exp(jnp.where(Z > 0, -Z, Z)))
