"""Softmax to its last digits: A, 1 − A and log A of a column; nothing cancels or underflows."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.precision import traced_once


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
