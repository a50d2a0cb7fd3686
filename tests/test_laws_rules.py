"""The laws of a backward pass, and of the ways to run one: what is right passes, what is not is
found by the laws that it breaks."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import pure_nn
from pure_nn import dense
from verify.laws import check_laws, check_rule_laws, plan
from verify.report import Report

RNG = np.random.default_rng(0)
W, A, Z = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 5)), RNG.normal(size=(4, 5))
ZERO, LINEAR = plan.COTANGENT
PERMUTED, DUPLICATED, DIVIDED = plan.BATCH
JIT, VMAP = "jit = eager", "vmap = loop"
Rule = tuple[Callable[..., Any], Callable[..., Any]]


def broken(report: Report) -> set[str]:
    return {f.how.removeprefix("law: ") for f in report.findings if f.verdict != "ok"}


# rules of pure_nn


def of_dense() -> Rule:
    def forward(W: Any, b: Any, A: Any) -> Any:
        return dense.forward({"W": W, "b": b}, A), (W, b, A)

    def backward(residuals: Any, Δ: Any) -> Any:
        W, b, A = residuals
        sums = dense.sums(A, Δ)
        return sums["W"], sums["b"], dense.pull({"W": W, "b": b}, Δ)

    return forward, backward


def of_activation(g: pure_nn.Activation) -> Rule:
    def forward(Z: Any) -> Any:
        A = g.g(Z)
        return A, (Z, A)

    return forward, lambda residuals, dA: (g.pull(residuals[0], residuals[1], dA),)


RIGHT: dict[str, tuple[Rule, Any, tuple[int, ...], str]] = {
    "dense": (of_dense(), (W, W[:, :1], A), (2,), "float64"),
    "tanh": (of_activation(pure_nn.tanh()), (Z,), (0,), "float32"),
    "softmax": (of_activation(pure_nn.softmax()), (Z,), (0,), "bfloat16"),
}


def cast(tree: Any, dtype: str) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, jnp.dtype(dtype)), tree)


@pytest.mark.parametrize("name", RIGHT)
def test_right_rules_pass(name: str) -> None:
    rule, args, examples, dtype = RIGHT[name]
    report = check_rule_laws(*rule, cast(args, dtype), examples=examples)
    assert report.ok, str(report)
    assert report.dtype == dtype
    tried = {f.how.removeprefix("law: ") for f in report.findings}
    assert tried == {"two calls", "two calls, eagerly", JIT, VMAP, *plan.BATCH, *plan.COTANGENT}


# mistakes in a rule of NumPy: Z = WA, with the columns of A as examples


def times(W: Any, A: Any) -> Any:
    return np.matmul(W, A), (W, A)


def pulled(residuals: Any, Δ: Any) -> Any:
    W, A = residuals
    return np.matmul(Δ, A.T), np.matmul(W.T, Δ)


MISTAKES: dict[str, tuple[Callable[..., Any], set[str]]] = {
    "none": (pulled, set()),
    "not linear": (lambda res, Δ: pulled(res, Δ * np.abs(Δ)), {LINEAR}),
    "absolute value": (lambda res, Δ: pulled(res, np.abs(Δ)), {LINEAR}),
    "clipped": (lambda res, Δ: pulled(res, np.clip(Δ, -3, 3)), {LINEAR}),
    "a constant": (lambda res, Δ: pulled(res, Δ + 1e-9), {ZERO, LINEAR}),
    "the cotangent forgotten": (
        lambda res, Δ: pulled(res, np.ones_like(Δ)),
        {ZERO, LINEAR},
    ),
    "a mean": (lambda res, Δ: pulled(res, Δ / Δ.shape[1]), {DUPLICATED, DIVIDED}),
    "an example left out": (
        lambda res, Δ: pulled(res, Δ * (np.arange(Δ.shape[1]) > 0)),
        {PERMUTED, DUPLICATED, DIVIDED},
    ),
    "factor 2": (lambda res, Δ: pulled(res, 2 * Δ), set()),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_which_laws_find_it(mistake: str) -> None:
    backward, laws = MISTAKES[mistake]
    report = check_rule_laws(times, backward, (W, A), examples=(1,))
    assert broken(report) == laws
    assert report.notes[0].startswith("jit = eager, vmap = loop: not tried, a function of NumPy")


def test_no_batch_unless_it_is_said() -> None:
    report = check_rule_laws(times, pulled, (W, A))
    assert report.ok
    assert report.notes[1] == f"{', '.join(plan.BATCH)}: not tried, no argument holds examples"


def test_cotangents_have_the_names_of_the_arguments() -> None:
    report = check_rule_laws(times, pulled, (W, A), examples=(1,))
    assert {f.comparison.where for f in report.findings} == {"the arguments", "out", "W", "∂𝓛/∂A"}


def test_a_cotangent_is_missing() -> None:
    with pytest.raises(
        ValueError, match="backward: expected a gradient for each of 2 arguments, got 1"
    ):
        check_rule_laws(times, lambda res, Δ: pulled(res, Δ)[:1], (W, A))


def test_integers_have_no_cotangent() -> None:
    def forward(x: Any, labels: Any) -> Any:
        return np.take(x, labels), (x, labels)

    def backward(res: Any, c: Any) -> Any:
        dx = np.zeros_like(res[0])
        np.add.at(dx, res[1], c)
        return dx, None

    labels = np.array([1, 1, 2])
    assert check_rule_laws(forward, backward, (W[0], labels)).ok


# two ways to run it


def half_traced(x: Any) -> Any:
    """Another function while it is traced"""
    return 2 * x if isinstance(x, jax.core.Tracer) else 3 * x


@jax.custom_batching.custom_vmap
def mapped_wrongly(x: Any) -> Any:
    return x * x


@mapped_wrongly.def_vmap
def _mapped(axis_size: int, in_batched: Any, x: Any) -> Any:
    return x * x[:1], True


@jax.custom_batching.custom_vmap
def not_mapped(x: Any) -> Any:
    return x * x


@not_mapped.def_vmap
def _not_mapped(axis_size: int, in_batched: Any, x: Any) -> Any:
    raise NotImplementedError("no rule")


PROGRAMS: dict[str, tuple[Callable[..., Any], set[str]]] = {
    "right": (lambda x: x * x, set()),
    "another function while traced": (half_traced, {JIT}),
    "mapped wrongly": (mapped_wrongly, {VMAP}),
    "not mapped": (not_mapped, {VMAP}),
    "random": (lambda x: np.asarray(x) * np.random.default_rng().uniform(), {"two calls"}),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_ways_to_run(name: str) -> None:
    f, laws = PROGRAMS[name]
    args = (np.arange(1, 4, dtype="float32"),)
    assert broken(check_laws(f, args, has_value=False)) == laws
