"""The Jacobian of softmax keeps the digits of Δ in any layer, however saturated."""

from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

import pure_nn
from verify import bounds, oracles
from verify.bounds.arithmetic import Careful, Textbook
from verify.bounds.recipe import pull
from verify.errors import ulp

SPREADS = (1.0, 10.0, 30.0, 100.0)  # of z: from a mixture to one class alone
DTYPES = ("float64", "float32")


def on_paper(Z: Any, A: Any, dA: Any) -> Any:
    return A * (dA - jnp.sum(A * dA, axis=0, keepdims=True))


def worst(form: Any, n: int, spread: float, dtype: str) -> float:
    """In ULPs of Σⱼ Aᵢ Aⱼ|dAᵢ − dAⱼ|, where that is a normal number"""
    rng = np.random.default_rng(n)
    Z, dA = (np.asarray(scale * rng.normal(size=(n, 20)), dtype) for scale in (spread, 1.0))
    with jax.enable_x64(dtype == "float64"):
        got = np.asarray(jax.jit(form)(Z, pure_nn.softmax().g(jnp.asarray(Z)), dA))
    exact, terms = _exactly(Z, dA)
    normal = terms > float(jnp.finfo(dtype).smallest_normal) / float(jnp.finfo(dtype).eps)
    off = np.abs((got - exact[0]) - exact[1]) / ulp((terms, 0 * terms), dtype)
    return float(np.max(off[normal]))


def _exactly(Z: Any, dA: Any) -> tuple[Any, Any]:
    with mpmath.workdps(oracles.DIGITS):
        z, d = (np.frompyfunc(mpmath.mpf, 1, 1)(x.astype(np.float64)) for x in (Z, dA))
        E = oracles.MPMATH.exp(z - z.max(axis=0))
        A = E / E.sum(axis=0)
        terms = A[:, None] * A[None] * (d[:, None] - d[None])
        return oracles.as_sum(terms.sum(axis=1)), np.abs(terms).sum(axis=1).astype(np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("spread", SPREADS)
def test_within_eight_ulps_of_the_terms(spread: float, dtype: str) -> None:
    """As softmax itself is: 4.7 and, where all classes count, 6.0 in 720 columns of each n"""
    assert max(worst(pure_nn.softmax().pull, n, spread, dtype) for n in (2, 3, 10)) <= 8


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_form_on_paper_would_be_found(dtype: str) -> None:
    """From a mixture on, where it loses a digit, to one class, where it has none."""
    assert worst(on_paper, 2, 1.0, dtype) > 5
    assert worst(on_paper, 2, 10.0, dtype) > 1e6


@pytest.mark.parametrize("dtype", DTYPES)
def test_ties_and_one_unit(dtype: str) -> None:
    """Of equal classes any may be the largest; Δ of one unit is 0."""
    g, columns = pure_nn.softmax(), np.array([[[0.5], [0.5], [0.0]], [[3.0], [1.0], [2.0]]])
    with jax.enable_x64(dtype == "float64"):
        A, dA = jnp.asarray(columns, dtype)
        assert g.pull(A, A, dA).tolist() == [[0.5], [-0.5], [0.0]]
        assert g.pull(A[:1], 2 * A[:1], dA[:1]).tolist() == [[0.0]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 1])
def test_what_is_not_finite_is_not_hidden(value: float, row: int) -> None:
    """Nor does it leave its column."""
    A, dA = jnp.asarray([[0.9, 0.9], [0.1, 0.1]]), np.ones((2, 2))
    dA[row, 0] = value
    found = pure_nn.softmax().pull(A, A, jnp.asarray(dA))
    assert not np.any(np.isfinite(found[:, 0]))
    assert np.all(found[:, 1] == 0)


def test_the_bound_keeps_them_too_and_that_of_the_form_on_paper_does_not() -> None:
    g, Z, dA = pure_nn.softmax(), np.array([[30.0], [0.0]]), np.array([[1.0], [-1.0]])

    def bound(kind: Any) -> Any:
        def of_pull(m: Any, Z: Any, dA: Any) -> Any:
            z = m.exact(Z)
            return pull(m, g, z, m.g(g, z), m.exact(dA))

        return bounds.run(of_pull, kind("float64"), (Z, dA)).error

    exact = _exactly(Z, dA)[0][0]
    assert np.all(bound(Careful) < 1e-13 * np.abs(exact))
    assert np.all(bound(Textbook)[0] > 1e-3 * np.abs(exact[0]))
