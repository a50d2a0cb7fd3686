"""The functions keep the digits that are promised; what people write does not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from verify import accuracy, oracles, sweeps
from verify.accuracy import Accuracy, Scalar

CLASSES = (1, 2, 3, 10, 100, 1000)
SWEPT = {"float64": 100_000, "float32": 2**22, "bfloat16": 65_280, "float16": 63_488}
BATCHES = {"float64": 3, "float32": 60, "bfloat16": 30, "float16": 30}
ALL_OF_FLOAT64 = pytest.param("float64", 1, marks=pytest.mark.slow)  # a part of them always
PARTS = [("float64", 10), ALL_OF_FLOAT64, ("float32", 1), ("bfloat16", 1), ("float16", 1)]
LOSE = {"sigmoid′", "tanh′", "sigmoid″", "tanh″"}  # under jax.grad, everywhere


def worst(rows: list[Accuracy]) -> list[str]:
    return [f"{row.name}: {row.error:.3g} of {row.limit} at {row.at}" for row in rows if not row.ok]


@pytest.mark.parametrize(("dtype", "every"), PARTS)
def test_scalars(dtype: str, every: int) -> None:
    """All values of the 16-bit types, every exponent of the others."""
    rows = accuracy.scalars(dtype, every=every)
    assert len(rows) == 14
    assert {row.inputs >= SWEPT[dtype] // every for row in rows} == {True}
    assert not worst(rows)
    assert {row.name for row in rows if row.usual > 100} == LOSE


@pytest.mark.parametrize(("dtype", "every"), PARTS)
def test_columns(dtype: str, every: int) -> None:
    rows = accuracy.columns(dtype, -(-BATCHES[dtype] // every), CLASSES)
    assert len(rows) == 4
    assert not worst(rows)
    assert accuracy.ONE_HOT in {row.name for row in rows if row.usual > 100}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_limits_are_those_promised(dtype: str) -> None:
    limits = {row.name: row.limit for row in accuracy.scalars(dtype, every=1000)}
    assert set(limits.values()) == ({4.0, 5.0, 8.0} if dtype == "float32" else {1.0})


NAIVE = {
    "a(1 − a)": (lambda z: jax.nn.sigmoid(z) * (1 - jax.nn.sigmoid(z)), oracles.sigmoid_prime),
    "1 − a²": (lambda z: 1 - jnp.tanh(z) ** 2, oracles.tanh_prime),
    "4e/(1 + e)²": (
        lambda z: 4 * jnp.exp(-2 * jnp.abs(z)) / (1 + jnp.exp(-2 * jnp.abs(z))) ** 2,
        oracles.tanh_prime,
    ),
    "a(1 − a)(1 − 2a)": (
        lambda z: jax.nn.sigmoid(z) * (1 - jax.nn.sigmoid(z)) * (1 - 2 * jax.nn.sigmoid(z)),
        lambda z, m: -oracles.sigmoid_prime(z, m) * oracles.tanh(z / 2, m),
    ),
    "−2a(1 − a²)": (
        lambda z: -2 * jnp.tanh(z) * (1 - jnp.tanh(z) ** 2),
        lambda z, m: -2 * oracles.tanh(z, m) * oracles.tanh_prime(z, m),
    ),
    "five ULP": (
        lambda z: jax.nn.sigmoid(z) * (1 + 5 * jnp.finfo(z.dtype).eps),
        oracles.sigmoid,
    ),
    "NaN at 0": (lambda z: jnp.where(z == 0, jnp.nan, jax.nn.sigmoid(z)), oracles.sigmoid),
}


LIMITS = {"a(1 − a)(1 − 2a)": 8.0, "−2a(1 − a²)": 8.0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAIVE)
def test_another_form_would_be_found(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, exact = NAIVE[name]
    naive = Scalar(name, LIMITS.get(name, 4.0), form, form, exact)
    monkeypatch.setattr(accuracy, "SCALARS", (naive,))
    assert worst(accuracy.scalars(dtype, every=11 if dtype == "float64" else 1))


def test_a_plain_softmax_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside autodiff's Δ also its A, which rounds Z − max."""
    monkeypatch.setattr(accuracy, "_ours", accuracy._usual)
    failed = [row.name for row in accuracy.columns("float32", 10, (2, 10)) if not row.ok]
    assert failed[:2] == ["softmax", accuracy.ONE_HOT]


def test_no_inputs_are_no_proof() -> None:
    assert not Accuracy("f", "float32", 4.0, 0, 0.0, "", 0.0).ok
    assert not Accuracy("f", "float32", 4.0, 1, float("nan"), "", 0.0).ok


@pytest.mark.parametrize("dtype", accuracy.DTYPES)
def test_sweeps_hold_every_exponent_of_both_signs(dtype: str) -> None:
    z = sweeps.scalars(dtype)
    _, exponents = np.frexp(np.abs(z[z != 0]).astype(np.float64))
    limits = jnp.finfo(dtype)
    assert set(range(limits.minexp + 1, limits.maxexp + 1)) <= set(exponents.tolist())
    assert np.sum(z > 0) == np.sum(z < 0)
    assert np.all(np.isfinite(z.astype(np.float64)))
    assert {0.0, 1.0, -1.0, float(np.nextafter(np.ones((), z.dtype), 0 * z[:1])[0])} <= set(
        z.astype(np.float64).tolist()
    )


def test_exact_functions_agree_between_numpy_and_mpmath() -> None:
    """Which compute them by the same lines, but in other arithmetic."""
    z = np.linspace(-30, 30, 401, dtype=np.float32)
    for f in (oracles.sigmoid, oracles.sigmoid_prime, oracles.tanh, oracles.tanh_prime):
        by_numpy, _ = oracles.exact(f, z)
        by_mpmath, low = oracles.exact(f, z.astype(np.float64))
        np.testing.assert_allclose(by_numpy, by_mpmath, rtol=1e-14, atol=1e-300)
        assert np.all(np.abs(low) <= np.spacing(np.abs(by_mpmath)))
