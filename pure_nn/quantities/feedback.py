"""Other ways to send an error back: rules for `pure_nn.backpropagate(…, rule=)`, step 2 alone.

    page               dA[ℓ-1] = W[ℓ]ᵀΔ[ℓ]
    alignment          dA[ℓ-1] = F[ℓ]Δ[ℓ]           F random and fixed (Lillicrap et al., 2016)
    direct             dA[ℓ-1] = F[ℓ]Δ[L]           (Nøkland, NeurIPS 2016)
    sign-symmetric     dA[ℓ-1] = sign(W[ℓ])ᵀΔ[ℓ]    (Liao, Leibo & Poggio, AAAI 2016)

F are arguments as the params are, so that a step that is compiled draws none anew.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn.checks import kind, one_key, require_floating
from pure_nn.dense import Layer
from pure_nn.precision import product
from pure_nn.quantities.layers import of_layers, total
from pure_nn.quantities.sums import mean_sums
from pure_nn.structure import Cache, FromOne, Network, Params, Rule

Matrices = Sequence[Any]  # of F[2 … L]


def random_feedback(
    key: PRNGKeyArray, params: Params, *, direct: bool = False
) -> tuple[Float[Array, "n_below n"], ...]:
    """F[2 … L] of N(0, 1/n[ℓ]), n[ℓ] being the length of what F is multiplied by: Δ[ℓ], or Δ[L]

    TypeError: no key.
    """
    n_L, key = params[-1]["W"].shape[-2], one_key("key", key)
    found = []
    for l, layer in enumerate(params[1:], start=2):
        n, below = layer["W"].shape[-2:]
        length = n_L if direct else n
        drawn = jax.random.normal(jax.random.fold_in(key, l), (below, length), layer["W"].dtype)
        found.append(drawn / jnp.sqrt(jnp.asarray(length, drawn.dtype)))
    return tuple(found)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _Alignment:
    """A pytree, so that a compiled step takes it as an argument"""

    F: Matrices

    def __call__(self, l: Any, layer: Layer, Δ: Array) -> Array:
        return _times("feedback_alignment", self.F, l, layer, Δ)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _Direct:
    F: Matrices
    delta_L: Float[Array, "n_L B"]

    def __call__(self, l: Any, layer: Layer, Δ: Array) -> Array:
        return _times("direct_feedback", self.F, l, layer, self.delta_L)


def feedback_alignment(F: Matrices) -> Rule:
    """dA[ℓ-1] = F[ℓ]Δ[ℓ], a pytree

    TypeError: F other than a sequence of matrices. ValueError, where it is traced: as many as
    layers 2 … L are expected, F[ℓ] of shape (n[ℓ-1], n[ℓ]).
    """
    return _Alignment(_matrices("feedback_alignment", F))


def direct_feedback(F: Matrices, delta_L: Float[Array, "n_L B"]) -> Rule:
    """dA[ℓ-1] = F[ℓ]Δ[L], a pytree

    TypeError: F other than a sequence of matrices. ValueError, where it is traced: as many as
    layers 2 … L are expected, F[ℓ] of shape (n[ℓ-1], n[L]).
    """
    return _Direct(_matrices("direct_feedback", F), delta_L)


def sign_symmetric(l: Any, layer: Layer, Δ: Float[Array, "n B"]) -> Float[Array, "n_below B"]:
    """dA[ℓ-1] = sign(W[ℓ])ᵀΔ[ℓ]"""
    return product(jnp.sign(layer["W"]).T, Δ)


def _matrices(name: str, F: Any) -> Matrices:
    if not isinstance(F, tuple | list):
        raise TypeError(f"{name}: expected a tuple or list of F[2], …, F[L], got {kind(F)}")
    for l, matrix in enumerate(F, start=2):
        require_floating(f"{name}: F[{l}]", matrix)
    return tuple(map(jnp.asarray, F))


def _times(name: str, F: Matrices, l: Any, layer: Layer, Δ: Array) -> Array:
    if not isinstance(l, int):
        raise ValueError(f"{name}: expected one layer in each entry; pass pure_nn.unstack(params)")
    shape = (layer["W"].shape[-1], Δ.shape[0])
    if len(F) < l - 1 or F[l - 2].shape != shape:
        got = f"{len(F)} matrices" if len(F) < l - 1 else F[l - 2].shape
        raise ValueError(f"{name}: expected F[{l}] of shape {shape}, got {got}")
    return product(F[l - 2], Δ)


def alignment_angles(
    net: Network, cache: Cache, deltas: FromOne, others: FromOne
) -> Float[Array, " L"]:
    """The angle in degrees, layer by layer, between the gradients of two sets of Δ: 90° is no help

    ∠ = arccos ⟨∇, ∇′⟩/(‖∇‖‖∇′‖) over W and b of a layer; NaN where one is 0.
    """
    both = (of_layers(net, cache, of, mean_sums) for of in (deltas, others))
    return jnp.stack([_angle(*pair) for pair in zip(*both, strict=True)])


def _angle(one: dict[str, Array], other: dict[str, Array]) -> Array:
    (x, y) = map(_unit, (one, other))
    cosine = total(jax.tree.map(jnp.multiply, x, y), 0)
    return jnp.degrees(jnp.arccos(jnp.clip(cosine, -1, 1)))


def _unit(grads: dict[str, Array]) -> dict[str, Array]:
    """Of norm 1; divided by the largest entry first, so that no square underflows"""
    largest = functools.reduce(jnp.maximum, [jnp.max(jnp.abs(x)) for x in grads.values()])
    scaled = jax.tree.map(lambda x: x / jnp.where(largest == 0, 1, largest), grads)
    norm = jnp.sqrt(total(jax.tree.map(jnp.square, scaled), 0))
    return {name: x / norm for name, x in scaled.items()}
