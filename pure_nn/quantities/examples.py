"""What each example gives by itself: gᵢ = ∂𝓛ᵢ/∂W[ℓ] = ΔᵢAᵢᵀ and Δᵢ for b, with no 1/B anywhere.

Norms, inner products and the Gram matrix come of A and Δ alone, as ‖ΔᵢAᵢᵀ‖ = ‖Δᵢ‖‖Aᵢ‖: no gᵢ is
formed. Goodfellow, Efficient per-example gradient computations, arXiv:1510.01799 (2015).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn import network
from pure_nn.precision import product, widen
from pure_nn.quantities.layers import (
    Layers,
    PerExample,
    of_layers,
    per_example,
    side_by_side,
    total,
)
from pure_nn.structure import Cache, FromOne, Network, Params


def individual_gradients(net: Network, cache: Cache, deltas: FromOne) -> Layers:
    """gᵢ of every example, of shapes (B, n, n_below) and (B, n, 1); their mean is the gradient.

    B times the memory of the gradient: what follows needs none of it.
    """
    return of_layers(net, cache, deltas, _individual)


def _individual(A: Array, Δ: Array) -> dict[str, Array]:
    return {"W": Δ.T[:, :, None] * A.T[:, None, :], "b": Δ.T[:, :, None]}


def squared_norms(net: Network, cache: Cache, deltas: FromOne) -> PerExample:
    """‖∂𝓛ᵢ/∂W[ℓ]‖² = ‖Δᵢ‖²‖Aᵢ‖²,  ‖∂𝓛ᵢ/∂b[ℓ]‖² = ‖Δᵢ‖²; one for each example, whatever B is"""
    return per_example(of_layers(net, cache, deltas, _squared_norms))


def _squared_norms(A: Array, Δ: Array) -> dict[str, Array]:
    of_D, of_A = (jnp.sum(jnp.square(x), axis=0) for x in (Δ, A))
    return {"W": of_D * of_A, "b": of_D}


def inner_products(net: Network, cache: Cache, deltas: FromOne, direction: Params) -> PerExample:
    """⟨∂𝓛ᵢ/∂W[ℓ], V[ℓ]⟩ = Δᵢᵀ V[ℓ]Aᵢ,  ⟨∂𝓛ᵢ/∂b[ℓ], v[ℓ]⟩ = Δᵢᵀv[ℓ]; one for each example

    V and v are `direction`, a pytree like the params.
    """
    return per_example(of_layers(net, cache, deltas, _inner_products, direction))


def _inner_products(A: Array, Δ: Array, direction: dict[str, Array]) -> dict[str, Array]:
    V, v = widen(direction["W"]), widen(direction["b"])
    return {"W": jnp.sum(Δ * product(V, A), axis=0), "b": jnp.sum(Δ * v, axis=0)}


def gram(net: Network, cache: Cache, deltas: FromOne) -> Float[Array, "B B"]:
    """⟨gᵢ, gⱼ⟩ = Σℓ (ΔᵀΔ) ∘ (AᵀA + 1), over all parameters, whatever B is

    Its diagonal is `squared_norms`; the sum of all entries, over B², is ‖∇J‖².
    """
    return total(of_layers(net, cache, deltas, _gram), 2)


def _gram(A: Array, Δ: Array) -> Array:
    return product(Δ.T, Δ) * (product(A.T, A) + 1)


def tangent_kernel(net: Network, params: Params, cache: Cache) -> Float[Array, "B n_L B n_L"]:
    """K[i, c, j, d] = ⟨∂zᵢ,c/∂θ, ∂zⱼ,d/∂θ⟩ of Z[L], the empirical neural tangent kernel

    From n[L] backward passes, Δ[L] = e_c for every example. Jacot, Gabriel & Hongler, NeurIPS 2018.
    """
    n, B = cache.Z[-1].shape[-2:]
    rows = jnp.broadcast_to(jnp.eye(n, dtype=cache.Z[-1].dtype)[:, :, None], (n, n, B))
    deltas = jax.vmap(lambda Δ: network.backpropagate(net, params, cache, Δ))(rows)
    K = total(of_layers(net, cache, side_by_side(deltas), _kernel), 2)
    return K.reshape(n, B, n, B).transpose(1, 0, 3, 2)


def _kernel(A: Array, Δ: Array) -> Array:
    passes = Δ.shape[1] // A.shape[1]
    return product(Δ.T, Δ) * (jnp.tile(product(A.T, A), (passes, passes)) + 1)
