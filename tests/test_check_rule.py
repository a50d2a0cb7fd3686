"""`check_rule` and `check_vjp`: pairs of forward and backward, and what public code decorates."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas as pl

import verify

pytestmark = pytest.mark.usefixtures("standard_promotion")
RNG = np.random.default_rng(2)
W, A = (jnp.asarray(RNG.normal(size=s), "float32") for s in ((3, 4), (4, 5)))


def affine(W: Any, A: Any) -> Any:
    return {"Z": W @ A}, (W, A)


def affine_back(residuals: Any, ct: Any) -> Any:
    W, A = residuals
    return ct["Z"] @ A.T, W.T @ ct["Z"]


WRONG: dict[str, Any] = {
    "transposed": lambda r, ct: (ct["Z"] @ r[1].T, (ct["Z"].T @ r[0]).T * 2),
    "ignores the cotangent": lambda r, ct: (jnp.ones((3, 5)) @ r[1].T, r[0].T @ jnp.ones((3, 5))),
    "not linear": lambda r, ct: (ct["Z"] ** 2 @ r[1].T, r[0].T @ ct["Z"]),
    "NaN": lambda r, ct: (ct["Z"] @ r[1].T * jnp.nan, r[0].T @ ct["Z"]),
    "one less": lambda r, ct: (ct["Z"] @ r[1].T,),
    "shape": lambda r, ct: (ct["Z"] @ r[1].T, (r[0].T @ ct["Z"]).T),
}


def test_a_right_rule_is_ok() -> None:
    report = verify.check_rule(affine, affine_back, (W, A), seed=1)
    assert report.ok, str(report)
    assert any("linear" in finding.how for finding in report.findings)


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_rule_is_wrong(what: str) -> None:
    report = verify.check_rule(affine, WRONG[what], (W, A), seed=1)
    assert report.verdict == "wrong", str(report)


def test_a_rule_in_numpy() -> None:
    def forward(x: Any) -> Any:
        return np.exp(x), np.exp(x)

    x = RNG.normal(size=(3, 2))
    assert verify.check_rule(forward, lambda y, ct: (y * ct,), (x,), seed=1).ok
    assert verify.check_rule(forward, lambda y, ct: (ct,), (x,), seed=1).verdict == "wrong"


# custom_vjps as they are found


def decorated(f: Any, fwd: Any, bwd: Any) -> Any:
    g = jax.custom_vjp(f)
    g.defvjp(fwd, bwd)
    return g


def log1pexp(x: Any) -> Any:
    return jnp.logaddexp(x, 0.0)


def rms_norm(x: Any, scale: Any) -> Any:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6) * scale


def rms_norm_back(factor: float) -> Any:
    def back(residuals: Any, ct: Any) -> Any:
        x, scale = residuals
        r = jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)
        y = ct * scale
        dx = r * (y - factor * x * r * r * jnp.mean(y * x, axis=-1, keepdims=True))
        return dx, jnp.sum(ct * x * r, axis=0)

    return back


def swiglu(a: Any, b: Any) -> Any:
    return jax.nn.silu(a) * b


def swiglu_back(residuals: Any, ct: Any) -> Any:
    a, b = residuals
    s = jax.nn.sigmoid(a)
    return ct * b * s * (1 + a * (1 - s)), ct * a * s


def kept(*args: Any) -> Any:
    return args if len(args) > 1 else args[0]


def forth(f: Any) -> Any:
    return lambda *args: (f(*args), kept(*args))


X = jnp.asarray(RNG.normal(size=(4, 6)), "float32")
RIGHT: dict[str, Any] = {
    "log1pexp": (
        decorated(log1pexp, forth(log1pexp), lambda x, ct: (ct * jax.nn.sigmoid(x),)),
        (X,),
    ),
    "rms_norm": (decorated(rms_norm, forth(rms_norm), rms_norm_back(1.0)), (X, X[0] + 2)),
    "swiglu": (decorated(swiglu, forth(swiglu), swiglu_back), (X, X[::-1])),
}
BROKEN: dict[str, Any] = {
    "log1pexp": (decorated(log1pexp, forth(log1pexp), lambda x, ct: (ct * jnp.tanh(x),)), (X,)),
    "rms_norm": (decorated(rms_norm, forth(rms_norm), rms_norm_back(0.99)), (X, X[0] + 2)),
    "swiglu": (
        decorated(swiglu, forth(swiglu), lambda r, ct: swiglu_back(r, ct)[::-1]),
        (X, X[::-1]),
    ),
    "sign of the value": (
        decorated(jnp.sin, lambda x: (-jnp.sin(x), x), lambda x, ct: (ct * jnp.cos(x),)),
        (X,),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_custom_vjps(name: str) -> None:
    f, args = RIGHT[name]
    report = verify.check_vjp(f, args, seed=1)
    assert report.ok, str(report)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_custom_vjps(name: str) -> None:
    f, args = BROKEN[name]
    assert verify.check_vjp(f, args, seed=1).verdict == "wrong"


def test_clipping_is_told_to_differ_from_the_function() -> None:
    """What changes the gradient on purpose has a reference of its own."""
    f = decorated(lambda x: x * 1.0, lambda x: (x * 1.0, None), lambda _, ct: (ct * 0.5,))
    assert verify.check_vjp(f, (X,), seed=1).verdict == "wrong"
    assert verify.check_vjp(f, (X,), reference=lambda x: x * 1.0, seed=1).verdict == "wrong"


def kernel(x_ref: Any, out_ref: Any) -> None:
    out_ref[...] = jnp.tanh(x_ref[...])


def tanh_by_kernel(x: Any) -> Any:
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return pl.pallas_call(kernel, out_shape=shape, interpret=True)(x)


def test_a_pallas_kernel() -> None:
    def back(factor: float) -> Any:
        return lambda x, ct: (factor * ct / jnp.cosh(x) ** 2,)

    right = decorated(tanh_by_kernel, lambda x: (tanh_by_kernel(x), x), back(1.0))
    wrong = decorated(tanh_by_kernel, lambda x: (tanh_by_kernel(x), x), back(1.001))
    assert verify.check_vjp(right, (X,), seed=1).ok
    assert verify.check_vjp(wrong, (X,), seed=1).verdict == "wrong"
