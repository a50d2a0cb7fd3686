"""A published number says itself how far ours may be from it."""

import numpy as np
import pytest

from experiments.published.table import Row, costs, text

# published, ours, within, difference, allowed, reproduced
ROWS = [
    ("0.693147", 0.6931474, None, 4e-7, 5.1e-7, True),
    ("0.693147", 0.6931476, None, 6e-7, 5.1e-7, False),
    ("0.468160", 0.46815951, None, -4.9e-7, 5.1e-7, True),
    ("72", 72.0, None, 0, 0.51, True),
    ("72", 74.0, None, 2, 0.51, False),
    ("0.6325140647912677", 0.6325140647912690, None, 1.3e-15, 6.3e-13, True),
    ("0.6325140647912677", 0.6325140647922677, None, 1e-12, 6.3e-13, False),
    ("2.919335883291695e-10", 2.919335883291695e-10, None, 0, 2.9e-22, True),
    ("2.919335883291695e-10", 2.919335883391695e-10, None, 1e-20, 2.9e-22, False),
    ("0.219454", 0.2194, 2e-4, -5.4e-5, 2e-4, True),
    ("0.219454", 0.2192, 2e-4, -2.54e-4, 2e-4, False),
    ("90.0–91.0", 90.5, None, 0, 0, True),
    ("90.0–91.0", 91.25, None, 0.25, 0, False),
    ("90.0–91.0", 89.75, None, -0.25, 0, False),
    ("< 2e-7", 1e-9, None, 0, 0, True),
    ("< 2e-7", 3e-7, None, 1e-7, 0, False),
    ("0.5", float("nan"), None, float("nan"), 0.051, False),
]


@pytest.mark.parametrize(
    ("published", "ours", "within", "difference", "allowed", "reproduced"),
    ROWS,
    ids=[f"{row[1]} for {row[0]}" for row in ROWS],
)
def test_a_row(
    published: str,
    ours: float,
    within: float | None,
    difference: float,
    allowed: float,
    reproduced: bool,
) -> None:
    row = Row("x", published, ours, within)
    assert row.difference == pytest.approx(difference, rel=0.2, abs=1e-24, nan_ok=True)
    assert row.allowed == pytest.approx(allowed, rel=0.02)
    assert row.reproduced is reproduced


def test_costs_that_were_not_reached_are_left_out() -> None:
    rows = costs("cost at ", np.array([0.5, 0.4, 0.3]), "0.5 0.3 0.2", 2)
    assert [(row.what, row.step, row.ours) for row in rows] == [
        ("cost at 0", 0, 0.5),
        ("cost at 2", 2, 0.3),
    ]


def test_what_is_printed() -> None:
    _, right, wrong, small = text(
        [Row("cost", "0.693147", 0.69314718), Row("accuracy", "72", 74.0), Row("x", "< 2e-7", 1e-9)]
    )
    assert right.split() == ["cost", "0.693147", "0.693147", "1.8e-07", "5.1e-07"]
    assert wrong.split() == ["accuracy", "72", "74", "2.0e+00", "5.1e-01", "NOT", "REPRODUCED"]
    assert small.split() == ["x", "<", "2e-7", "1.0e-09", "0.0e+00", "0.0e+00"]
