"""The design leaves no pair out; what is counted here is counted without it."""

import itertools
from typing import Any

import pytest

from pure_nn.named import ACTIVATIONS
from verify.cases import HOWS
from verify.covering import pairwise
from verify.networks import FACTORS, allowed, design

FREE: dict[str, tuple[Any, ...]] = {"a": (1, 2, 3), "b": (1, 2), "c": (None, "x", "y"), "d": (0,)}


def anything(row: dict[str, Any]) -> bool:
    return True


def not_one_with_x(row: dict[str, Any]) -> bool:
    return (row.get("a"), row.get("c")) != (1, "x")


def missing(rows: Any, factors: dict[str, Any], admitted: Any) -> list[Any]:
    return [
        ((f, v), (g, w))
        for f, g in itertools.combinations(factors, 2)
        for v, w in itertools.product(factors[f], factors[g])
        if admitted({f: v, g: w}) and not any(row[f] == v and row[g] == w for row in rows)
    ]


@pytest.mark.parametrize("admitted", [anything, not_one_with_x])
def test_every_admitted_pair_occurs(admitted: Any) -> None:
    rows = pairwise(FREE, admitted)
    assert not missing(rows, FREE, admitted)
    assert all(map(admitted, rows))
    assert all(list(row) == list(FREE) for row in rows)
    assert len(rows) <= 11  # the two largest factors have nine pairs


def test_a_missing_row_would_be_found() -> None:
    rows = pairwise(FREE, anything)
    assert any(missing(rows[:i] + rows[i + 1 :], FREE, anything) for i in range(len(rows)))


def test_the_same_rows_every_time() -> None:
    assert pairwise(FREE, anything) == pairwise(FREE, anything)


def test_networks() -> None:
    rows = design()
    assert not missing(rows, FACTORS, allowed)
    assert all(map(allowed, rows))
    assert {row["L"] for row in rows} == {1, 2, 5}
    assert {n for row in rows for n in (row["n_in"], row["n_hidden"], row["n_out"]) if n} >= {1, 64}
    assert {row["B"] for row in rows} >= {1, 33}
    assert {(row["dtype"], row["compiled"]) for row in rows} == set(HOWS)


def test_hidden_layers_take_the_activations_in_turn() -> None:
    rows = design()
    assert all(len(row["hidden"]) == row["L"] - 1 for row in rows)
    assert {g for row in rows for g in row["hidden"]} == set(ACTIVATIONS)
    assert not [row for row in rows if row["n_hidden"] == 1 and "softmax" in row["hidden"]]


def test_all_valid_pairs_of_activation_and_loss_occur() -> None:
    pairs = {("sigmoid", "binary_cross_entropy"), ("sigmoid", "cross_entropy")}
    pairs |= {("softmax", "binary_cross_entropy"), ("softmax", "cross_entropy")}
    pairs |= {(g, "squared_error") for g in ACTIVATIONS}
    assert {row["output"] for row in design()} == pairs
    assert len(pairs) == 10


@pytest.mark.parametrize(
    "row",
    [
        {"L": 1, "n_hidden": 64},
        {"L": 2, "n_hidden": None},
        {"output": ("softmax", "cross_entropy"), "n_out": 1},
    ],
    ids=str,
)
def test_what_cannot_be_or_has_no_gradient_is_left_out(row: dict[str, Any]) -> None:
    assert not allowed(row)


def test_of_rows_that_bring_as_much_the_cheap_one_is_taken() -> None:
    factors = {"a": (1, 2, 3, 4), "b": (1, 2, 3, 4), "c": (False, True)}
    dear, cheap = (pairwise(factors, anything, c) for c in (bool, lambda row: row["c"]))
    assert sum(row["c"] for row in cheap) >= sum(row["c"] for row in dear)
    assert 2 * sum(row["c"] for row in cheap) > len(cheap)
