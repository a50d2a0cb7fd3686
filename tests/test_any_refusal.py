"""What cannot be checked is refused, and what does not fit is told: expected, got, what to do."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradients import QUICK, x_of

import verify
from verify.checking.calls import CallFailed

X = x_of()


def total(x: Any) -> Any:
    return jnp.sum(jnp.sin(x))


class Tensor:
    """As another library has them"""

    shape, dtype = (), "tensor.float32"


REFUSED: dict[str, tuple[Any, Any, dict[str, Any], type[Exception], str]] = {
    "a list of arguments": (total, [X], {}, TypeError, r"got list of 1; .* write \(x,\)"),
    "one array": (total, X, {}, TypeError, r"expected the tuple of arguments .* got ndarray"),
    "no arguments": (total, (), {}, ValueError, "expected at least one argument"),
    "integers": (total, (np.arange(3),), {}, TypeError, "x: expected floating .* got int64; cast"),
    "one integer inside": (
        lambda p: total(p["W"]),
        ({"W": X, "n": np.arange(2)},),
        {},
        TypeError,
        r"p\['n'\]: expected floating numbers",
    ),
    "complex numbers": (total, (X + 1j,), {}, TypeError, "split a complex number into its real"),
    "80 bits": (total, (X.astype(np.longdouble),), {}, TypeError, "expected one of float64"),
    "an empty tree": (
        lambda p, x: total(x),
        ({}, X),
        {},
        ValueError,
        "nothing to differentiate: p",
    ),
    "no entries": (total, (X[:0],), {}, ValueError, "there is nothing to differentiate: x"),
    "argnums": (total, (X,), {"argnums": 1}, ValueError, "positions among the 1 arguments"),
    "argnums by name": (total, (X,), {"argnums": "x"}, TypeError, r"as 0 or \(0, 1\), got 'x'"),
    "complex cost": (
        lambda x: jax.lax.complex(total(x), total(x)),
        (X,),
        {},
        TypeError,
        "expected a real number, got .*complex128; return its real part",
    ),
    "complex cost in NumPy": (
        lambda x: np.sum(x) * 1j,
        (X,),
        {},
        TypeError,
        "expected a real number, got .*complex128",
    ),
    "masked": (total, (np.ma.masked_less(X, 0),), {}, TypeError, r"pass x.filled\(0\)"),
    "of others": (lambda p: total(p["W"]), ({"W": Tensor()},), {}, TypeError, r"p\['W'\].numpy"),
    "a value of others": (lambda x: Tensor(), (X,), {}, TypeError, r"got Tensor; return float"),
    "argnums twice": (
        lambda x, y: total(x),
        (X, X),
        {"argnums": (0, -2)},
        ValueError,
        "each argument once",
    ),
    "several outputs": (jnp.sin, (X,), {}, TypeError, r"got shape \(4, 3\).*sum or mean"),
    "a pair": (lambda x: (total(x), x), (X,), {}, TypeError, "got a pair; pass has_aux=True"),
    "no pair": (total, (X,), {"has_aux": True}, TypeError, r"expects \(cost, anything\), got"),
    "a list": (lambda x: [total(x)], (X,), {}, TypeError, "expected one number"),
    "an integer": (lambda x: jnp.sum(x > 0), (X,), {}, TypeError, "expected a floating number"),
    "NaN": (lambda x: total(x) * jnp.nan, (X,), {}, ValueError, r"got nan; look for log\(0\)"),
    "infinity": (lambda x: total(x) / 0.0, (X,), {}, ValueError, "expected a finite cost"),
    "NaN given": (total, (X * np.nan,), {}, ValueError, "got nan; x is not finite"),
    "an oracle": (total, (X,), {"oracles": ("magic",)}, ValueError, "many digits, got magic"),
    "a factor": (total, (X,), {"factor": 0}, ValueError, "expected a positive number, got 0"),
    "a bound": (total, (X,), {"bound": [1.0, 2.0]}, ValueError, "bound: expected a number, or"),
    "an option": (total, (X,), {"tolerance": 1}, TypeError, "expected options among factor, bound"),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    cost, args, options, error, match = REFUSED[what]
    with pytest.raises(error, match=match):
        verify.check_gradient(cost, jnp.cos, args, **options)


def undefined(x: Any) -> Any:
    raise KeyError("W3")


def writes(x: Any) -> Any:
    x[0] = 0
    return x


def test_an_error_of_the_hand_is_its_cause() -> None:
    with pytest.raises(
        CallFailed, match=r"undefined raised KeyError: 'W3' \(given x: ndarray"
    ) as e:
        verify.check_gradient(total, undefined, (X,))
    assert isinstance(e.value.__cause__, KeyError)
    with pytest.raises(CallFailed, match="undefined raised KeyError"):
        verify.check_gradient(undefined, jnp.cos, (X,))
    with pytest.raises(CallFailed, match="pass NumPy arrays as args"):
        verify.check_gradient(total, writes, (jnp.asarray(X, "float32"),))


def test_a_random_cost_is_refused() -> None:
    rng = np.random.default_rng(0)
    for cost in (total, lambda x: np.sum(np.sin(x))):
        with pytest.raises(ValueError, match="two calls with the same arguments differ"):
            verify.check_gradient(lambda x, f=cost: f(x) * rng.uniform(), jnp.cos, (X,))


def in_place(x: Any) -> Any:
    x *= 2
    return np.cos(x / 2)


RNG = np.random.default_rng(0)
MISFITS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "None": (lambda x: None, {}, "expected one array, got None; is a return missing?"),
    "text": (lambda x: "no", {}, "x: expected an array of shape (4, 3), got str"),
    "a value too": (lambda x: (total(x), jnp.cos(x)), {}, "pass has_value=True"),
    "no value": (jnp.cos, {"has_value": True}, "expected (value, gradient), as has_value=True"),
    "a tuple": (lambda x: (jnp.cos(x),), {}, "expected one array, the structure of the diff"),
    "flat": (lambda x: jnp.cos(x).ravel(), {}, "expected shape (4, 3), got (12,); write .reshape"),
    "fewer bits": (lambda x: np.cos(x).astype("float32"), {}, "expected dtype float64, that of"),
    "in place": (in_place, {}, "x: it is changed in place; work on a copy, as in x = x.copy()"),
    "random": (lambda x: np.cos(x) * RNG.uniform(1, 2), {}, "there is randomness inside"),
}


@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit_is_wrong(what: str) -> None:
    hand, options, said = MISFITS[what]
    report = verify.check_gradient(total, hand, (X,), **QUICK, **options)
    assert report.verdict == "wrong"
    assert said in str(report)


def test_names_of_a_dict_are_those_of_the_argument() -> None:
    report = verify.check_gradient(
        lambda p: total(p["W"]), lambda p: {"dW": jnp.cos(p["W"])}, ({"W": X},), **QUICK
    )
    assert "expected {'W': *}" in str(report)
    assert "got {'dW': *}; its keys are those of the arguments" in str(report)


# rules and vector-Jacobian products


def forward(x: Any) -> Any:
    return jnp.sin(x), x


def backward(x: Any, v: Any) -> Any:
    return (v * jnp.cos(x),)


RULES: dict[str, tuple[Any, Any, str]] = {
    "one cotangent alone": (lambda x, v: v * jnp.cos(x), "wrong", "a tuple of one cotangent per"),
    "one too many": (lambda x, v: (v, v), "wrong", "one cotangent per argument, 1 of them"),
    "another structure": (lambda x, v: ((v, v),), "wrong", "of the structure of its argument"),
    "None, which is zeros": (lambda x, v: (None,), "wrong", "x is zero"),
    "right": (backward, "ok", "every entry is right"),
}


@pytest.mark.parametrize("what", RULES)
def test_what_a_backward_pass_returns(what: str) -> None:
    back, verdict, said = RULES[what]
    report = verify.check_rule(forward, back, (X,), **QUICK)
    assert report.verdict == verdict
    assert said in str(report)


def test_refused_rules() -> None:
    with pytest.raises(TypeError, match=r"expected \(out, res\).*got"):
        verify.check_rule(jnp.sin, backward, (X,))
    with pytest.raises(TypeError, match="expected floating outputs, got bool"):
        verify.check_rule(lambda x: (x > 0, x), backward, (X,))
    with pytest.raises(TypeError, match="<lambda>: out: expected real numbers, got complex128"):
        verify.check_rule(lambda x: (np.exp(1j * x), x), backward, (X,))
    with pytest.raises(TypeError, match="out: expected an array of NumPy or JAX, got Tensor"):
        verify.check_rule(lambda x: (Tensor(), x), backward, (X,))
    with pytest.raises(ValueError, match="expected finite results, got out with NaN"):
        verify.check_rule(lambda x: (jnp.log(x), x), backward, (-abs(X),))
    with pytest.raises(ValueError, match="cotangents: expected two or more, got 1"):
        verify.check_rule(forward, backward, (X,), cotangents=[X])
    with pytest.raises(ValueError, match="cotangents: expected each of the structure and shapes"):
        verify.check_rule(forward, backward, (X,), cotangents=[X, X[0]])


@pytest.mark.usefixtures("as_installed")
def test_refused_vjps() -> None:
    with pytest.raises(TypeError, match="expected the tuple of arguments"):
        verify.check_vjp(jnp.sin, cast(Any, X))
    with pytest.raises(ValueError, match="there is nothing to differentiate"):
        verify.check_vjp(jax.nn.one_hot, (np.arange(3), 4))


# in place


def doubled(res: Any, v: Any) -> Any:
    v *= res
    return (v,)


def used_up(res: Any, v: Any) -> Any:
    res *= v
    return (res,)


def emptied(x: Any) -> Any:
    J = np.sum(np.sin(x))
    x *= 0
    return J


IN_PLACE = "changed in place; work on a copy, as in x = x.copy()"


def test_a_backward_pass_that_changes_what_it_is_given() -> None:
    def halves(x: Any) -> Any:
        return x**2 / 2, x.copy()

    report = verify.check_rule(halves, doubled, (X,))
    assert str(report).startswith(f"WRONG: the cotangent: it is {IN_PLACE}")
    compared = [x.comparison.error for x in report.findings if not x.comparison.fault]
    assert max(compared) <= 1
    report = verify.check_rule(halves, used_up, (X,))
    assert f"of res, what forward keeps for it, it is {IN_PLACE}" in str(report)
    assert verify.check_rule(halves, lambda res, v: (res * v,), (X,)).ok


def test_a_result_that_is_overwritten_by_the_next() -> None:
    out = np.zeros_like(X)
    assert verify.check_rule(
        lambda x: (2 * x, None), lambda _, v: (np.add(v, v, out=out),), (X,)
    ).ok


def test_a_function_that_changes_its_arguments_is_refused() -> None:
    given = X.copy()
    with pytest.raises(ValueError, match=r"emptied: x: it is changed in place; work on a copy"):
        verify.check_gradient(emptied, np.cos, (given,))
    with pytest.raises(ValueError, match=r"<lambda>: x: it is changed in place"):
        verify.check_rule(lambda x: (emptied(x), x), backward, (given,))
    assert np.array_equal(given, X)
