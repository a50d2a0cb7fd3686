"""Dropout, inverted: D ∘ A/(1 − p), and its pull, D ∘ dA/(1 − p), with one random D per example.

A unit is kept, D = 1, with probability 1 − p, and then counts 1/(1 − p) times, so that the mean
stays and nothing has to be scaled without dropout. D is all that the backward pass needs: the
operation is linear in A, and has no parameters to get sums.

Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, JMLR 15 (2014), section 10.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from pure_nn.precision import widen

Masks = tuple[Bool[Array, "_ B"] | None, ...]  # D[0 … L-1], None where nothing is dropped


def forward(p: float, D: Bool[Array, "n B"] | None, A: Float[Array, "n B"]) -> Float[Array, "n B"]:
    """D ∘ A/(1 − p); without D, A itself"""
    return A if D is None else _kept(p, D, A).astype(A.dtype)


def pull(p: float, D: Bool[Array, "n B"] | None, dA: Float[Array, "n B"]) -> Float[Array, "n B"]:
    """D ∘ dA/(1 − p), in at least float32; without D, dA itself"""
    return dA if D is None else _kept(p, D, dA)


def draw(rates: Sequence[float], units: Sequence[int], B: int, key: PRNGKeyArray) -> Masks:
    """D[ℓ] with P(D = 1) = 1 − p[ℓ] for each ℓ with p[ℓ] > 0, by fold_in(key, ℓ)"""
    return tuple(
        jax.random.bernoulli(jax.random.fold_in(key, l), 1 - p, (n, B)) if p > 0 else None
        for l, (p, n) in enumerate(zip(rates, units, strict=True))
    )


def _kept(p: float, D: Array, A: Array) -> Array:
    return jnp.where(D, widen(A) / (1 - p), 0)
