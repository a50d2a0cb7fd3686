"""Activations: each g beside its g′ and g″.

a(1 − a) and 1 − a² are right on paper and cancel to nothing where a unit saturates. The forms
here keep their digits with one exp each; `verify/accuracy.py` measures how many.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from pure_nn.precision import traced_once, widen
from pure_nn.softmax_digits import softmax_parts
from pure_nn.types import Activation

# sigmoid


def sigmoid() -> Activation:
    """σ(z) = 1/(1 + exp(−z))"""
    return Activation("sigmoid", _sigmoid, _sigmoid_prime, _sigmoid_second, range=(0.0, 1.0))


def _sigmoid(Z: Array) -> Array:
    return jax.lax.logistic(Z)


@traced_once
def _sigmoid_prime(Z: Array, A: Array) -> Array:
    """σ′ = e/(1 + e)² with e = exp(−|z|), the square multiplied out"""
    e = jnp.exp(-jnp.abs(Z))
    return e / (1 + e * (2 + e))


def _sigmoid_second(Z: Array, A: Array) -> Array:
    """σ″ = σ′(1 − 2σ) = −σ′ tanh(z/2)"""
    return -_sigmoid_prime(Z, A) * _tanh(Z / 2)


# tanh


def tanh() -> Activation:
    """tanh z = (exp(2z) − 1)/(exp(2z) + 1)"""
    return Activation("tanh", _tanh, _tanh_prime, _tanh_second, range=(-1.0, 1.0))


def _tanh(Z: Array) -> Array:
    """tanh z = sign(z)(1 − 2/(E + 1)) with E = exp(2|z|), which cancels only below |z| = 1"""
    far = jnp.sign(Z) * (1 - 2 / (_exp_of_twice(Z) + 1))
    return jnp.where(jnp.abs(Z) < 1, jnp.tanh(Z), far)


@traced_once
def _tanh_prime(Z: Array, A: Array) -> Array:
    """tanh′ = 1/cosh²z = q(1 − q/4) with q = 4/(E + 1), E = exp(2|z|)

    1 − q/4 ≥ ½, so nothing cancels. Of the 1/E in 4/(E + 2 + 1/E) XLA would make a second exp.
    """
    q = 4 / (_exp_of_twice(Z) + 1)
    return q * (1 - q / 4)


def _tanh_second(Z: Array, A: Array) -> Array:
    """tanh″ = −2 tanh tanh′ = −tanh 8e²/(1 + e²)² with e = exp(−|z|)

    Of tanh itself: A is rounded to 16 bits. tanh′ is too small for a number before tanh″ is.
    """
    e = jnp.exp(-jnp.abs(Z))
    return -_tanh(Z) * (8 * e) * (e / jnp.square(1 + e * e))


def _exp_of_twice(Z: Array) -> Array:
    """exp(2|z|), held just below overflow: 4/∞ would do, but its derivative is 0·∞.

    So tanh′ does not fall below the smallest normal number.
    """
    overflow = np.asarray(jnp.finfo(Z.dtype).maxexp * math.log(2), Z.dtype)
    return jnp.exp(jnp.minimum(2 * jnp.abs(Z), np.nextafter(overflow, 0 * overflow)))


# ReLU


def relu(at_zero: float = 1.0) -> Activation:
    """max(z, 0), with g′(0) = `at_zero`: 1 as on the page, 0 as in `jax.nn.relu`.

    ValueError: `at_zero` that is no number in [0, 1], the slopes on either side.
    """
    if not (isinstance(at_zero, int | float) and 0 <= at_zero <= 1):
        raise ValueError(f"relu: expected at_zero, which is g′(0), in [0, 1], got {at_zero}")
    return Activation("relu", _relu, _relu_prime, _straight, range=(0.0, math.inf), at_zero=at_zero)


@traced_once
def _relu(Z: Array, at_zero: float) -> Array:
    """max(z, 0), written so that autodiff finds the slope `at_zero` at 0 and NaN stays NaN"""
    return jnp.where(Z < 0, 0, jnp.where(Z == 0, at_zero * Z, Z))


@traced_once
def _relu_prime(Z: Array, A: Array, at_zero: float) -> Array:
    return jnp.where(Z < 0, 0, jnp.where(Z == 0, at_zero, jnp.ones_like(Z)))


# leaky ReLU


def leaky_relu(a: float = 0.01) -> Activation:
    """z where z ≥ 0, az below.

    ValueError: a slope `a` that is no number in (0, 1).
    """
    if not (isinstance(a, int | float) and 0 < a < 1):
        raise ValueError(
            f"leaky_relu: expected a slope a in (0, 1), got {a}; a = 0 is relu(), a = 1 identity()"
        )
    return Activation("leaky_relu", _leaky_relu, _leaky_relu_prime, _straight, a=a)


@traced_once
def _leaky_relu(Z: Array, a: float) -> Array:
    return jnp.where(Z < 0, a * Z, Z)


@traced_once
def _leaky_relu_prime(Z: Array, A: Array, a: float) -> Array:
    return jnp.where(Z < 0, a, jnp.ones_like(Z))


# identity


def identity() -> Activation:
    """g(z) = z"""
    return Activation("identity", _identity, _identity_prime, _straight)


def _identity(Z: Array) -> Array:
    return Z


def _identity_prime(Z: Array, A: Array) -> Array:
    return jnp.ones_like(Z)


def _straight(Z: Array, A: Array, **constants: float) -> Array:
    """g″ = 0, of pieces of lines; at a kink too, where there is none"""
    return jnp.zeros_like(Z)


# softmax


def softmax() -> Activation:
    """A = exp(Z)/1ᵀexp(Z), column by column"""
    return _Softmax("softmax", _softmax, None, range=(0.0, 1.0))


class _Softmax(Activation):
    def pull(
        self, Z: Float[Array, "n B"], A: Float[Array, "n B"], dA: Float[Array, "n B"]
    ) -> Float[Array, "n B"]:
        """Δ = (diag(A) − AAᵀ)dA = A ∘ (dA − 1ᵀ(A ∘ dA)), so Δᵢ = Σⱼ AᵢAⱼ(dAᵢ − dAⱼ) as 1ᵀA = 1

        d = dA − dA_top         of the largest class, whose own d is exactly 0
        Δ = A ∘ (d − 1ᵀ(A ∘ d))

        which keeps its digits where A_top → 1 and dA_top − 1ᵀ(A ∘ dA) would cancel.
        """
        A, dA = widen(A), widen(dA)
        top = A == jnp.max(A, axis=0, keepdims=True)
        d = dA - jnp.max(dA, axis=0, keepdims=True, where=top, initial=-jnp.inf)
        return (A * (d - jnp.sum(A * d, axis=0, keepdims=True))).astype(Z.dtype)


def _softmax(Z: Array) -> Array:
    return softmax_parts(Z)[0]
