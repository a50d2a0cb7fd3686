"""L2: (λ/2) Σ‖W[ℓ]‖² beside its gradient λW[ℓ]; the biases are left alone.

The course's λ/m and Nielsen's λ/n are this λ. Where λ is the number 0, nothing is computed.
"""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.dense import Layer
from pure_nn.precision import widen

Lambda = float | Float[Array, ""]


def penalized(J: Float[Array, ""], params: Sequence[Layer], l2: Lambda) -> Float[Array, ""]:
    """J + (λ/2) Σ‖W[ℓ]‖²"""
    return J if is_zero(l2) else J + l2 / 2 * squares(params)


def squares(params: Sequence[Layer]) -> Float[Array, ""]:
    """Σ‖W[ℓ]‖²"""
    return functools.reduce(jnp.add, [jnp.sum(widen(layer["W"]) ** 2) for layer in params])


def decayed(
    grads: Sequence[dict[str, Array]], params: Sequence[Layer], l2: Lambda
) -> Sequence[dict[str, Array]]:
    """∂J/∂W[ℓ] + λW[ℓ], and ∂J/∂b[ℓ] as it is"""
    if is_zero(l2):
        return grads
    return [
        {**d, "W": d["W"] + l2 * widen(layer["W"])} for d, layer in zip(grads, params, strict=True)
    ]


def is_zero(l2: Lambda) -> bool:
    return isinstance(l2, int | float) and l2 == 0
