"""How far rounding is likely to take each gradient: the recipe in variances.

A sum of n rounded terms t is off by about u√n(‖t‖ + |Σt|), as its roundings are as good as
independent (Higham & Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci.
Comput. 41, 2019); what comes from above adds in squares. What is not left to chance,
`coherent` adds. The bounds of `verify.bounds` hold for certain, and cost as much as n passes.
"""

import dataclasses
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

from verify.mistakes import coherent, forms
from verify.mistakes.forms import F64
from verify.mistakes.recipe import Of, Pass


class Unit(NamedTuple):
    """The unit roundoff, and what a number that underflows may be off by."""

    u: float
    η: float


def unit(dtype: DTypeLike) -> Unit:
    """Float16 is not flushed to 0, but rounded to its subnormal numbers."""
    limits = jnp.finfo(dtype)
    is_half = jnp.dtype(dtype) == jnp.float16
    η = float(limits.smallest_subnormal) / 2 if is_half else float(limits.smallest_normal)
    return Unit(float(limits.eps) / 2, η)


SIGMAS = 12.0
TINY = 1e-140
ROUNDINGS = 16.0  # u², of one function of a number: four roundings


def errors(c: Pass, Δ: Of, dA: Of, unit: Unit, *, textbook: bool) -> dict[str, F64]:
    """How far each entry of Δ[ℓ], db[ℓ] and dW[ℓ] may be off before it is rounded itself;
    `textbook` writes 1 − A², A(1 − A), A − Y"""
    c, Δ, dA = _widened(c, Δ, dA)
    Z, A = forward(c, unit)
    together = coherent.errors(c, dA, Z, unit.η)
    spread = _spreads(c, Δ, dA, Z, A, unit, textbook)
    return {name: np.asarray(SIGMAS * σ + together[name], float) for name, σ in spread.items()}


def _widened(c: Pass, Δ: Of, dA: Of) -> tuple[Pass, Of, Of]:
    """In extended precision, where numbers are so small that their squares would underflow"""
    every = (*Δ.values(), *c.A.values(), *c.prime.values())
    if not any(np.any((x != 0) & (np.abs(x) < TINY)) for x in every):
        return c, Δ, dA
    wide = dataclasses.replace(c, W=_wide(c.W), b=_wide(c.b), G=_wide(c.G), A=_wide(c.A))
    vars(wide).update(prime=_wide(c.prime), output=c.output.astype(np.longdouble))
    return wide, _wide(Δ), _wide(dA)


def _wide(of: Of) -> Any:
    return {l: x.astype(np.longdouble) for l, x in of.items()}


def _spreads(c: Pass, Δ: Of, dA: Of, Z: Of, A: Of, unit: Unit, textbook: bool) -> dict[str, F64]:
    """σ of each entry, by the variances of Z[ℓ] and A[ℓ]"""
    u, η = unit
    found: dict[str, F64] = {}
    above = np.zeros_like(c.Y)
    for l in range(c.L, 0, -1):
        if l == c.L:
            s = _output(c, Z[l], A[l], u, textbook) + η**2
        else:
            terms = np.square(c.W[l + 1]).T
            n = len(terms[0])
            pulled = terms @ above + n * u**2 * (terms @ Δ[l + 1] ** 2 + dA[l] ** 2)
            pulled = (pulled + (n * η) ** 2) * np.square(c.M.get(l, 1.0))
            s = _pulled(c, l, Z[l], pulled, dA[l], u, textbook) + η**2
        above = s
        found |= _sums(c, l, Δ[l], s, A[l - 1], unit)
    return {name: np.sqrt(variance) for name, variance in found.items()}


def allowed(error: F64, right: F64, unit: Unit) -> F64:
    """What is taken for rounding, entry by entry"""
    return np.asarray(error + 16 * unit.u * np.max(np.abs(right), initial=0) + unit.η)


def forward(c: Pass, unit: Unit) -> tuple[Of, Of]:
    """Variances of Z[ℓ] and A[ℓ]"""
    u, η = unit
    Z: Of = {}
    A: Of = {0: np.zeros_like(c.A[0])}
    for l in range(1, c.L + 1):
        squares, n = np.square(c.W[l]), c.W[l].shape[1] + 1
        terms = squares @ c.A[l - 1] ** 2 + c.b[l] ** 2 + c.Z[l] ** 2
        from_below = squares @ A[l - 1] + n * u**2 * terms
        Z[l] = _or_less(from_below, n * η)
        spread = _softmax(c, l, Z[l]) if c.names[l] == "softmax" else c.prime[l] ** 2 * Z[l]
        A[l] = _or_less(spread + ROUNDINGS * (u * c.G[l]) ** 2, η) * np.square(c.M.get(l, 1.0))
    return Z, A


def _or_less(variance: F64, least: float) -> F64:
    """With underflow, but where nothing was rounded: a z of zeros alone is surely 0."""
    return np.asarray(variance + np.where(variance > 0, least**2, 0))


def _softmax(c: Pass, l: int, x: F64) -> F64:
    """Of Aᵢ(xᵢ − Σ Aⱼxⱼ), which is A of Z, and Δ of ∂𝓛/∂A"""
    A, rest = c.G[l], forms.complement(c.Z[l])
    return np.asarray(A**2 * (rest**2 * x + _others(A**2 * x)))


def _others(x: F64) -> F64:
    """Of each entry of a column, the sum of the others, in which nothing cancels"""
    return np.asarray((1 - np.eye(len(x))) @ x)


def _output(c: Pass, Z: F64, of_A: F64, u: float, textbook: bool) -> F64:
    Δ, A, L = c.output, c.G[c.L], c.L
    if c.net.loss.name == "squared_error":
        return _pulled(c, L, Z, of_A, A - c.Y, u, textbook)
    if c.names[L] == "sigmoid":
        spread = _sigmoid(c.Z[L], Z) * (
            1.0 if c.net.loss.name == "binary_cross_entropy" else c.Y**2
        )
    elif c.names[L] == "softmax" and c.net.loss.name == "cross_entropy":
        spread = _softmax(c, L, Z)
    elif c.names[L] == "softmax":
        spread = (A**2 + Δ**2) * (Z + np.max(Z, axis=0))
    else:
        spread = (c.prime[L] ** 2 + Δ**2) * Z
    lost = 4 * (A**2 + c.Y**2 + _complement(c) ** 2) if textbook else 0.0
    return spread + u**2 * (ROUNDINGS * Δ**2 + lost)


def _sigmoid(z: F64, variance: F64) -> F64:
    """Of A, (σ(x) − σ(y))² = (σ(x)σ(−y)(1 − e^(y − x)))², from y = −|z| to an x nearer to 0"""
    far, y = SIGMAS * np.sqrt(variance), -np.abs(z)
    change = forms.G["sigmoid"](y + far) * forms.G["sigmoid"](-y) * -np.expm1(-far)
    return np.asarray(np.square(change / SIGMAS))


def _through_softmax(
    c: Pass, l: int, Z: F64, pulled: F64, dA: F64, u: float, textbook: bool
) -> F64:
    """δΔᵢ = Δᵢ(δzᵢ − Σ Aⱼδzⱼ) − Aᵢ Σ Δⱼδzⱼ, besides that of ∂𝓛/∂A and of A(dA − Σ A dA), where
    all ∂𝓛/∂A but those of the textbook may be less that of the largest class"""
    A, Δ = c.G[l], c.pull(l, dA)
    of_Z = np.sum(A**2 * Z, axis=0) + Z
    turned = A**2 * np.sum(Δ**2 * Z, axis=0)
    d = dA if textbook else forms.beside_top(A, dA)
    rounded = ROUNDINGS * u**2 * A**2 * (d**2 + np.sum((A * d) ** 2, axis=0))
    return np.asarray(_softmax(c, l, pulled) + Δ**2 * of_Z + turned + rounded)


def _complement(c: Pass) -> F64:
    """What the chain rule makes of an error of u in 1 − A, under binary cross-entropy"""
    if (c.names[c.L], c.net.loss.name) != ("softmax", "binary_cross_entropy"):
        return np.zeros_like(c.Y)  # of sigmoid, the same 1 − A divides and multiplies
    A, rest = c.G[c.L], np.maximum(forms.complement(c.Z[c.L]), 1e-150)
    v = (1 - c.Y) * A / rest
    return np.asarray(v + A * _others(v / rest))


def _pulled(c: Pass, l: int, Z: F64, pulled: F64, dA: F64, u: float, textbook: bool) -> F64:
    """(g′)²σ² of the error from above, and that of g′, of which |g″| ≤ 2g′ where it is smooth; of
    others |g″| is about 1"""
    prime = c.prime[l]
    if c.names[l] == "softmax":
        return _through_softmax(c, l, Z, pulled, dA, u, textbook)
    kinked = c.names[l] in coherent.KINKED
    known = c.names[l] in forms.G_PRIME
    bent = 0.0 if kinked else 4 * (prime**2 if known else np.maximum(prime**2, 1.0)) * Z
    lost = 4 * (u * _lost(c, l)) ** 2 if textbook else 0.0
    steepest = np.maximum(prime, coherent.near(c, l, Z)) ** 2 + lost
    return steepest * pulled + dA**2 * (bent + ROUNDINGS * (u * prime) ** 2 + lost)


def _lost(c: Pass, l: int) -> Any:
    """Units of u that are lost in g′ = A(1 − A), and in 1 − A²; in others at most as in this"""
    if c.names[l] in (*coherent.KINKED, "identity"):
        return 0.0
    return c.G[l] if c.names[l] == "sigmoid" else 1.0


def _sums(c: Pass, l: int, Δ: F64, s: F64, A: F64, unit: Unit) -> dict[str, F64]:
    (u, η), below, total = unit, c.A[l - 1], Δ @ c.A[l - 1].T
    W = s @ (below**2).T + Δ**2 @ A.T + u**2 * c.B * (Δ**2 @ (below**2).T + total**2)
    b = np.sum(s + u**2 * c.B * Δ**2, axis=1, keepdims=True) + u**2 * c.B * np.square(
        np.sum(Δ, axis=1, keepdims=True)
    )
    L2 = (u * c.l2 * c.W[l]) ** 2
    lost = ((c.B + 1) * η) ** 2
    return {
        f"Δ[{l}]": s,
        f"dW[{l}]": (W + lost) / c.B**2 + 4 * L2 + η**2,
        f"db[{l}]": (b + lost) / c.B**2 + η**2,
    }
