"""The state of the Δs: how large they are, how alike examples are, which units are stuck."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.activations import softmax
from pure_nn.precision import wide_dtype, widen
from pure_nn.structure import Cache, FromOne, Network, by_entry
from pure_nn.types import Activation


def delta_rms(deltas: FromOne) -> Float[Array, " L"]:
    """√(mean of Δ[ℓ]²) of each layer, 1 … L, of a stack one after the other; whatever B is"""
    return jnp.concatenate([_rms(Δ) for Δ in deltas[1:]])


def _rms(Δ: Float[Array, "*k n B"]) -> Array:
    """Of the largest entry times what is left, so that no square underflows"""
    Δ = widen(Δ)
    largest = jnp.max(jnp.abs(Δ), axis=(-2, -1), keepdims=True)
    scaled = Δ / jnp.where(largest == 0, 1, largest)
    rms = largest * jnp.sqrt(jnp.mean(jnp.square(scaled), axis=(-2, -1), keepdims=True))
    return rms.reshape(-1)


def delta_ratios(deltas: FromOne) -> Float[Array, " L"]:
    """rms Δ[ℓ]/rms Δ[L]: below 1 they vanish on the way down, above 1 explode; NaN at Δ[L] = 0"""
    rms = delta_rms(deltas)
    return rms / rms[-1]


def cosines(deltas: FromOne) -> tuple[Float[Array, "*k B B"], ...]:
    """cos(Δᵢ, Δⱼ) between examples, of each entry; 0 where a Δ is 0"""
    return tuple(_cosines(widen(Δ)) for Δ in deltas[1:])


def _cosines(Δ: Float[Array, "*k n B"]) -> Array:
    largest = jnp.max(jnp.abs(Δ), axis=-2, keepdims=True)
    scaled = Δ / jnp.where(largest == 0, 1, largest)  # so that no square underflows
    norm = jnp.linalg.norm(scaled, axis=-2, keepdims=True)
    unit = scaled / jnp.where(norm == 0, 1, norm)
    return jnp.matmul(jnp.swapaxes(unit, -1, -2), unit)


def stuck(net: Network, cache: Cache, below: float = 0.01) -> tuple[Float[Array, "*k n"], ...]:
    """For each unit the share of examples with |g′(Z)| < `below`: 1 where it is dead, or saturated

    Of units whose Jacobian is not diagonal, softmax, there is no g′: NaN.

    ValueError: a bound that is not positive.
    """
    if not below > 0:
        raise ValueError(f"below: expected a slope above 0, got {below}")
    g = by_entry(net, cache.A[1:])[0]
    return tuple(_stuck(*of, below) for of in zip(g, cache.Z[1:], cache.A[1:], strict=True))


def _stuck(g: Activation, Z: Array, A: Array, below: float) -> Array:
    dtype = wide_dtype(Z.dtype)
    if g == softmax():
        return jnp.full(Z.shape[:-1], jnp.nan, dtype)
    return jnp.mean(jnp.abs(widen(g.g_prime(Z, A))) < below, axis=-1, dtype=dtype)
