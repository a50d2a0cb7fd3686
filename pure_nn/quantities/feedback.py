"""Other ways to send an error back: rules for `pure_nn.backpropagate(…, rule=)`, step 2 alone.

    page               dA[ℓ-1] = W[ℓ]ᵀΔ[ℓ]
    alignment          dA[ℓ-1] = F[ℓ]Δ[ℓ]           F random and fixed (Lillicrap et al., 2016)
    direct             dA[ℓ-1] = F[ℓ]Δ[L]           (Nøkland, NeurIPS 2016)
    sign-symmetric     dA[ℓ-1] = sign(W[ℓ])ᵀΔ[ℓ]    (Liao, Leibo & Poggio, AAAI 2016)

F are arguments as the params are, so that a step that is compiled draws none anew.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn.dense import Layer
from pure_nn.network import mean_gradients
from pure_nn.precision import product
from pure_nn.quantities.layers import total
from pure_nn.structure import Cache, FromOne, Network, Params, Rule

Matrices = Sequence[Any]  # of F[2 … L]


def random_feedback(
    key: PRNGKeyArray, params: Params, *, direct: bool = False
) -> tuple[Float[Array, "n_below n"], ...]:
    """F[2 … L] of N(0, 1/n[ℓ]), n[ℓ] being the length of what F is multiplied by: Δ[ℓ], or Δ[L]"""
    n_L = params[-1]["W"].shape[-2]
    found = []
    for l, layer in enumerate(params[1:], start=2):
        n, below = layer["W"].shape[-2:]
        length = n_L if direct else n
        drawn = jax.random.normal(jax.random.fold_in(key, l), (below, length), layer["W"].dtype)
        found.append(drawn / jnp.sqrt(jnp.asarray(length, drawn.dtype)))
    return tuple(found)


def alignment(F: Matrices) -> Rule:
    """dA[ℓ-1] = F[ℓ]Δ[ℓ].  ValueError, where it is traced: an F that is not (n[ℓ-1], n[ℓ])"""

    def rule(l: Any, layer: Layer, Δ: Array) -> Array:
        return _times("alignment", F, l, layer, Δ)

    return rule


def direct(F: Matrices, delta_L: Float[Array, "n_L B"]) -> Rule:
    """dA[ℓ-1] = F[ℓ]Δ[L].  ValueError, where it is traced: an F that is not (n[ℓ-1], n[L])"""

    def rule(l: Any, layer: Layer, Δ: Array) -> Array:
        return _times("direct", F, l, layer, delta_L)

    return rule


def sign_symmetric(l: Any, layer: Layer, Δ: Float[Array, "n B"]) -> Float[Array, "n_below B"]:
    """dA[ℓ-1] = sign(W[ℓ])ᵀΔ[ℓ]"""
    return product(jnp.sign(layer["W"]).T, Δ)


def _times(name: str, F: Matrices, l: Any, layer: Layer, Δ: Array) -> Array:
    if not isinstance(l, int):
        raise ValueError(f"{name}: expected one layer in each entry; pass pure_nn.unstack(params)")
    shape = (layer["W"].shape[-1], Δ.shape[0])
    if len(F) < l - 1 or F[l - 2].shape != shape:
        got = "none" if len(F) < l - 1 else F[l - 2].shape
        raise ValueError(f"{name}: expected F[{l}] of shape {shape}, got {got}")
    return product(jnp.asarray(F[l - 2]), Δ)


def alignment_angles(
    net: Network, cache: Cache, deltas: FromOne, others: FromOne
) -> Float[Array, " L"]:
    """The angle in degrees, layer by layer, between the gradients of two sets of Δ: 90° is no help

    ∠ = arccos ⟨∇, ∇′⟩/(‖∇‖‖∇′‖) over W and b of a layer; NaN where one is 0.
    """
    pairs = zip(mean_gradients(net, cache, deltas), mean_gradients(net, cache, others), strict=True)
    return jnp.stack([_angle(*pair) for pair in pairs])


def _angle(one: dict[str, Array], other: dict[str, Array]) -> Array:
    def inner(x: dict[str, Array], y: dict[str, Array]) -> Array:
        return total(jax.tree.map(jnp.multiply, x, y), 0)

    cosine = inner(one, other) / jnp.sqrt(inner(one, one) * inner(other, other))
    return jnp.degrees(jnp.arccos(jnp.clip(cosine, -1, 1)))
