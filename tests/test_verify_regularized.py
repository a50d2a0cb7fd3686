"""Dropout and L2 have their rows in the proof, and each mistake in them is found."""

import dataclasses
import inspect
import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import pure_nn
from pure_nn import interop
from verify import regularized, rows, rules
from verify.cases import Case, How

COMPILED = How("float64", compiled=True)
FUNCTIONS = {name: f for name, f in vars(pure_nn).items() if name[0].islower() and callable(f)}
FUNCTIONS |= {"interop.cost": interop.cost}


def takes(name: str) -> set[str]:
    return set(inspect.signature(FUNCTIONS[name]).parameters)


def test_every_function_that_takes_masks_a_cache_or_l2_has_a_row() -> None:
    named = {name for names in regularized.REGULARIZED for name in re.findall(r"[a-z_.]+", names)}
    concerned = {name for name in FUNCTIONS if takes(name) & {"masks", "cache", "l2"}}
    assert {"forward", "backward", "cost", "interop.cost"} <= concerned
    assert concerned <= named
    assert "predict" not in named


def test_the_rows_are_part_of_the_proof() -> None:
    names = [row.case.name for row in rows.rows() if row.section == "Dropout and L2"]
    assert names == [rules.DROPOUT.name, *regularized.REGULARIZED]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rows_of_16_bits(dtype: str) -> None:
    operation, *_, recomputed, whole = regularized.all_regularized()
    for case in (operation, recomputed, whole):
        found = case.check(How(dtype, compiled=True))
        assert found.ok, str(found.ours)


def all_kept(by_hand: Any, *arrays: Any) -> Any:
    *others, D = arrays
    return by_hand(*others, tuple(jnp.ones_like(mask) for mask in D))


def another_mask(by_hand: Any, *arrays: Any) -> Any:
    *others, (D_0, *D) = arrays
    return by_hand(*others, (jnp.roll(D_0, 1), *D))


def decayed_biases(by_hand: Any, params: Any, *arrays: Any) -> Any:
    J, grads = by_hand(params, *arrays)
    layers = zip(grads, params, strict=True)
    decay = regularized.LAMBDA
    return J, tuple({**d, "b": d["b"] + decay * layer["b"]} for d, layer in layers)


def twice_the_decay(by_hand: Any, params: Any, *arrays: Any) -> Any:
    J, grads = by_hand(params, *arrays)
    layers = zip(grads, params, strict=True)
    decay = regularized.LAMBDA
    return J, tuple({**d, "W": d["W"] + decay * layer["W"]} for d, layer in layers)


def unscaled(by_hand: Any, D: Any, A: Any, dA: Any) -> Any:
    return jax.tree.map(lambda x: x * (1 - rules.SHARE), by_hand(D, A, dA))


def forward_alone(by_hand: Any, D: Any, A: Any, dA: Any) -> Any:
    return by_hand(D, A, dA)[0], dA / (1 - rules.SHARE)


OPERATION, PASSES, _, WHOLE, RECOMPUTED, INTEROP = regularized.all_regularized()
MISTAKES = [
    (OPERATION, unscaled),
    (OPERATION, forward_alone),
    (PASSES, all_kept),
    (PASSES, another_mask),
    (WHOLE, another_mask),
    (RECOMPUTED, another_mask),
    (WHOLE, decayed_biases),
    (WHOLE, twice_the_decay),
    (INTEROP, all_kept),
]


@pytest.mark.parametrize(
    ("case", "mistake"), MISTAKES, ids=[f"{c.name}-{f.__name__}" for c, f in MISTAKES]
)
def test_a_mistake_is_found(case: Case, mistake: Any) -> None:
    def by_hand(*arrays: Any) -> Any:
        return mistake(case.by_hand, *arrays)

    assert not dataclasses.replace(case, by_hand=by_hand).check(COMPILED).ok
