"""The dense operation Z = WA + b: forward, its pull (Δ back through it) and its sums.

Products accumulate in at least float32. The pull and the sums are those of a plain VJP: an
operation never knows the batch size B.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.precision import product, widen

Layer = Mapping[str, Array]


def forward(layer: Layer, A: Float[Array, "n_in B"]) -> Float[Array, "n_out B"]:
    """Z = WA + b"""
    W, b = layer["W"], layer["b"]
    return (product(W, A) + widen(b)).astype(W.dtype)


def pull(layer: Layer, Δ: Float[Array, "n_out B"]) -> Float[Array, "n_in B"]:
    """∂𝓛/∂A = WᵀΔ: every input gets the errors that it caused, in at least float32."""
    W = layer["W"]
    return product(W.T, Δ)


def sums(A: Float[Array, "n_in B"], Δ: Float[Array, "n_out B"]) -> dict[str, Array]:
    """What the parameters get from all columns together, in at least float32.

    W: ΔAᵀ        zᵢ = Σⱼ wᵢⱼ aⱼ, so ∂zᵢ/∂wᵢⱼ = aⱼ
    b: Σ Δ        over the columns, which b is broadcast to
    """
    return {"W": product(Δ, A.T), "b": jnp.sum(widen(Δ), axis=1, keepdims=True)}
