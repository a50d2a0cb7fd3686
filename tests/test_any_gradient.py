"""Gradients of any structure, in every dtype and way, of any arguments."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradients import (
    QUICK,
    by_hand,
    changed,
    cost,
    in_jax,
    in_numpy,
    numpy_cost,
    params_and_data,
    x_of,
)

import verify

DTYPES = ("float64", "float32", "float16", "bfloat16")


@pytest.mark.parametrize("dtype", DTYPES)
def test_right_in_jax(dtype: str) -> None:
    report = verify.check_gradient(cost, by_hand, in_jax(params_and_data(dtype)))
    assert report.ok, str(report)
    assert report.dtype == dtype
    assert {finding.how for finding in report.findings} == {"eager", "jit", "vmap"}
    report.raise_if_wrong()


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("f", [cost, numpy_cost], ids=["cost in JAX", "cost in NumPy"])
def test_right_in_numpy(dtype: str, f: Any) -> None:
    report = verify.check_gradient(f, in_numpy, params_and_data(dtype))
    assert report.ok, str(report)
    assert {finding.how for finding in report.findings} == {"eager"}


WRONG: dict[str, tuple[str, Any, str]] = {
    "twice": ("W1", lambda x: 2 * x, "W1'] is 2 times too large"),
    "B times": ("b1", lambda x: 5 * x, "b1'] is B = 5 times too large"),
    "sign": ("W2", lambda x: -x, "W2'] has the wrong sign"),
    "zero": ("b2", lambda x: 0 * x, "b2'] is zero"),
    "one entry": ("W1", lambda x: x.at[2, 1].multiply(jnp.asarray(1.5, x.dtype)), "W1']"),
    "NaN": ("W1", lambda x: x.at[0, 0].set(jnp.nan), "NaN"),
    "infinity": ("W1", lambda x: x.at[0, 0].set(jnp.inf), "infinite"),
    "one axis less": ("b1", lambda x: x[:, 0], "b1'] has lost an axis"),
    "transposed": ("W1", lambda x: x.T, "W1'] is transposed"),
    "an L2 term": ("W2", lambda x: x + jnp.asarray(0.01, x.dtype), "W2']"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_is_found_and_named(what: str) -> None:
    name, change, said = WRONG[what]
    report = verify.check_gradient(cost, changed(name, change), params_and_data(), **QUICK)
    assert report.verdict == "wrong"
    assert said in str(report).partition("\n\n")[0]
    assert {f.comparison.where for f in report.findings if f.verdict != "ok"} == {
        f"params['{name}']"
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_doubled_leaf_is_found_in_every_dtype(dtype: str) -> None:
    args = in_jax(params_and_data(dtype))
    report = verify.check_gradient(cost, changed("W2", lambda x: x + x), args, **QUICK)
    assert report.verdict == "wrong"


def test_one_thousandth_in_one_entry_of_float32_is_found() -> None:
    wrong = changed("W1", lambda x: x.at[3, 2].multiply(jnp.asarray(1.001, x.dtype)))
    report = verify.check_gradient(cost, wrong, params_and_data("float32"), **QUICK)
    worst = report.worst()
    assert worst is not None
    assert worst.comparison.index == (3, 2)
    assert worst.verdict == "wrong"


# what is differentiated


def f(x: Any, y: Any, n: Any = 2) -> Any:
    return jnp.sum(jnp.sin(x)) * jnp.sum(y**n)


def f_by_x(x: Any, y: Any, n: Any = 2) -> Any:
    return jnp.cos(x) * jnp.sum(y**n)


def f_by_y(x: Any, y: Any, n: Any = 2) -> Any:
    return jnp.sum(jnp.sin(x)) * n * y ** (n - 1)


X, Y = np.random.default_rng(0).normal(size=(2, 3)), np.random.default_rng(1).normal(size=2)


@pytest.mark.parametrize(
    ("argnums", "hand"),
    [
        (0, f_by_x),
        (1, f_by_y),
        (-1, f_by_y),
        ((0, 1), lambda x, y: (f_by_x(x, y), f_by_y(x, y))),
        ((1, 0), lambda x, y: (f_by_y(x, y), f_by_x(x, y))),
        ((1,), lambda x, y: (f_by_y(x, y),)),
    ],
    ids=["0", "1", "-1", "both", "turned", "one in a tuple"],
)
def test_argnums_are_those_of_jax_grad(argnums: Any, hand: Any) -> None:
    assert verify.check_gradient(f, hand, (X, Y), argnums=argnums, **QUICK).ok


def test_gradients_in_the_wrong_order_are_wrong() -> None:
    def swapped(x: Any, y: Any) -> Any:
        return f_by_y(x, y), f_by_x(x, y)

    assert not verify.check_gradient(f, swapped, (X, Y), argnums=(0, 1), **QUICK).ok


def test_python_numbers_are_handed_on_as_they_are() -> None:
    assert verify.check_gradient(f, f_by_x, (X, Y, 3), **QUICK).ok
    assert verify.check_gradient(lambda θ, x: θ * x, lambda θ, x: x, (4.0, 3.0)).ok


TREES: dict[str, Any] = {
    "nested": ({"a": (X, [Y])}, lambda t: {"a": (2 * t["a"][0], [2 * t["a"][1][0]])}),
    "list": ([X, Y], lambda t: [2 * x for x in t]),
    "None inside": ((X, None), lambda t: (2 * t[0], None)),
    "one number": (np.asarray(0.7), lambda t: 2 * t),
}


@pytest.mark.parametrize("what", TREES)
def test_any_structure(what: str) -> None:
    tree, hand = TREES[what]

    def squares(tree: Any) -> Any:
        return sum(jnp.sum(x**2) for x in jax.tree.leaves(tree))

    assert verify.check_gradient(squares, hand, (tree,), **QUICK).ok


# the value


def with_value(factor: float) -> Any:
    def hand(x: Any, y: Any) -> Any:
        return factor * f(x, y), f_by_x(x, y)

    return hand


def test_the_value_is_checked_too() -> None:
    assert verify.check_gradient(f, with_value(1.0), (X, Y), has_value=True, **QUICK).ok
    report = verify.check_gradient(f, with_value(1.001), (X, Y), has_value=True, **QUICK)
    assert {x.comparison.where for x in report.findings if x.verdict == "wrong"} == {"value"}


def test_auxiliary_data() -> None:
    def with_aux(x: Any, y: Any) -> Any:
        return f(x, y), {"anything": x}

    def grad_and_aux(x: Any, y: Any) -> Any:
        return f_by_x(x, y), {"anything": x}

    for hand in (f_by_x, grad_and_aux):
        assert verify.check_gradient(with_aux, hand, (X, Y), has_aux=True, **QUICK).ok


def test_bounds_of_ones_own() -> None:
    def nearly(x: Any, y: Any) -> Any:
        return f_by_x(x, y) * (1 + 1e-9)

    assert not verify.check_gradient(f, nearly, (X, Y), **QUICK).ok
    assert verify.check_gradient(f, nearly, (X, Y), factor=1e9, **QUICK).ok
    assert verify.check_gradient(f, nearly, (X, Y), bound=1e-6, **QUICK).ok
    assert verify.check_gradient(f, nearly, (X, Y), bound=np.full(X.shape, 1e-6), **QUICK).ok
    assert not verify.check_gradient(f, nearly, (X, Y), bound=1e-14, **QUICK).ok


def test_zeros_are_no_check() -> None:
    def hand(x: Any, y: Any) -> Any:
        return np.zeros_like(x), f_by_y(np.zeros_like(x), y)

    zeros = (np.zeros((2, 3)), np.zeros(2))
    report = verify.check_gradient(f, hand, zeros, argnums=(0, 1), **QUICK)
    assert report.verdict == "undecided"
    assert "the reference is all zeros" in str(report)
    assert verify.check_gradient(f, hand, zeros, argnums=(0, 1), zeros_ok=True, **QUICK).ok


def test_float64_arrays_do_while_jax_has_32_bits() -> None:
    assert jnp.ones(1).dtype == "float32"
    assert verify.check_gradient(f, f_by_x, (X, Y), **QUICK).dtype == "float64"


def test_a_user_of_float32_is_given_no_float64() -> None:
    def hand(x: Any, y: Any) -> Any:
        return jnp.zeros(x.shape) + f_by_x(x, y)

    assert verify.check_gradient(f, hand, (X.astype("f4"), Y.astype("f4")), **QUICK).ok


def test_one_entry_is_called_by_its_name_once() -> None:
    def total(x: Any) -> Any:
        return jnp.sum(jnp.sin(x))

    def hand(x: Any) -> Any:
        return jnp.cos(x).at[1, 2].multiply(1.5)

    report = verify.check_gradient(total, hand, (x_of(),), **QUICK)
    assert str(report).startswith("WRONG: x[1, 2] alone is wrong: got ")
    report = verify.check_gradient(total, lambda x: 2 * jnp.cos(x), (x_of(),), **QUICK)
    assert str(report).startswith("WRONG: x is 2 times too large")
