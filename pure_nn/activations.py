"""Activations: each g beside its g′.

a(1 − a) and 1 − a² are right on paper and cancel to nothing where a unit saturates. The forms
here keep their digits with one exp each; `verify/accuracy.py` measures how many.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from pure_nn.precision import traced_once, widen
from pure_nn.types import Activation

# sigmoid


def sigmoid() -> Activation:
    """σ(z) = 1/(1 + exp(−z))"""
    return Activation("sigmoid", _sigmoid, _sigmoid_prime, range=(0.0, 1.0))


def _sigmoid(Z: Array) -> Array:
    return jax.lax.logistic(Z)


@traced_once
def _sigmoid_prime(Z: Array, A: Array) -> Array:
    """σ′ = e/(1 + e)² with e = exp(−|z|), the square multiplied out"""
    e = jnp.exp(-jnp.abs(Z))
    return e / (1 + e * (2 + e))


# tanh


def tanh() -> Activation:
    """tanh z = (exp(2z) − 1)/(exp(2z) + 1)"""
    return Activation("tanh", _tanh, _tanh_prime, range=(-1.0, 1.0))


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
    return Activation("relu", _relu, _relu_prime, range=(0.0, math.inf), at_zero=at_zero)


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
    return Activation("leaky_relu", _leaky_relu, _leaky_relu_prime, a=a)


@traced_once
def _leaky_relu(Z: Array, a: float) -> Array:
    return jnp.where(Z < 0, a * Z, Z)


@traced_once
def _leaky_relu_prime(Z: Array, A: Array, a: float) -> Array:
    return jnp.where(Z < 0, a, jnp.ones_like(Z))


# identity


def identity() -> Activation:
    """g(z) = z"""
    return Activation("identity", _identity, _identity_prime)


def _identity(Z: Array) -> Array:
    return Z


def _identity_prime(Z: Array, A: Array) -> Array:
    return jnp.ones_like(Z)


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


@traced_once
def softmax_parts(
    Z: Float[Array, "n B"],
) -> tuple[Float[Array, "n B"], Float[Array, "n B"], Float[Array, "n B"]]:
    """A, 1 − A and log A of the softmax of each column, from one exp per entry.

    E = exp(Z − s)                 any s gives the same A; this one, max − log(1000/ε), lets
                                   nothing underflow that a sum of 1000 entries would feel
    A = E/(E_top + rest)           rest: the sum of all entries but one of the largest
    1 − A = rest/(E_top + rest)    for the largest, where A → 1 would cancel
    log A = Z − max − log(1 + rest/E_top)
    """
    largest = jnp.max(Z, axis=0, keepdims=True)
    E = _exp_of_difference(Z, largest - math.log(1000 / jnp.finfo(Z.dtype).eps))
    E_top = jnp.max(E, axis=0, keepdims=True)
    top = Z == largest
    ties = jnp.sum(top, axis=0, keepdims=True) - 1
    rest = _sum_by_halves(jnp.where(top, 0, E)) + ties.astype(Z.dtype) * E_top
    A = E / (E_top + rest)
    complement = jnp.where(top, rest / (E_top + rest), 1 - A)
    return A, complement, Z - largest - jnp.log1p(rest / E_top)


def _exp_of_difference(Z: Array, s: Array) -> Array:
    """exp(Z − s) = exp(d)(1 + r), where Z − s = d + r exactly.

    Rounded to d, a difference of 80 would cost the exp 40 ULP. r by TwoSum (Knuth, TAOCP 4.2.2).
    """
    d = Z - s
    t = d - Z
    r = (Z - (d - t)) - (s + t)
    e = jnp.exp(d)
    return e + e * jnp.where(e == 0, 0, r)  # where d is −∞, r is NaN


def _sum_by_halves(x: Float[Array, "n B"]) -> Float[Array, "1 B"]:
    """1ᵀx, half a ULP for each doubling of n; one term after the other it is up to half for each.

    The last few are one sum all the same: a program that starts fewer loops. Higham, Accuracy and
    Stability of Numerical Algorithms, 2nd ed., section 4.2.
    """
    while x.shape[0] > 6:
        half = (x.shape[0] + 1) // 2
        x = x[:half] + jnp.pad(x[half:], ((0, 2 * half - x.shape[0]), (0, 0)))
    return jnp.sum(x, axis=0, keepdims=True)
