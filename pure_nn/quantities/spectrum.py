"""The largest eigenvalue of a curvature of which only products with directions are known."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray


class Eigen(NamedTuple):
    """λ, its direction v of norm 1, like the params, and how far it is from one: ‖Hv − λv‖"""

    value: Float[Array, ""]
    vector: Any
    residual: Float[Array, ""]


def largest_eigenvalue(
    product: Callable[[Any], Any], like: Any, key: PRNGKeyArray, *, iterations: int = 100
) -> Eigen:
    """λ of largest |λ| by power iteration:  v ← Hv/‖Hv‖,  λ = vᵀHv

    `product(V)` gives HV, symmetric; `like` is a pytree of the shapes of V. Near λ the error falls
    by (λ₂/λ)² an iteration, which the residual bounds: some eigenvalue is as near to λ as that.
    Golub & Van Loan, Matrix Computations, 4th ed., section 8.2.

    ValueError: fewer than one iteration.
    """
    if iterations < 1:
        raise ValueError(f"iterations: expected 1 or more, got {iterations}")
    flat, tree = ravel_pytree(like)

    def times(v: Array) -> Array:
        return ravel_pytree(product(tree(v)))[0]

    def again(_: int | Array, v: Array) -> Array:
        Hv = times(v)
        size = jnp.linalg.norm(Hv)
        return jnp.where(size > 0, Hv / jnp.where(size > 0, size, 1), v)

    v = jax.random.normal(key, flat.shape, flat.dtype)
    v = jax.lax.fori_loop(0, iterations, again, v / jnp.linalg.norm(v))
    Hv = times(v)
    value = jnp.dot(v, Hv)
    return Eigen(value, tree(v), jnp.linalg.norm(Hv - value * v))
