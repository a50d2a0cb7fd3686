"""Inputs that leave no corner out: all values of the 16-bit types, every exponent of the others."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from pure_nn.precision import wide_dtype

FLOAT32_MANTISSAS = 8400  # for each of 2 · 255 exponents: 2²² and some more
FLOAT64_MANTISSAS = 8  # for each of 2 · 2047 exponents
FLOAT64_BETWEEN = 37_500

# Kinks, the branch of tanh, where g or g′ round to 0 or 1, where exp over- and underflows.
LANDMARKS = [0.0, 0.5, 1.0, 8.0, 9.01, 16.6, 17.33, 18.7, 36.7, 43.67, 44.36, 87.34, 88.72, 103.98]
LANDMARKS += [354.2, 372.6, 708.4, 709.78, 744.5, 745.13]


def scalars(dtype: str) -> npt.NDArray[Any]:
    """Finite z of both signs."""
    sweep = {"float32": _float32, "float64": _float64}.get(dtype)
    return sweep() if sweep else _all_16_bits(dtype)


def _all_16_bits(dtype: str) -> npt.NDArray[Any]:
    z: npt.NDArray[Any] = np.arange(2**16, dtype=np.uint16).view(jnp.dtype(dtype))
    finite: npt.NDArray[Any] = z[np.isfinite(z.astype(np.float32))]
    return finite


def _float32() -> npt.NDArray[Any]:
    rng = np.random.default_rng(0)
    start = np.linspace(0, 2**23, FLOAT32_MANTISSAS, endpoint=False, dtype=np.uint32)
    mantissa = start + rng.integers(0, 2**23 // FLOAT32_MANTISSAS, (255, start.size), np.uint32)
    exponent = np.arange(255, dtype=np.uint32)[:, None] << 23
    return _both_signs([(exponent | mantissa).view(np.float32), _around_landmarks(np.float32, 500)])


def _float64() -> npt.NDArray[Any]:
    """A quarter over every exponent, the rest where sigmoid and tanh are neither 0 nor 1."""
    rng = np.random.default_rng(0)
    exponent = np.arange(2047, dtype=np.uint64)[:, None] << np.uint64(52)
    mantissa = rng.integers(0, 2**52, (2047, FLOAT64_MANTISSAS), np.uint64)
    between = 2.0 ** rng.uniform(-30, 9.6, FLOAT64_BETWEEN)
    wide = [(exponent | mantissa).view(np.float64), between]
    return _both_signs([*wide, _around_landmarks(np.float64, 5)])


def _around_landmarks(dtype: Any, neighbours: int) -> npt.NDArray[Any]:
    """So many floats on either side of each landmark: their bits count up by one."""
    bits = np.dtype(dtype).str.replace("f", "i")
    centres = np.array(LANDMARKS, dtype).view(bits)
    near = centres[:, None] + np.arange(-neighbours, neighbours + 1).astype(bits)
    floats: npt.NDArray[Any] = near[near >= 0].view(dtype)
    return floats


def _both_signs(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    positive = np.concatenate([part.ravel() for part in parts])
    return np.concatenate([positive, -positive])


def flushed(z: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """z as XLA compares it: on CPU a subnormal number counts as 0, on the kink."""
    flushed: npt.NDArray[Any] = z.copy()
    wide = wide_dtype(z.dtype)
    if counts_as_zero(wide):
        flushed[np.abs(z) < jnp.finfo(wide).smallest_normal] *= 0
    return flushed


@functools.cache
def counts_as_zero(dtype: Any) -> bool:
    """Whether a subnormal number does, where JAX computes"""
    subnormal = np.asarray(jnp.finfo(dtype).smallest_normal / 2, dtype)
    return bool(jax.jit(lambda z: z == 0)(subnormal))


def columns(
    dtype: str, batches: int, classes: tuple[int, ...]
) -> Iterator[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]]:
    """At most so many batches (k, n, B) of logits of each n in `classes`, and their labels (k, B).

    A label is any class or, as often, the top class. A column alone is summed in another order
    than several beside each other.
    """
    rng = np.random.default_rng(0)
    for n, B, (kind, draw) in itertools.product(classes, (1, 17), COLUMNS.items()):
        k = max(batches * 10 // (10 + n), 1)
        Z = np.stack([draw(rng, n, B) for _ in range(k)])
        Z = np.clip(Z, -6e4, 6e4).astype(jnp.dtype(dtype))
        labels = np.where(rng.integers(2, size=(k, B)), rng.integers(n, size=(k, B)), Z.argmax(1))
        yield f"{kind}, n = {n}, B = {B}", Z, labels


def targets(Z: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """One-hot Y, and soft Y whose columns do not sum to 1."""
    one_hot = np.eye(Z.shape[1])[labels].swapaxes(1, 2)
    soft = np.random.default_rng(1).uniform(size=Z.shape)
    return one_hot.astype(Z.dtype), soft.astype(Z.dtype)


def _peaked(rng: Any, n: int, B: int) -> Any:
    Z = rng.normal(size=(n, B))
    Z[0] += rng.uniform(0, 110, B)
    return Z


def _levels(rng: Any, n: int, B: int) -> Any:
    """Two levels below a top class: rounding errors of equal terms add up, all of one sign."""
    Z = np.repeat(-rng.uniform(0, [[3], [10]], (2, B)), [n - n // 2, n // 2], axis=0)
    Z[0] = 0
    return Z


COLUMNS: dict[str, Any] = {
    "σ = 0.001": lambda rng, n, B: rng.normal(0, 1e-3, (n, B)),
    "σ = 1": lambda rng, n, B: rng.normal(0, 1, (n, B)),
    "σ = 10": lambda rng, n, B: rng.normal(0, 10, (n, B)),
    "σ = 100": lambda rng, n, B: rng.normal(0, 100, (n, B)),
    "σ = 10⁴": lambda rng, n, B: rng.normal(0, 1e4, (n, B)),
    "far from 0": lambda rng, n, B: rng.normal(1e3, 10, (n, B)),
    "ties": lambda rng, n, B: rng.integers(-3, 3, (n, B)) * rng.choice([1.0, 30.0], (1, B)),
    "nearly tied": lambda rng, n, B: 5 + rng.integers(-9, 9, (n, B)) * 2.0**-21,
    "peaked": _peaked,
    "levels": _levels,
}
