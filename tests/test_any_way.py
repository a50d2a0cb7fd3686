"""Eagerly, under jit and under vmap, each is checked by itself."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradients import QUICK, by_hand, changed, cost, params_and_data, x_of

import verify
from verify.report import Report


def wrong_ways(report: Report) -> set[str]:
    return {finding.how for finding in report.findings if finding.verdict == "wrong"}


def is_traced(x: Any) -> bool:
    return isinstance(x, jax.core.Tracer)


def total(x: Any) -> Any:
    return jnp.sum(jnp.sin(x))


@jax.custom_batching.custom_vmap
def cosine(x: Any) -> Any:
    return jnp.cos(x)


@cosine.def_vmap
def _batched(size: int, batched: Any, x: Any) -> Any:
    """The same for all: what a wrong batching rule gives"""
    return jnp.broadcast_to(jnp.cos(x[0]), x.shape), True


WAYS: dict[str, tuple[Any, set[str]]] = {
    "all": (lambda x: 2 * jnp.cos(x), {"eager", "jit", "vmap"}),
    "traced": (lambda x: (1 + is_traced(x)) * jnp.cos(x), {"jit", "vmap"}),
    "eager": (lambda x: (2 - is_traced(x)) * jnp.cos(x), {"eager"}),
    "vmap": (cosine, {"vmap"}),
    "none": (jnp.cos, set()),
}


@pytest.mark.parametrize("what", WAYS)
def test_each_way_is_checked(what: str) -> None:
    hand, ways = WAYS[what]
    report = verify.check_gradient(total, hand, (x_of(dtype="float32"),), **QUICK)
    assert wrong_ways(report) == ways


def test_what_cannot_be_traced_is_called_eagerly_alone() -> None:
    def hand(x: Any) -> Any:
        return jnp.cos(x) if x[0, 0] > -100 else x

    report = verify.check_gradient(total, hand, (x_of(),), **QUICK)
    assert report.ok
    assert {finding.how for finding in report.findings} == {"eager"}
    assert len(report.notes) == 2
    assert report.notes[0].startswith("not checked under jit: it raises TracerBoolConversionError")
    assert report.notes[1].startswith("not checked under vmap")


def test_a_global_that_changed_is_traced_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for factor in (1.0, 3.0):
        monkeypatch.setattr("test_any_way.FACTOR", factor)
        report = verify.check_gradient(scaled, scaled_by_hand, (x_of(),), **QUICK)
        assert report.ok, str(report)
        assert {finding.how for finding in report.findings} == {"eager", "jit", "vmap"}


FACTOR = 1.0


def scaled(x: Any) -> Any:
    return FACTOR * total(x)


def scaled_by_hand(x: Any) -> Any:
    return FACTOR * jnp.cos(x)


def test_a_global_of_the_hand_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verify.check_gradient(total, scaled_by_hand, (x_of(),), **QUICK).ok
    monkeypatch.setattr("test_any_way.FACTOR", 2.0)
    report = verify.check_gradient(total, scaled_by_hand, (x_of(),), **QUICK)
    assert "eager" in wrong_ways(report)


def test_equal_checks_compile_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("this is compiled again")

    monkeypatch.setattr("verify.derivatives.kept.MOST", 10**6)  # whatever was checked before
    verify.check_gradient(cost, by_hand, params_and_data("float32", 1))
    monkeypatch.setattr("jax._src.compiler.backend_compile_and_load", refuse)
    for seed in range(2, 5):
        assert verify.check_gradient(cost, by_hand, params_and_data("float32", seed)).ok
    with pytest.raises(AssertionError, match="compiled again"):
        verify.check_gradient(lambda *args: cost(*args), by_hand, params_and_data("float32", 1))


def test_the_seed_repeats_a_check() -> None:
    wrong, args = changed("W1", lambda x: 2 * x), params_and_data()
    first, again, other = (
        verify.check_gradient(cost, wrong, args, seed=seed) for seed in (7, 7, 8)
    )
    assert str(first) == str(again)
    assert first.to_json() == again.to_json()
    assert str(first) != str(other)
    assert str(first).endswith("seed=7 repeats this.")


def test_seeds_are_fresh() -> None:
    seeds = {verify.check_gradient(total, jnp.cos, (x_of(),), **QUICK).seed for _ in range(3)}
    assert len(seeds) == 3


def test_numpy_arrays_are_handed_over_as_copies() -> None:
    given: list[Any] = []

    def hand(x: Any) -> Any:
        given.append(x)
        return np.cos(x)

    x = x_of()
    assert verify.check_gradient(total, hand, (x,), **QUICK).ok
    assert all(isinstance(copy, np.ndarray) and copy is not x for copy in given)
