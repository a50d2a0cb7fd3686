"""Every quantity has a row in the proof, whose bounds hold, and which finds what is wrong."""

import dataclasses
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pure_nn import quantities as q
from verify import definitions, quantities, rows
from verify.cases import Case, How

COMPILED, FLOAT32 = How("float64", compiled=True), How("float32", compiled=True)
CASES = list(quantities.all_quantities())
DRAWN = {"random_feedback", "sampled_delta"}  # which have tests of their own
FEW = [case for case in CASES if "gram" in case.name or "variance" in case.name]


def test_every_public_quantity_has_a_row() -> None:
    whole = (case.name.partition(":")[0] for case in CASES)  # what follows is the network
    named = {name for names in whole for name in re.findall(r"[a-z_]+", names)}
    public = {name for name, x in vars(q).items() if name[0].islower() and callable(x)}
    assert {"gram", "hessian_product"} <= public
    assert named == public - DRAWN


def test_the_rows_are_part_of_the_proof() -> None:
    found = [row.case.name for row in rows.rows() if row.section == "Quantities"]
    others = [f"{', '.join(quantities.BENDING)}: {net}" for net in definitions.OTHERS]
    assert found == [*quantities.QUANTITIES, *others]


@pytest.mark.parametrize("case", FEW, ids=lambda case: case.name.partition(",")[0])
def test_the_bounds_of_float32_hold_too(case: Case) -> None:
    found = case.check(FLOAT32)
    assert found.ok, str(found.ours)


def leaves_off(case: Case) -> list[int]:
    """The leaves of which one entry may be off by 1e-9 of it, and the row is right all the same"""
    arrays = case.arrays("float64")
    with jax.enable_x64(True):
        leaves, tree = jax.tree.flatten(jax.jit(case.by_hand)(*arrays))

    def right(i: int) -> bool:
        x = np.array(leaves[i])
        x.flat[np.argmax(np.abs(x))] *= 1 + 1e-9
        changed = [*leaves[:i], jnp.asarray(x, x.dtype), *leaves[i + 1 :]]
        got = jax.tree.unflatten(tree, changed)
        return dataclasses.replace(case, by_hand=lambda *_: got).check(How("float64", False)).ok

    with jax.enable_x64(True):
        return [i for i in range(len(leaves)) if right(i)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name[-40:])
def test_one_entry_that_is_off_would_be_found_in_every_leaf(case: Case) -> None:
    assert leaves_off(case) == []


def test_random_feedback_has_the_mean_and_variance_that_are_stated() -> None:
    """Within five standard errors, of both; another length is not"""
    sizes = (30, 40, 20)
    params = [
        {"W": jnp.zeros((n, m)), "b": jnp.zeros((n, 1))} for m, n in itertools.pairwise(sizes)
    ]
    for direct in (False, True):
        (F,) = q.random_feedback(jax.random.key(0), params, direct=direct)
        assert F.shape == (40, 20)
        assert abs(np.mean(F)) < 5 / np.sqrt(20 * F.size)
        assert abs(20 * np.var(F) - 1) < 5 * np.sqrt(2 / F.size)
        assert abs(40 * np.var(F) - 1) > 5 * np.sqrt(2 / F.size)
