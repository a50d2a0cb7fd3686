"""The contenders of the benchmark compute the same, each by what it is timed with."""

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any
from unittest.mock import Mock

import jax.numpy as jnp
import pytest

from experiments.benchmarks import counts, rounds
from experiments.benchmarks.contenders import (
    checkers,
    deep,
    epochs,
    floors,
    jax_steps,
    naive,
    peers,
)
from experiments.benchmarks.contenders.jax_steps import STEPS
from experiments.benchmarks.problem import Contender, Problem, Workload
from experiments.benchmarks.rounds import Measured

pytestmark = pytest.mark.slow

losses: Any = importlib.import_module("pure_nn.losses")  # `pure_nn.losses` is the function
TINY = Problem((5, 4, 3), 6)
NO_TORCH = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="no torch is installed")


def named(names: Iterable[str]) -> list[Any]:
    """Those of PyTorch where it is"""
    return [pytest.param(x, id=x, marks=[NO_TORCH] * ("PyTorch" in x)) for x in names]


def measured(problem: Problem, *contenders: Contender, **how: Any) -> Measured:
    """In three rounds of one call"""
    workload = Workload("w", problem, contenders, seconds=0.0, **how)
    return rounds.measure(workload, 3, lambda text: None)


# one step


PROBLEMS = {
    "relu": TINY,
    "tanh": Problem((5, 4, 4, 3), 6, hidden="tanh"),
    "sigmoid, float64": Problem((5, 4, 3), 6, hidden="sigmoid", dtype="float64"),
}
OTHERS = {c.name: c for c in (*STEPS[1:], *peers.PEERS)}
FLOORS = {c.name: c for c in (*floors.FLOORS, floors.OF_THE_PEAK)}


@pytest.mark.parametrize("which", PROBLEMS)
@pytest.mark.parametrize("name", named(OTHERS))
def test_a_step(name: str, which: str) -> None:
    found = measured(PROBLEMS[which], STEPS[0], OTHERS[name])
    assert name in found.timed, found.missing


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", named(FLOORS))
def test_products_alone(name: str, dtype: str) -> None:
    found = measured(Problem((5, 4, 3), 6, dtype=dtype), FLOORS[name])
    assert name in found.timed, found.missing


@pytest.mark.parametrize("name", ["NumPy", "scikit-learn"])
def test_bfloat16_is_not_for_numpy(name: str) -> None:
    found = measured(Problem((5, 4, 3), 6, dtype="bfloat16"), STEPS[0], OTHERS[name])
    assert found.missing == {
        name: "computes in NumPy, which has no products of bfloat16 in its BLAS"
    }


def test_naive_derivatives_take_the_same_step_where_nothing_saturates() -> None:
    assert len(measured(PROBLEMS["tanh"], *naive.ACCURATE_AND_NAIVE).timed) == 2


def test_the_products_of_a_step() -> None:
    """WA twice, WᵀΔ but of the first layer, ΔAᵀ twice"""
    assert TINY.products == [(4, 5, 6), (3, 4, 6), (4, 3, 6), (4, 6, 5), (3, 6, 4)]
    assert TINY.flops == 2 * 6 * (2 * 20 + 3 * 12)


# many steps, many layers


WHOLE = Problem((5, 4, 3), 18, 18)  # one batch, in whatever order
DEEP = Problem((5, *[4] * 9, 3), 6, hidden="tanh")
COMPARED = {
    **{f"epoch, {c.name}": (WHOLE, epochs.EPOCHS[0], c) for c in epochs.EPOCHS[1:]},
    **{
        f"steps, {c.name}": (Problem((5, 4, 3), 18, steps=3), epochs.FULL_BATCH[0], c)
        for c in epochs.FULL_BATCH[1:]
    },
    "epoch, beside a step": (WHOLE, STEPS[1], epochs.EPOCHS[0]),
    "stacked": (DEEP, STEPS[1], deep.DEEP[0]),
    "recomputed": (DEEP, STEPS[1], deep.RECOMPUTE[0]),
    "not recomputed": (DEEP, STEPS[1], deep.RECOMPUTE[1]),
}


@pytest.mark.parametrize("which", named(COMPARED))
def test_the_same_weights(which: str) -> None:
    problem, *two = COMPARED[which]
    found = measured(problem, *two)
    assert list(found.timed) == [c.name for c in two], found.missing


@pytest.mark.parametrize("which", named(c.name for c in checkers.CHECKERS))
def test_the_checkers_accept_the_gradient(which: str) -> None:
    (contender,) = (c for c in checkers.CHECKERS if c.name == which)
    found = measured(Problem((4, 3, 2), 6, dtype="float64"), contender)
    assert not found.missing


# what is counted, and what is traced


def test_recomputation_is_counted() -> None:
    found = measured(Problem((64, *[64] * 60, 10), 64), *deep.RECOMPUTE, counted=True).counts
    recomputed, kept = (found[c.name].temporary_bytes for c in deep.RECOMPUTE)
    assert recomputed < kept / 2


def test_residuals_are_what_is_not_given() -> None:
    """cos(wX), and not the X and w that a sum of sin(wX) needs as well"""

    def cost(w: Any, X: Any) -> Any:
        return jnp.sum(jnp.sin(w * jnp.sin(w * X)))

    n = 5
    assert counts.residuals(cost, jnp.ones(n), jnp.ones(n)) == 3 * 4 * n


def test_the_counts_of_a_step_are_those_of_its_program() -> None:
    found = measured(PROBLEMS["tanh"], *STEPS[:2], counted=True).counts
    ours, theirs = found.values()
    assert ours.transcendentals == theirs.transcendentals + 8 * 6
    assert ours.residual_bytes == (4 + 4 + 4 + 4 + 3) * 6 * 4  # Z, and A but of the last


TRACED = {"first": (jax_steps.TRACES, 2), "again": (jax_steps.TRACES_AGAIN, 0)}


@pytest.mark.parametrize("which", TRACED)
def test_tracing_begins_anew_unless_it_is_traced_again(
    which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as the loss and its Δ ask for the terms of the softmax"""
    (ours, _), times = TRACED[which]
    running = ours.start(TINY)
    running.call()
    terms = Mock(wraps=losses.softmax_terms)
    monkeypatch.setattr(losses, "softmax_terms", terms)
    (running.before or Mock())()
    running.call()
    assert terms.call_count == times
