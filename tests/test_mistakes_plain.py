"""Mistakes in gradients of any structure, of which no network is known."""

from typing import Any

import numpy as np
import pytest

from verify.mistakes import name_leaves
from verify.mistakes.factors import describe
from verify.mistakes.leaf import lower_precision

RNG = np.random.default_rng(0)
RIGHT = {"w": RNG.normal(size=(4, 4)), "v": RNG.normal(size=(4, 1)), "u": RNG.normal(size=(4, 4))}
VALUES = {name: RNG.normal(size=x.shape) for name, x in RIGHT.items()}
BOUNDS = {name: np.full(x.shape, 1e-14) for name, x in RIGHT.items()}
LENGTHS = {32: "B"}


def told(**wrong: Any) -> tuple[str, ...]:
    return name_leaves({**RIGHT, **wrong}, RIGHT, VALUES, BOUNDS, LENGTHS)


def test_right_ones_have_no_name() -> None:
    assert told() == ()


w, v, u = RIGHT.values()
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "B": ({"w": 32 * w}, "w: is B = 32 times too large: the mean over the batch is missing"),
    "both": ({"w": -w, "v": -v}, "w, v: has the wrong sign"),
    "transposed": ({"w": w.T}, "w: is transposed"),
    "keepdims": ({"v": v[:, 0]}, "v: has lost an axis: its shape is (4,), not (4, 1)"),
    "swapped": ({"w": u}, "w: is the gradient of u"),
    "L2 missing": (
        {"w": w - 0.1 * VALUES["w"]},
        "w: is off by -0.1 w: an L2 term λw is missing, or has another λ",
    ),
    "zero": ({"v": 0 * v}, "v: is zero: it was left out"),
    "NaN": ({"v": np.full((4, 1), np.nan)}, "v: has 4 NaN or infinite entries"),
    "row": ({"w": w * (np.arange(4) != 2)[:, None]}, "w: is wrong in row 2 alone (zero there)"),
    "column": ({"w": w * (1 + (np.arange(4) == 1))}, "w: is wrong in column 1 alone"),
    "scalar": ({"v": np.full((4, 1), v.sum())}, "v: is the sum of all its entries"),
    "reversed": ({"w": w[::-1]}, "w: is in reverse order along its rows"),
    "float32": (
        {name: x.astype("float32").astype(float) for name, x in RIGHT.items()},
        "w, v, u: holds numbers of float32",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_named(what: str) -> None:
    wrong, text = WRONG[what]
    (name,) = told(**wrong)
    assert text in name


def test_numbers_of_the_claimed_precision_are_no_mistake() -> None:
    found = {**RIGHT, **WRONG["float32"][0]}
    float32, float64 = (
        name_leaves(found, RIGHT, VALUES, BOUNDS, LENGTHS, dtype)
        for dtype in ("float32", "float64")
    )
    assert float32 == ()
    assert "holds numbers of float32" in float64[0]


@pytest.mark.parametrize("numbers", [[0.5, 0.25, 0.0, -1, 3], [5.0, 7, -7, 3.5]])
def test_simple_numbers_say_nothing_of_their_precision(numbers: list[float]) -> None:
    assert lower_precision([np.array(numbers)], "float64") == ""
    assert lower_precision([np.array(numbers) + 1 / 32], "float64") == "bfloat16"


def test_unknown_ones_are_not_given_a_name() -> None:
    assert told(w=w * (1 + 0.01 * RNG.normal(size=w.shape))) == ()
    assert told(v=v * np.array([[1.0], [2.0], [0.5], [3.0]])) == ()


FACTORS = {
    32: "is B = 32 times too large: the mean over the batch is missing",
    1 / 32: "is B = 32 times too small: the mean is taken twice",
    -32: "has the wrong sign and is B = 32 times too large: the mean over the batch is missing",
    -1: "has the wrong sign",
    2: "is 2 times too large",
    0.5: "is ½ of what it should be",
    5: "is n[1] = 5 times too large",
    32 / 5: "is divided by n[1] = 5 where B = 32 belongs",
    32 / 31: "is divided by B − 1 = 31 where B = 32 belongs",
    64: "is 2B = 64 times too large",
    32**2: "is B² = 1024 times too large",
    5 / 7: "is 5/7 times what it should be, where 5 = n[1] and 7 = n[2]",
}


@pytest.mark.parametrize("θ", FACTORS)
def test_factors_have_names(θ: float) -> None:
    assert describe(float(θ), {"B": 32, "n[1]": 5, "n[2]": 7}, 1e-9) == (True, FACTORS[θ])


def test_other_factors_have_none() -> None:
    assert describe(1.23, {"B": 32}, 1e-9) == (False, "is 1.23 times what it should be")
    assert describe(2 + 1e-6, {"B": 32}, 1e-9)[0] is False
