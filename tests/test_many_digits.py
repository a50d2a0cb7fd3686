"""JAX's programs in many digits: every primitive of the table against JAX in float64."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import subjaxprs

from verify.derivatives import manydigits
from verify.derivatives.manydigits import NotApplicable
from verify.derivatives.primitives import TABLE
from verify.derivatives.programs import float64

x = np.random.default_rng(0).uniform(0.1, 0.9, (3, 4))
FUNCTIONS: dict[str, Any] = {
    "elementary": lambda x: [
        f(x)
        for f in (jnp.exp, jnp.exp2, jnp.log, jnp.log1p, jnp.expm1, jnp.sqrt, jnp.cbrt, jnp.tanh)
    ],
    "hyperbolic": lambda x: [f(x) for f in (jnp.sinh, jnp.cosh, jnp.arcsinh, jnp.arctanh)],
    "above 1": lambda x: [jnp.arccosh(1 + x), jax.lax.rsqrt(x), jax.lax.logistic(x)],
    "circular": lambda x: [
        f(x) for f in (jnp.sin, jnp.cos, jnp.tan, jnp.arcsin, jnp.arccos, jnp.arctan)
    ],
    "special": lambda x: [
        f(x) for f in (jax.lax.erf, jax.lax.erfc, jax.lax.erf_inv, jax.lax.lgamma, jax.lax.digamma)
    ],
    "arithmetic": lambda x: [x + x[:1], x - 1, x * x, 1 / x, -x, abs(x - 0.5), x**3, x**-2, x**x],
    "choices": lambda x: [
        jnp.maximum(x, 0.5),
        jnp.minimum(x, 0.5),
        jnp.clip(x, 0.2, 0.6),
        jnp.where(x < 0.5, x, 2 * x),
        jnp.where((x <= 0.5) | ~(x > 0.3), 1.0, x),
        jnp.where((x >= 0.5) & (x != 0.7), x, 0.0),
        jnp.sign(x - 0.5) * jnp.floor(4 * x) + jnp.ceil(x),
        jnp.where(jnp.isfinite(1 / (x - x)), 1.0, x),
        jax.lax.select_n((3 * x).astype(int), x, 2 * x, 3 * x),
    ],
    "sums": lambda x: [
        x.sum(),
        x.sum(axis=0),
        x.prod(axis=1),
        x.max(axis=0),
        x.min(),
        jnp.any(x > 0.8, axis=0) * 1.0,
        jnp.all(x > 0.2) * 1.0,
        jnp.cumsum(x, axis=1),
        jax.lax.cumsum(x, reverse=True),
        jnp.cumprod(x),
        jax.lax.cummax(x),
        jax.lax.cummin(x, reverse=True),
        x.argmax(axis=0) + x.argmin(axis=0) * x[0],
    ],
    "products": lambda x: [
        x @ x.T,
        jnp.einsum("ij,ik->jk", x, x),
        jnp.einsum("ij,ij->i", x, x),
        jnp.outer(x[0], x[1]),
        jnp.stack([x, x]) @ x.T,
    ],
    "shapes": lambda x: [
        x.reshape(2, 6),
        x.T,
        x[None, :, 1:3],
        x[::2, ::-1],
        jnp.concatenate([x, x], axis=1),
        jnp.pad(x, ((1, 2), (0, 1)), constant_values=0.5),
        jnp.split(x, 2, axis=1)[1],
        jnp.roll(x, 1),
        jnp.tile(x, 2),
    ],
    "indices": lambda x: [
        x[jnp.array([0, 2, 2])],
        x[jnp.arange(3), jnp.array([3, 0, 1])],
        x.at[1].set(0.5),
        x.at[jnp.array([0, 0])].add(1.5),
        jax.lax.dynamic_slice(x, (1, 1), (2, 2)),
        jax.lax.dynamic_update_slice(x, x[:1, :2], (2, 1)),
        jnp.take_along_axis(x, x.argmax(axis=1)[:, None], axis=1),
    ],
    "loops": lambda x: [
        jax.lax.scan(lambda c, row: (c * row, c + row), x[0], x),
        jax.lax.scan(lambda c, row: (c * row, c), x[0], x, reverse=True),
        jax.lax.fori_loop(0, 3, lambda i, c: c * 1.5 + i, x),
        jax.lax.cond(x[0, 0] > 0, jnp.sin, jnp.cos, x),
        jax.lax.switch(2, [jnp.sin, jnp.cos, jnp.tanh], x),
    ],
    "programs inside": lambda x: [
        jax.jit(jnp.sin)(x),
        jax.checkpoint(jnp.exp)(x),
        jax.nn.relu(x - 0.5),
        jax.nn.softmax(x),
        jax.nn.gelu(x),
        jax.nn.logsumexp(x, axis=0),
        jax.lax.stop_gradient(x),
        x.astype("float32") * 1.0,
    ],
}


def doubled(x: Any) -> Any:
    return jax.lax.while_loop(lambda c: c.sum() < 100, lambda c: 2 * c, x)


def test_a_loop_of_unknown_length() -> None:
    (found,), (expected,) = run(doubled, x)
    np.testing.assert_array_equal(np.asarray(found, float), expected)


def run(f: Any, *arrays: Any) -> tuple[Any, Any]:
    """In many digits, and by JAX in float64"""
    with float64():
        program = jax.make_jaxpr(f)(*arrays)
        expected = jax.tree.leaves(jax.jit(f)(*arrays))
        name, found = manydigits.exactly(manydigits.of_jaxpr(program, arrays))
    assert name == "many digits"
    return found, expected


def total(f: Any) -> Any:
    return lambda x: sum(jnp.sum(jnp.cos(leaf)) for leaf in jax.tree.leaves(f(x)))


@pytest.mark.parametrize("what", FUNCTIONS)
@pytest.mark.parametrize("derived", [False, True], ids=["values", "gradient"])
def test_as_jax_has_it(what: str, derived: bool) -> None:
    f = FUNCTIONS[what]
    found, expected = run(jax.grad(total(f)) if derived else f, x)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(ours, float), theirs, rtol=2e-7, atol=1e-12)


def test_the_table_is_tested() -> None:
    def names(jaxpr: Any) -> set[str]:
        inner = map(names, subjaxprs(jaxpr))
        return {e.primitive.name for e in jaxpr.eqns}.union(*inner)

    with float64():
        traced = [jax.make_jaxpr(f)(x).jaxpr for f in FUNCTIONS.values()]
        traced += [jax.make_jaxpr(jax.grad(total(f)))(x).jaxpr for f in FUNCTIONS.values()]
    untested = set(TABLE) - set().union(*map(names, traced))
    assert untested <= {"copy", "copy_p", "reduce_precision", "expand_dims", "xor"} | {
        "optimization_barrier"
    }


def test_digits_that_float64_does_not_have() -> None:
    found, _ = run(lambda x: (1 + x) - 1, np.array(1e-30))
    assert float(found[0]) == 1e-30


@pytest.mark.parametrize("z", [20.0, 100.0, 300.0, 700.0])
def test_as_many_digits_as_it_takes(z: float) -> None:
    """σ(z)(1 − σ(z)) ≈ exp(−z)"""
    found, _ = run(jax.grad(jax.nn.sigmoid), np.array(z))
    assert float(found[0]) == pytest.approx(math.exp(-z) / (1 + math.exp(-z)) ** 2, rel=1e-12)


def test_more_than_there_are_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manydigits, "DIGITS", (60, 120))
    with pytest.raises(NotApplicable, match="120 digits are not enough"):
        run(jax.grad(lambda z: jnp.tanh(z)), np.array(100.0))


def test_what_takes_too_long_is_done_in_80_bits() -> None:
    def f(x: Any) -> Any:
        return jax.lax.fori_loop(0, 3, lambda i, c: jnp.sin(c @ c), x)

    big = np.random.default_rng(0).normal(size=(40, 40)) / 40
    with float64():
        program = jax.make_jaxpr(jax.jit(f))(big)
        name, found = manydigits.exactly(manydigits.of_jaxpr(program, [big]))
        np.testing.assert_allclose(np.asarray(found[0], float), f(big), rtol=1e-10, atol=1e-14)
    assert name == "80 bits"


def test_unknown_primitives_are_named() -> None:
    with pytest.raises(NotApplicable, match="it has no form for the primitive sort"):
        run(jnp.sort, x)
    with pytest.raises(NotApplicable, match="it has no form for the primitive conv"):
        run(lambda x: jnp.convolve(x[0], x[1]), x)
