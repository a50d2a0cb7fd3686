"""Which laws find which mistakes, and which mistakes no law can see."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from student import ACTIVATIONS, Student, arguments, cross_entropy, softmax

from verify.laws import check_laws, plan
from verify.report import Report

PERMUTED, DUPLICATED, DIVIDED = "a permuted batch", "a duplicated batch", "a divided batch"
BATCH = {PERMUTED, DUPLICATED, DIVIDED}
RELABELLED, SCALING = "relabelled units", "scaling of ReLU networks"
COLUMNS = "columns of Δ[L] sum to 0"


def sums(Δ: Any, A: Any, B: Any) -> Any:
    return {"W": Δ @ A.T / B, "b": np.sum(Δ, axis=1, keepdims=True) / B}


def elementwise(A: Any, Y: Any) -> Any:
    return (A - Y) * A * (1 - A)


def last_left_out(A: Any, Y: Any) -> Any:
    return (A - Y) * (np.arange(Y.shape[1]) < Y.shape[1] - 1)


# a mistake, and the laws that find it
MISTAKES: dict[str, tuple[Student, set[str]]] = {
    "none": (Student(), set()),
    "1/B missing": (Student(sums=lambda Δ, A: sums(Δ, A, 1)), {DUPLICATED, DIVIDED}),
    "1/B twice": (Student(sums=lambda Δ, A: sums(Δ, A, Δ.shape[1] ** 2)), {DUPLICATED, DIVIDED}),
    "1/B missing in J": (Student(cost=lambda A, Y: -np.sum(Y * np.log(A))), {DUPLICATED, DIVIDED}),
    "1/(B − 1)": (Student(sums=lambda Δ, A: sums(Δ, A, Δ.shape[1] - 1)), {DUPLICATED, DIVIDED}),
    "last example left out": (Student(delta=last_left_out), BATCH),
    "last example left out of J": (
        Student(cost=lambda A, Y: cross_entropy(A[:, :-1], Y[:, :-1])),
        BATCH,
    ),
    "the Y of another example": (
        Student(delta=lambda A, Y: A - np.roll(Y, 1, axis=1)),
        {PERMUTED, DIVIDED},
    ),
    "X less its mean over the batch": (
        Student(features=lambda X: X - X.mean(axis=1, keepdims=True)),
        {DIVIDED},
    ),
    "softmax over the examples": (
        Student(output=lambda Z: softmax(Z.T).T),
        {DUPLICATED, DIVIDED, COLUMNS},
    ),
    "softmax as if elementwise": (Student(delta=elementwise), {COLUMNS}),
    "a constant in Δ[L]": (Student(delta=lambda A, Y: A - Y + 0.01), {COLUMNS}),
    "a constant in the other Δ": (Student(pull=lambda W, Δ: W.T @ Δ + 0.01), {SCALING}),
    "W[2] not transposed": (
        Student(pull=lambda W, Δ: (W if W.shape == (5, 5) else W.T) @ Δ),
        {RELABELLED, SCALING},
    ),
    "units in reverse, forward and back": (
        Student(affine=lambda W, b, A: W @ A[::-1] + b, pull=lambda W, Δ: (W.T @ Δ)[::-1]),
        {RELABELLED, SCALING},
    ),
    "ReLU with its kink at 0.1": (
        Student(g=lambda Z: np.maximum(Z - 0.1, 0), slope=lambda Z: 1.0 * (Z > 0.1)),
        {SCALING},
    ),
    "b left out of the forward pass": (Student(affine=lambda W, b, A: W @ A), set()),
    "∂J/∂b is one number": (
        Student(sums=lambda Δ, A: sums(Δ, A, Δ.shape[1]) | {"b": np.full((len(Δ), 1), np.mean(Δ))}),
        {SCALING},
    ),
    "sign": (Student(delta=lambda A, Y: Y - A), set()),
    "twice as large": (Student(delta=lambda A, Y: 2 * (A - Y)), set()),
    "g′ left out": (Student(slope=np.ones_like), set()),
}


def broken(report: Report) -> set[str]:
    return {f.how.removeprefix("law: ") for f in report.findings if f.verdict != "ok"}


def laws_of(student: Student, **settings: Any) -> set[str]:
    settings |= {"activations": ACTIVATIONS, "seed": 0}
    return broken(check_laws(student.value_and_grad, arguments(), **settings))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_which_laws_find_it(mistake: str) -> None:
    student, laws = MISTAKES[mistake]
    assert laws_of(student) == laws


def test_every_law_of_a_gradient_finds_something() -> None:
    found = set().union(*(laws for _, laws in MISTAKES.values()))
    assert found == {*plan.BATCH, *plan.UNITS, plan.COLUMNS}


def test_a_sum_is_no_mean() -> None:
    sum_of_all = MISTAKES["1/B missing in J"][0]
    both = dataclasses.replace(sum_of_all, sums=lambda Δ, A: sums(Δ, A, 1))
    assert laws_of(both, reduction="sum") == set()
    assert laws_of(both) == laws_of(Student(), reduction="sum") == {DUPLICATED, DIVIDED}


GRADIENTS = "W[1], b[1], W[2], b[2], W[3], b[3]"
FACTORS: dict[str, tuple[Any, str]] = {
    "1/B missing": ("mean", f"the mean doubles in {GRADIENTS}: 1/B is missing, or this is a sum"),
    "1/B missing in J": ("mean", "the mean doubles in J: 1/B is missing, or this is a sum"),
    "1/B twice": ("mean", f"the mean is halved in {GRADIENTS}: 1/B is there twice"),
    "none": (
        "sum",
        f"the sum stays in J, {GRADIENTS}: 1/B does not belong in a sum, or this is a mean",
    ),
    "1/(B − 1)": ("mean", "a mean stays, and a sum doubles. Look for 1/B, and for an example"),
    "last example left out": ("mean", "a mean stays, and a sum doubles. Look for 1/B"),
}


@pytest.mark.parametrize("mistake", FACTORS)
def test_a_duplicated_batch_tells_factors(mistake: str) -> None:
    reduction, said = FACTORS[mistake]
    f = MISTAKES[mistake][0].value_and_grad
    report = check_laws(f, arguments(), reduction=reduction, seed=0)
    (sentence,) = (m for m in report.mistakes if m.startswith(DUPLICATED))
    assert said in sentence


# Ŷ and Δ, where there are functions for them


def seen_in(what: str, **functions: Any) -> set[str]:
    """The laws that Ŷ or Δ break beside a right gradient"""
    right = Student().value_and_grad
    report = check_laws(right, arguments(), activations=ACTIVATIONS, seed=0, **functions)
    wrong = [f for f in report.findings if f.verdict != "ok"]
    assert all(what in f.comparison.where for f in wrong)
    return broken(report)


FORWARD = {
    "none": set(),
    "X less its mean over the batch": {DIVIDED},
    "softmax over the examples": {DUPLICATED, DIVIDED},
    "units in reverse, forward and back": {RELABELLED, SCALING},
    "ReLU with its kink at 0.1": {SCALING},
}
DELTAS = {
    "none": set(),
    "last example left out": BATCH,
    "the Y of another example": {PERMUTED, DIVIDED},
    "softmax as if elementwise": {COLUMNS},
    "a constant in Δ[L]": {COLUMNS},
    "softmax over the examples": {DUPLICATED, DIVIDED, COLUMNS},
}


@pytest.mark.parametrize(("mistake", "laws"), FORWARD.items(), ids=FORWARD)
def test_the_forward_pass_is_checked(mistake: str, laws: set[str]) -> None:
    student = MISTAKES[mistake][0]
    assert seen_in("Ŷ", outputs=lambda params, X, Y: student.forward(params, X)[1][-1]) == laws


@pytest.mark.parametrize(("mistake", "laws"), DELTAS.items(), ids=DELTAS)
def test_deltas_are_checked(mistake: str, laws: set[str]) -> None:
    student = MISTAKES[mistake][0]
    assert seen_in("Δ[", deltas=student.deltas) == laws
    assert seen_in("Δ", deltas=lambda *args: student.deltas(*args)[-1]) == laws


def test_deltas_carry_no_mean() -> None:
    halved = Student(delta=lambda A, Y: (A - Y) / Y.shape[1])
    assert seen_in("Δ", deltas=halved.deltas) == {DUPLICATED, DIVIDED}
