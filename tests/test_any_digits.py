"""Right equations that lose digits are inaccurate; the line, the loss, a better form are told."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import verify

Z = np.array([0.1, 3.0, 8.0, 9.5, 25.0])


def tanh_and_itself(z: Any, m: Any) -> Any:
    A = m.tanh(z)
    return A, A


def one_minus_square(A: Any, v: Any) -> Any:
    return (v * (1 - A**2),)


def one_minus_and_plus(A: Any, v: Any) -> Any:
    return (v * (1 - A) * (1 + A),)


def sigmoid_and_itself(z: Any, m: Any) -> Any:
    A = 1 / (1 + m.exp(-z))
    return A, A


def a_one_minus_a(A: Any, v: Any) -> Any:
    return (v * A * (1 - A),)


def log_of_softmax(z: Any, m: Any) -> Any:
    E = m.exp(z - m.max(z))
    A = E / m.sum(E)
    return m.log(A), A


def softmax_delta(A: Any, v: Any) -> Any:
    return (v - A * v.sum(),)


LOSSY: dict[str, tuple[Any, Any, Any, str, str]] = {
    "1 − A²": (tanh_and_itself, one_minus_square, jnp.tanh, "write 4/(E + 2 + 1/E)", "1 - A**2"),
    "(1 − A)(1 + A)": (
        tanh_and_itself,
        one_minus_and_plus,
        jnp.tanh,
        "4/(E + 2 + 1/E) for (1 − A)(1 + A)",
        "(1 - A) * (1 + A)",
    ),
    "A(1 − A)": (sigmoid_and_itself, a_one_minus_a, jax.nn.sigmoid, "σ(−z)", "A * (1 - A)"),
    "log(softmax)": (
        log_of_softmax,
        softmax_delta,
        lambda z: jax.nn.log_softmax(z),
        "write z − max z − log(Σ exp(z − max z))",
        "m.exp(z - m.max(z))",
    ),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("m", [np, jnp], ids=["NumPy", "JAX"])
@pytest.mark.parametrize("what", LOSSY)
def test_the_line_and_the_better_form(what: str, m: Any, dtype: str) -> None:
    forward, backward, reference, advice, code = LOSSY[what]
    z = Z * {"float64": 100, "float32": 10}[dtype] if what == "log(softmax)" else Z

    def forward_in_m(z: Any) -> Any:
        return forward(z, m)

    args = (z.astype(dtype),)
    with np.errstate(divide="ignore"):
        report = verify.check_rule(forward_in_m, backward, args, reference=reference)
    assert report.verdict == "inaccurate", str(report)
    (said,) = report.mistakes
    assert advice in said
    assert "test_any_digits.py:" in said
    assert code in said
    assert str(report).startswith("INACCURATE: digits are lost in test_any_digits.py")


def test_the_better_form_is_ok() -> None:
    def forward(z: Any) -> Any:
        return np.tanh(z), z

    def backward(z: Any, v: Any) -> Any:
        E = np.exp(2 * np.abs(z))
        return (v * 4 / (E + 2 + 1 / E),)

    for dtype in ("float64", "float32"):
        assert verify.check_rule(forward, backward, (Z.astype(dtype),)).ok


def test_a_wrong_equation_that_loses_digits_is_wrong() -> None:
    def forward(z: Any) -> Any:
        return tanh_and_itself(z, np)

    def backward(A: Any, v: Any) -> Any:
        return (1.001 * v * (1 - A**2),)

    for dtype in ("float64", "float32"):
        assert verify.check_rule(forward, backward, (Z.astype(dtype),)).verdict == "wrong"


def test_fewer_bits_inside_than_claimed_are_not_excused() -> None:
    """In NumPy a cast takes digits however many there were."""

    def hand(x: Any) -> Any:
        return np.cos(x.astype(np.float32)).astype(np.float64)

    x = np.random.default_rng(0).normal(size=6)
    report = verify.check_gradient(lambda x: np.sum(np.sin(x)), hand, (x,))
    assert report.verdict == "wrong"


# networks: where all units saturate, jax.grad in float64 is no oracle


def saturated_cost(W: Any, X: Any) -> Any:
    return jnp.sum(jnp.tanh(W @ X))


def exactly(W: Any, X: Any) -> Any:
    E = jnp.exp(2 * jnp.abs(W @ X))
    return (4 / (E + 2 + 1 / E)) @ X.T


def as_taught(W: Any, X: Any) -> Any:
    A = jnp.tanh(W @ X)
    return (1 - A * A) @ X.T


ARGS = np.full((3, 2), 7.0) + np.arange(6).reshape(3, 2) / 10, np.array([[1.1, 1.2], [0.9, 1.3]])


def test_the_reference_keeps_its_digits_where_units_saturate() -> None:
    right = verify.check_gradient(saturated_cost, exactly, ARGS)
    assert right.ok, str(right)
    of = {oracle.name: oracle for oracle in right.oracles}
    assert of["jax.grad in float64"].reference > 1e-6
    assert of["many digits"].by_hand < 1e-13


def test_what_is_taught_is_inaccurate_there() -> None:
    report = verify.check_gradient(saturated_cost, as_taught, ARGS)
    assert report.verdict == "inaccurate", str(report)
    assert "1 − A² cancels" in report.mistakes[0]


def test_few_lost_digits_of_a_sum_are_let_pass() -> None:
    """Units of which only some saturate"""
    W, X = np.random.default_rng(0).normal(size=(2, 4, 4))
    assert verify.check_gradient(saturated_cost, as_taught, (2 * W, X)).ok
