"""The comparison that the proof rests on lets nothing pass, and says where."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from verify.bounds.roundoff import unit
from verify.errors import Comparison, compare, in_units, ulp, unit_roundoff, worst, worst_ulps

RIGHT = ({"W": np.array([[1.0, -2.0], [0.0, 3.0]]), "b": np.array([[0.5], [1e-9]])},)
U = unit_roundoff("float64")


def check(got: Any, expected: Any = RIGHT, dtype: str = "float64") -> Comparison:
    bounds = jax.tree.map(
        lambda y: 16 * unit_roundoff(dtype) * np.max(np.abs(y), initial=0), expected
    )
    return compare(got, expected, bounds, dtype)


def changed(name: str, x: Any) -> Any:
    return ({**RIGHT[0], name: x},)


def off(name: str, i: tuple[int, int], by: float) -> Any:
    x = RIGHT[0][name].copy()
    x[i] += by
    return changed(name, x)


def test_equal_is_ok() -> None:
    assert check(RIGHT).ok
    assert check(RIGHT).error == 0
    assert check(RIGHT).entries == 6


WRONG = {
    "sign": (changed("W", -RIGHT[0]["W"]), "W[1][1, 1]: got -3, expected 3"),
    "transpose": (changed("W", RIGHT[0]["W"].T), "W[1][0, 1]: got 0, expected -2"),
    "zeros": (changed("W", 0 * RIGHT[0]["W"]), "W[1][1, 1]: got 0, expected 3"),
    "NaN": (off("b", (1, 0), np.nan), "b[1][1, 0]: got nan, expected 1e-09"),
    "infinity": (off("b", (0, 0), np.inf), "b[1][0, 0]: got inf, expected 0.5"),
    "one entry": (off("W", (1, 0), 3.5 * 16 * U), "W[1][1, 0]: got"),
    "one small entry": (off("b", (1, 0), 17 * U), "b[1][1, 0]: got"),
    "shape": (changed("b", np.ones(2)), "b[1]: expected shape (2, 1), got (2,)"),
    "dtype": (changed("W", RIGHT[0]["W"].astype("float32")), "W[1]: expected dtype float64, got"),
    "a leaf less": (({"W": RIGHT[0]["W"]},), "tree: expected the structure"),
    "a list": (list(RIGHT), "tree: expected the structure"),
    "nothing": ((), "tree: expected the structure"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_is_found_and_named(what: str) -> None:
    got, message = WRONG[what]
    assert not check(got).ok
    assert message in str(check(got))


@pytest.mark.parametrize(
    "got", [off("W", (1, 0), 2.9 * 16 * U), off("b", (1, 0), 7 * U), off("W", (1, 1), 8 * U)]
)
def test_rounding_is_no_error(got: Any) -> None:
    assert check(got).ok
    assert 0 < check(got).error < 1


def test_a_reference_of_zeros_is_no_check() -> None:
    zeros = changed("b", np.zeros((2, 1)))
    assert str(check(zeros, zeros)) == "b[1]: the reference is all zeros: nothing is compared"
    assert not check(zeros, zeros).ok
    assert not check((), ()).ok
    assert not check(changed("b", np.ones((0, 1))), changed("b", np.ones((0, 1)))).ok


def test_references_that_are_not_finite_are_no_check() -> None:
    infinite = changed("W", np.full((2, 2), np.inf))
    assert not check(infinite, infinite).ok


def test_the_worst_counts_all_entries() -> None:
    one, two = check(RIGHT), check(off("W", (1, 1), 8 * U))
    assert worst([one, two, one]).error == two.error
    assert worst([one, two, one]).entries == 18
    assert not worst([two, check(off("b", (0, 0), np.nan)), one]).ok
    assert not worst([check(()), two]).ok


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ulps_are_the_spacing_of_numpy(dtype: str) -> None:
    x = np.array([1.0, 1.5, 2.0, 3.999, 1e-30, 1e30, -7.0], dtype)
    exact = (x.astype(np.float64), np.zeros(len(x)))
    np.testing.assert_array_equal(ulp(exact, dtype), np.spacing(np.abs(x)).astype(np.float64))
    upwards = np.nextafter(x, np.asarray(np.inf, dtype) * np.sign(x))
    np.testing.assert_array_equal(in_units(upwards, exact, ulp(exact, dtype)), 1)


def test_errors_count_the_part_below_float64() -> None:
    exact = (np.ones(3), np.array([0.0, 1e-17, -1e-17]))
    np.testing.assert_allclose(in_units(np.ones(3), exact, np.full(3, 1e-17)), [0, 1, 1])


def test_below_the_normal_numbers_the_unit_is_the_smallest_of_them() -> None:
    tiny = float(jnp.finfo("float32").smallest_normal)
    exact = (np.array([0.0, tiny / 2, -tiny / 4]), np.zeros(3))
    assert ulp(exact, "float32").tolist() == [tiny] * 3
    assert in_units(np.zeros(3), exact, ulp(exact, "float32")).tolist() == [0, 0.5, 0.25]


def test_nan_is_infinitely_far_off() -> None:
    assert in_units([np.nan], (np.ones(1), np.zeros(1)), np.ones(1)).tolist() == [np.inf]


def test_gamma() -> None:
    assert unit("float64").gamma(1) == pytest.approx(2.0**-53, rel=1e-15)
    assert unit("float32").gamma(2**23) == 1
    assert unit("bfloat16").gamma(256) == np.inf


DTYPES_OF_LEAVES = {"W": "float64", "b": "float32"}


def test_each_leaf_may_have_a_dtype_of_its_own() -> None:
    mixed = {"W": np.ones(2), "b": np.ones(2, np.float32)}
    assert compare(mixed, mixed, mixed, DTYPES_OF_LEAVES).ok
    assert not compare(mixed, mixed, mixed, "float64").ok


def test_the_worst_in_ulps_is_of_all_leaves() -> None:
    """Each in those of its largest entry; the sum of two trees is exact."""
    exact = {"W": np.array([1.0, 4.0]), "b": np.ones(1)}
    below = {"W": np.zeros(2), "b": np.zeros(1)}
    got = {"W": np.array([1 + 8 * U, 4.0]), "b": np.array([1 + 4 * U])}
    assert worst_ulps({**got, "b": np.ones(1)}, exact, below, "float64") == 1
    assert worst_ulps(got, exact, below, "float64") == 2
    assert worst_ulps(got, exact, {**below, "b": np.array([2 * U])}, "float64") == 1
    assert worst_ulps(got, exact, below, "float32") == 2.0**-28
