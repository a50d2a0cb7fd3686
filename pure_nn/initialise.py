"""Initial parameters: W by scheme, b = 0."""

import math
import numbers
from collections.abc import Sequence
from typing import Literal

import jax
import jax.numpy as jnp
from jax.nn.initializers import Initializer, normal, variance_scaling
from jaxtyping import Array, DTypeLike, PRNGKeyArray

from pure_nn.checks import float_dtype

SCHEMES = ("normal", "he", "xavier", "xavier_fan_in")


def init(
    key: PRNGKeyArray,
    sizes: Sequence[int],
    scheme: str = "he",
    *,
    scale: float | None = None,
    dtype: DTypeLike | None = None,
) -> tuple[dict[str, Array], ...]:
    """Parameters for `sizes` = (n[0], …, n[L]): W[ℓ] of shape (n[ℓ], n[ℓ-1]), b[ℓ] = 0.

    normal:        W = scale · N(0, 1), 0.01 unless given
    he:            Var W = 2/n[ℓ-1]               He et al., ICCV 2015
    xavier:        Var W = 2/(n[ℓ] + n[ℓ-1])      Glorot & Bengio, AISTATS 2010
    xavier_fan_in: Var W = 1/n[ℓ-1]               LeCun et al., 1998

    All are Gaussian. The dtype is JAX's default float unless given.

    TypeError: sizes that are no integers, a dtype that is no float of 16 bits or more.
    ValueError: fewer than two sizes, a size below 1, an unknown scheme, a scale that is not
    positive or is for a scheme that fixes it.
    """
    _check(sizes, scheme, scale)
    dtype = float_dtype(jnp.result_type(float) if dtype is None else dtype)
    draw = _initializer(scheme, scale)
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    return tuple(
        {"W": draw(k, shape, dtype), "b": jnp.zeros((shape[0], 1), dtype)}
        for k, shape in zip(jax.random.split(key, len(shapes)), shapes, strict=True)
    )


def _initializer(scheme: str, scale: float | None) -> Initializer:
    if scheme == "normal":
        return normal(0.01 if scale is None else scale)
    fan: Literal["fan_avg", "fan_in"] = "fan_avg" if scheme == "xavier" else "fan_in"
    return variance_scaling(2 if scheme == "he" else 1, fan, "normal", in_axis=1, out_axis=0)


def _check(sizes: Sequence[int], scheme: str, scale: float | None) -> None:
    if not isinstance(sizes, Sequence) or not all(isinstance(n, numbers.Integral) for n in sizes):
        raise TypeError(f"init: expected sizes (n[0], …, n[L]), a tuple of integers, got {sizes!r}")
    if len(sizes) < 2 or any(n < 1 for n in sizes):
        raise ValueError(
            f"init: expected sizes (n[0], …, n[L]), at least two and each at least 1, got {sizes}"
        )
    if scheme not in SCHEMES:
        raise ValueError(f"init: unknown scheme {scheme!r}; known: {', '.join(SCHEMES)}")
    if scale is not None and scheme != "normal":
        raise ValueError(f"init: {scheme} fixes the variance of W; scale= is for scheme='normal'")
    if scale is not None and not 0 < scale < math.inf:
        raise ValueError(f"init: expected scale, the deviation of W, in (0, ∞), got {scale}")
