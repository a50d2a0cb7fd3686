"""Softmax to its last digits: A, 1 − A and log A of a column; nothing cancels or underflows."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.precision import traced_once


class Terms(NamedTuple):
    """Of each column: A = E/total, 1 − A = others/total, log A = fall − log_total"""

    E: Float[Array, "n B"]
    others: Float[Array, "n B"]
    total: Float[Array, "1 B"]
    fall: Float[Array, "n B"]
    log_total: Float[Array, "1 B"]


@traced_once
def softmax_terms(Z: Float[Array, "n B"]) -> Terms:
    """What softmax is made of, from one exp per entry.

    E = exp(Z − s)                 any s gives the same A; this one, max − log(1000/ε), lets
                                   nothing underflow that a sum of 1000 entries would feel
    total = E_top + rest           rest: the sum of all entries but one of the largest
    others = total − E; rest       for the largest, where A → 1 and it would cancel
    fall = Z − max,  log_total = log(total/E_top) = log(1 + rest/E_top)
    """
    largest = jnp.max(Z, axis=0, keepdims=True)
    E = _exp_of_difference(Z, largest - math.log(1000 / jnp.finfo(Z.dtype).eps))
    E_top = jnp.max(E, axis=0, keepdims=True)
    top = Z == largest
    ties = jnp.sum(top.astype(Z.dtype), axis=0, keepdims=True) - 1
    rest = _sum_by_halves(jnp.where(top, 0, E)) + ties * E_top
    total = E_top + rest
    others = jnp.where(top, rest, total - E)
    return Terms(E, others, total, Z - largest, jnp.log1p(rest / E_top))


def softmax_parts(
    Z: Float[Array, "n B"],
) -> tuple[Float[Array, "n B"], Float[Array, "n B"], Float[Array, "n B"]]:
    """A, 1 − A and log A of the softmax of each column"""
    E, others, total, fall, log_total = softmax_terms(Z)
    return E / total, others / total, fall - log_total


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
