"""The largest eigenvalue of a curvature of which only products with directions are known."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn.checks import one_key
from pure_nn.precision import widen


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

    ValueError: fewer than one iteration, a product of other shapes than V. TypeError: no key.
    """
    if iterations < 1:
        raise ValueError(f"iterations: expected 1 or more, got {iterations}")
    flat, tree = ravel_pytree(jax.tree.map(widen, like))

    def times(v: Array) -> Array:
        Hv, shapes = product(optax.tree.cast_like(tree(v), like)), jax.tree.map(jnp.shape, like)
        if jax.tree.map(jnp.shape, Hv) != shapes:
            raise ValueError(f"product: expected HV of the structure and shapes of V, {shapes}")
        return ravel_pytree(jax.tree.map(widen, Hv))[0].astype(v.dtype)

    def again(_: int | Array, v: Array) -> Array:
        Hv = times(v)
        size = jnp.linalg.norm(Hv)
        return jnp.where(size > 0, Hv / jnp.where(size > 0, size, 1), v)

    v = jax.random.normal(one_key("key", key), flat.shape, flat.dtype)
    v = jax.lax.fori_loop(0, iterations, again, v / jnp.linalg.norm(v))
    Hv = times(v)
    value = jnp.dot(v, Hv)
    return Eigen(value, tree(v), jnp.linalg.norm(Hv - value * v))
