"""Every oracle where it applies, with the reason where not; and oracles that disagree."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradients import by_hand, cost, in_numpy, numpy_cost, params_and_data, x_of

import verify
from verify.report import Oracle, Report

AUTOMATIC, MANY = "jax.grad in float64", "many digits"
DIFFERENCES, COMPLEX = "central differences", "complex step"


def used(report: Report) -> dict[str, Oracle]:
    return {oracle.name: oracle for oracle in report.oracles if oracle.compared}


def unused(report: Report) -> dict[str, str]:
    return {oracle.name: oracle.why for oracle in report.oracles if not oracle.compared}


def test_all_of_a_smooth_cost_in_jax() -> None:
    report = verify.check_gradient(cost, by_hand, params_and_data("float32"))
    names = [MANY, AUTOMATIC, "jax.grad in float32", DIFFERENCES, COMPLEX]
    assert list(used(report)) == names
    assert all(oracle.agrees for oracle in report.oracles)


EXACT = {MANY: 1e-30, AUTOMATIC: 1e-14, DIFFERENCES: 1e-8, COMPLEX: 1e-13}


@pytest.mark.parametrize("name", EXACT)
def test_how_exact_each_is(name: str) -> None:
    report = verify.check_gradient(cost, by_hand, params_and_data())
    assert used(report)[name].reference <= EXACT[name]
    assert used(report)[name].by_hand <= EXACT[name] + 1e-14


def test_every_coordinate_of_few_and_some_directions() -> None:
    report = verify.check_gradient(cost, by_hand, params_and_data())
    entries = 4 * 3 + 4 + 2 * 4 + 2
    assert used(report)[AUTOMATIC].compared == entries
    assert used(report)[DIFFERENCES].compared > entries + 2


def test_a_sample_of_many() -> None:
    def hand(x: Any) -> Any:
        return jnp.cos(x)

    report = verify.check_gradient(lambda x: jnp.sum(jnp.sin(x)), hand, (x_of((40, 50)),))
    assert report.ok, str(report)
    assert used(report)[AUTOMATIC].compared == 2000
    assert 10 < used(report)[DIFFERENCES].compared < 100


def test_numpy_is_judged_by_its_values() -> None:
    report = verify.check_gradient(numpy_cost, in_numpy, params_and_data())
    assert set(used(report)) == {MANY, DIFFERENCES, COMPLEX}
    assert unused(report)[AUTOMATIC].startswith("it is not written in JAX")


def test_one_wrong_entry_in_numpy() -> None:
    def wrong(params: Any, X: Any, Y: Any) -> Any:
        grads = in_numpy(params, X, Y)
        grads["W1"][2, 1] *= 1 + 1e-9
        return grads

    worst = verify.check_gradient(numpy_cost, wrong, params_and_data()).worst()
    assert worst is not None
    assert (worst.verdict, worst.comparison.where) == ("wrong", "params['W1']")
    assert worst.comparison.index == (2, 1)


REASONS: dict[str, tuple[Any, Any, str, str]] = {
    "abs is not analytic": (
        lambda x: jnp.sum(jnp.abs(x)),
        lambda x: jnp.sign(x),
        COMPLEX,
        "not analytic: it has abs",
    ),
    "NumPy's abs": (
        lambda x: np.sum(np.abs(x) ** 3),
        lambda x: 3 * x * np.abs(x),
        COMPLEX,
        "it casts complex numbers to real ones",
    ),
    "a real part": (
        lambda x: np.sum(np.exp(x).real),
        lambda x: np.exp(x),
        COMPLEX,
        "it casts complex numbers to real ones",
    ),
    "a cast to float64": (
        lambda x: np.sum(np.exp(np.asarray(x, float))),
        lambda x: np.exp(x),
        MANY,
        "central differences contradict it: the function rounds to float64 inside",
    ),
    "no form": (
        lambda x: jnp.sum(jax.scipy.special.i0(x)),
        lambda x: jax.scipy.special.i1(x),
        MANY,
        "it has no form for the primitive",
    ),
}


@pytest.mark.parametrize("what", REASONS)
def test_why_one_does_not_apply(what: str) -> None:
    function, hand, name, why = REASONS[what]
    report = verify.check_gradient(function, hand, (x_of(),))
    assert report.ok, str(report)
    assert why in unused(report)[name]


def test_pythons_if_on_values() -> None:
    def branches(x: Any) -> Any:
        return jnp.sum(x**2) if x[0, 0] > 0 else jnp.sum(x)

    report = verify.check_gradient(branches, lambda x: 2 * x, (x_of(),))
    assert report.ok, str(report)
    assert AUTOMATIC in used(report)
    assert not verify.check_gradient(branches, lambda x: 2.001 * x, (x_of(),)).ok


def test_a_cost_that_rounds_to_fewer_bits_is_no_sharper_than_these() -> None:
    def rounded(x: Any) -> Any:
        return jnp.sum(jnp.sin(x.astype("float32")) ** 2)

    def hand(x: Any) -> Any:
        return jnp.sin(2 * x)

    report = verify.check_gradient(rounded, hand, (x_of(),), oracles=("differences",))
    assert report.ok, str(report)
    assert not verify.check_gradient(rounded, lambda x: 1.001 * hand(x), (x_of(),)).ok


# oracles that disagree


@jax.custom_vjp
def sine(x: Any) -> Any:
    return jnp.sin(x)


sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, v: (1.01 * v * jnp.cos(x),))
LYING: dict[str, tuple[Any, Any, str]] = {
    "a wrong custom_vjp": (lambda x: jnp.sum(sine(x)), jnp.cos, "a custom_vjp inside"),
    "stop_gradient": (
        lambda x: jnp.sum(x * jax.lax.stop_gradient(x)),
        lambda x: 2 * x,
        "a stop_gradient inside",
    ),
}


@pytest.mark.parametrize("what", LYING)
def test_oracles_that_disagree_decide_nothing(what: str) -> None:
    function, right, inside = LYING[what]
    report = verify.check_gradient(function, right, (x_of(),))
    assert report.verdict == "undecided"
    assert str(report).startswith("UNDECIDED: the oracles disagree with one another")
    assert [o.name for o in report.oracles if not o.agrees] == [DIFFERENCES, COMPLEX]
    (note,) = report.notes
    assert inside in note
    assert "by hand agrees with: central differences, complex step" in note


@pytest.mark.parametrize("what", LYING)
def test_nor_does_agreeing_with_the_one_that_is_wrong(what: str) -> None:
    function, _, _ = LYING[what]
    report = verify.check_gradient(function, jax.grad(function), (x_of(),))
    assert report.verdict == "undecided"


def test_without_mpmath(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.derivatives.manydigits.MPContext", None)
    monkeypatch.setattr("verify.derivatives.manydigits.DIGITS", (61, 122))
    report = verify.check_gradient(cost, by_hand, params_and_data())
    assert report.ok
    assert "pip install 'pure_nn[verify]'" in unused(report)[MANY]
