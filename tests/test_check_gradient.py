"""`check_gradient`: right gradients are ok, wrong ones wrong, those that lose digits inaccurate."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pure_nn
import verify

pytestmark = pytest.mark.usefixtures("standard_promotion")
RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(4, 6)), (RNG.uniform(size=(1, 6)) < 0.5) * 1.0
PARAMS = (
    {"W": RNG.normal(size=(3, 4)), "b": RNG.normal(size=(3, 1))},
    {"W": RNG.normal(size=(1, 3)), "b": RNG.normal(size=(1, 1))},
)
NET = pure_nn.Network(("tanh", "sigmoid"))


def cost(params: Any, X: Any, Y: Any) -> Any:
    """In NumPy"""
    A2 = forward(params, X)[1]
    return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


def forward(params: Any, X: Any) -> Any:
    A1 = np.tanh(params[0]["W"] @ X + params[0]["b"])
    return A1, 1 / (1 + np.exp(-(params[1]["W"] @ A1 + params[1]["b"])))


def by_hand(params: Any, X: Any, Y: Any) -> Any:
    A1, A2 = forward(params, X)
    return gradients(A2 - Y, params[1]["W"].T @ (A2 - Y) * (1 - A1**2), A1, X)


def gradients(d2: Any, d1: Any, A1: Any, X: Any) -> Any:
    B = X.shape[1]
    return (
        {"W": d1 @ X.T / B, "b": d1.sum(axis=1, keepdims=True) / B},
        {"W": d2 @ A1.T / B, "b": d2.sum(axis=1, keepdims=True) / B},
    )


def prime_left_out(params: Any, X: Any, Y: Any) -> Any:
    A1, A2 = forward(params, X)
    return gradients(A2 - Y, params[1]["W"].T @ (A2 - Y), A1, X)


def test_a_right_gradient_in_numpy_is_ok() -> None:
    report = verify.check_gradient(cost, by_hand, (PARAMS, X, Y), seed=0)
    assert report.ok, str(report)
    assert {"central differences", "complex step"} <= {o.name for o in report.oracles if o.compared}
    report.raise_if_wrong()


def test_a_mistake_is_named_by_the_network() -> None:
    report = verify.check_gradient(cost, prime_left_out, (PARAMS, X, Y), net=NET, seed=0)
    assert report.verdict == "wrong"
    assert "g′(Z[1]) is left out" in str(report)
    with pytest.raises(verify.WrongGradient, match="is left out"):
        report.raise_if_wrong()


def test_a_mistake_is_named_leaf_by_leaf_without_one() -> None:
    def doubled(params: Any, X: Any, Y: Any) -> Any:
        first, second = by_hand(params, X, Y)
        return first, {**second, "W": -second["W"]}

    report = verify.check_gradient(cost, doubled, (PARAMS, X, Y), seed=0)
    assert report.verdict == "wrong"
    assert "has the wrong sign" in str(report)


# in JAX


def J(w: Any, x: Any) -> Any:
    return jnp.mean(jnp.tanh(w @ x) ** 2)


def dJ(w: Any, x: Any) -> Any:
    A = jnp.tanh(w @ x)
    return (2 * A * (1 - A**2)) @ x.T / A.size


def almost(w: Any, x: Any) -> Any:
    """One entry off by two thousandths"""
    return dJ(w, x).at[1, 2].multiply(1.002)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_every_dtype_compiled_and_eagerly(dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        w, x = (jnp.asarray(RNG.normal(size=s), dtype) for s in ((3, 4), (4, 8)))
        report = verify.check_gradient(J, dJ, (w, x), seed=1)
    assert report.ok, str(report)
    assert {"eager", "jit", "vmap"} <= {finding.how for finding in report.findings}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_one_entry_is_found(dtype: str) -> None:
    with jax.enable_x64(dtype == "float64"):
        w, x = (jnp.asarray(RNG.normal(size=s), dtype) for s in ((3, 4), (4, 8)))
        report = verify.check_gradient(J, almost, (w, x), seed=1)
    worst = report.worst()
    assert report.verdict == "wrong"
    assert worst is not None
    assert worst.comparison.index == (1, 2)


def test_lost_digits_are_inaccurate() -> None:
    """1 − A² is 0 from z = 10 on"""
    w, x = jnp.full((1, 1), 10.0, "float32"), jnp.ones((1, 4), "float32")
    report = verify.check_gradient(J, dJ, (w, x), seed=1)
    assert report.verdict == "inaccurate"


def test_argnums_values_and_auxiliary_data() -> None:
    def with_aux(w: Any, x: Any, labels: Any) -> Any:
        return jnp.sum(w * x[labels]), {"any": "thing"}

    def value_and_gradient(w: Any, x: Any, labels: Any) -> Any:
        return jnp.sum(w * x[labels]), (x[labels], jnp.zeros_like(x).at[labels].add(w))

    args = (jnp.asarray([1.0, 2.0]), jnp.asarray([3.0, 4.0, 5.0]), jnp.asarray([2, 0]))
    options: dict[str, Any] = {"argnums": (0, 1), "has_aux": True, "seed": 1}
    right = verify.check_gradient(with_aux, value_and_gradient, args, has_value=True, **options)
    assert right.ok, str(right)

    def wrong_value(*args: Any) -> Any:
        value, gradient = value_and_gradient(*args)
        return value + 1, gradient

    wrong = verify.check_gradient(with_aux, wrong_value, args, has_value=True, **options)
    assert wrong.verdict == "wrong"


def test_a_reference_of_zeros_is_no_check() -> None:
    def flat(w: Any) -> Any:
        return jnp.sum(0 * w) + 1

    args = (jnp.ones(3),)
    assert verify.check_gradient(flat, jnp.zeros_like, args, seed=1).verdict == "undecided"
    assert verify.check_gradient(flat, jnp.zeros_like, args, seed=1, zeros_ok=True).ok


def test_oracles_that_disagree_are_reported() -> None:
    """The cost has a wrong derivative of its own, which jax.grad believes."""

    @jax.custom_vjp
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, ct: (3 * x * ct,))

    def cost(x: Any) -> Any:
        return jnp.sum(square(x))

    report = verify.check_gradient(cost, lambda x: 3 * x, (jnp.asarray([1.0, -2.0]),), seed=1)
    assert not report.ok
    assert not all(oracle.agrees for oracle in report.oracles)


def test_the_tie_rule_at_a_kink() -> None:
    """On the kink of ReLU both one-sided derivatives are told, and the reference is `jax.grad`."""

    def cost(x: Any) -> Any:
        return jnp.sum(jax.nn.relu(x))

    x = jnp.asarray([0.0, 1.0, -1.0])
    report = verify.check_gradient(cost, lambda x: jnp.where(x > 0, 1.0, 0.0), (x,), seed=1)
    assert "kink" in str(report)
    other = verify.check_gradient(cost, lambda x: jnp.where(x >= 0, 1.0, 0.0), (x,), seed=1)
    assert "kink" in str(other)


def test_the_report_is_json() -> None:
    report = verify.check_gradient(J, almost, (jnp.ones((2, 3)), jnp.ones((3, 4))), seed=7)
    told = json.loads(json.dumps(report.to_json()))
    assert (told["verdict"], told["ok"], told["seed"]) == ("wrong", False, 7)
    assert told["findings"][0]["where"]


# what cannot be checked


def raises(params: Any, X: Any, Y: Any) -> Any:
    raise KeyError("W3")


def mutates(params: Any, X: Any, Y: Any) -> Any:
    found = by_hand(params, X, Y)
    X *= 2
    return found


def random(params: Any, X: Any, Y: Any) -> Any:
    grads = by_hand(params, X, Y)
    grads[0]["W"] *= np.random.default_rng().uniform(0.5, 2)
    return grads


def test_bad_hands_are_told() -> None:
    args = (PARAMS, X, Y)
    with pytest.raises(Exception, match="W3"):
        verify.check_gradient(cost, raises, args, seed=1)
    said = [str(verify.check_gradient(cost, f, args, seed=1)) for f in (mutates, random)]
    assert "chang" in said[0]
    assert "differ" in said[1]
    structure = verify.check_gradient(cost, lambda *args: list(by_hand(*args)), args, seed=1)
    assert structure.verdict == "wrong"
    assert "structure" in str(structure)


BAD: dict[str, tuple[Any, Any, str]] = {
    "not floating": (lambda w: jnp.sum(w), (jnp.arange(3),), "float"),
    "no number": (lambda w: w, (jnp.ones(3),), "one number"),
    "NaN": (lambda w: jnp.sum(w) * jnp.nan, (jnp.ones(3),), "finite"),
    "empty": (lambda w: 1.0, ({},), "."),
    "no tuple": (lambda w: jnp.sum(w), jnp.ones(3), "tuple"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused(what: str) -> None:
    f, args, match = BAD[what]
    with pytest.raises((TypeError, ValueError), match=match):
        verify.check_gradient(f, lambda w: w, args, seed=1)
