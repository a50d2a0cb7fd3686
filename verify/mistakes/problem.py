"""What is to be explained, and every known mistake in one Δ[ℓ] that may explain it."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from verify.mistakes import rounding, sums
from verify.mistakes.deltas import slips
from verify.mistakes.factors import EASY, ROUND, describe, is_round
from verify.mistakes.forms import F64
from verify.mistakes.leaf import Leaf, Mistake, equation
from verify.mistakes.likeness import several
from verify.mistakes.recipe import Pass, Run, backward
from verify.mistakes.rounding import Unit
from verify.mistakes.slips import Slip

IN_UNITS, MOST = (
    1e4,
    0.02,
)  # what is taken for rounding at most: beyond, too many mistakes would fit
INFERRED = 2.5  # the cost of a Δ[ℓ] that has no name but leaves no other choice


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """Gradients as they came, by name, and how far rounding takes each, relative to its size."""

    c: Pass
    got: Mapping[str, F64]
    tol: Mapping[str, float]
    unit: Unit
    dtype: str = "float64"

    @property
    def order(self) -> list[tuple[str, int]]:
        every = [(what, l) for l in range(self.c.L, 0, -1) for what in ("Δ", "db", "dW")]
        return [(what, l) for what, l in every if f"{what}[{l}]" in self.got]

    def right(self, what: str, l: int, Δ: F64) -> F64:
        if what == "Δ":
            return Δ
        return self.c.b_sum(Δ) if what == "db" else self.c.W_sum(l, Δ)

    def allowed(self, run: Run, *, textbook: bool = True) -> dict[str, F64]:
        """How far rounding may take each entry of what there is"""
        errors = rounding.errors(self.c, run.Δ, run.dA, self.unit, textbook=textbook)
        return {
            f"{what}[{l}]": rounding.allowed(
                errors[f"{what}[{l}]"], self.right(what, l, run.Δ[l]), self.unit
            )
            for what, l in self.order
        }

    def leaf(self, what: str, l: int, Δ: F64, allowed: Mapping[str, F64] | None = None) -> Leaf:
        name, c = f"{what}[{l}]", self.c
        value, right = {"db": c.b[l], "dW": c.W[l]}.get(what), self.right(what, l, Δ)
        tol = self.tol.get(name, 0.0)
        bound = tol * np.max(np.abs(right)) if allowed is None else allowed[name]
        entries = np.broadcast_to(np.asarray(bound), right.shape)
        return Leaf(name, self.got[name], right, entries, value, tol, c.lengths, c.l2, self.dtype)


def most(unit: Unit) -> float:
    """That rounding is taken for, relative to the size of an array"""
    return min(IN_UNITS * unit.u, MOST)


def scaled(problem: Problem) -> Mistake | None:
    """One factor on all there is, L2 terms too"""
    run = backward(problem.c)
    allowed = problem.allowed(run)
    leaves = [problem.leaf(what, l, run.Δ[l], allowed) for what, l in problem.order]
    if any(leaf.got.shape != leaf.right.shape for leaf in leaves):
        return None
    above = sum(np.sum(leaf.got * leaf.right) for leaf in leaves)
    θ = float(above / (sum(np.sum(leaf.right**2) for leaf in leaves) or 1.0))
    _, text = describe(θ, problem.c.lengths, 4 * max(problem.tol.values()))
    fits = all(leaf.is_times(θ) for leaf in leaves)
    if abs(θ - 1) > 1e-3 and fits and any(leaf.is_like(θ * leaf.right) for leaf in leaves):
        return Mistake(f"factor {text}", leaves[0].name, f"each gradient {text}{_page(text)}")
    return None


def made(problem: Problem, run: Run, l: int) -> Iterator[tuple[F64, Mistake]]:
    """Each known mistake in Δ[ℓ] and what it makes"""
    for slip in slips(problem.c, l):
        Δ = slip.delta(problem.c, run, l)
        if Δ is None or np.shape(Δ) != problem.c.Z[l].shape:
            continue
        if slip.toward is None:
            yield Δ, Mistake(slip.kind, f"Δ[{l}]", slip.text)
        else:
            yield from _fitted(problem, slip, Δ, slip.toward(problem.c, run, l), l)
    inferred = sums.inferred(problem.c, l, problem.got)
    if inferred is not None:
        yield inferred, Mistake("unknown", f"Δ[{l}]", unknown(f"Δ[{l}]"), INFERRED)


def unknown(name: str) -> str:
    return f"{name} is wrong in a way that is not in the catalogue"


def _fitted(
    problem: Problem, slip: Slip, Δ: F64, other: F64 | None, l: int
) -> Iterator[tuple[F64, Mistake]]:
    """Δ(θ) = Δ(0) + θ(Δ(1) − Δ(0)), θ by least squares on what it must give"""
    if other is None:
        return
    above, below, size = 0.0, 0.0, 0.0
    for what in ("Δ", "db", "dW"):
        got, zero = problem.got.get(f"{what}[{l}]"), problem.right(what, l, Δ)
        if got is not None and got.shape == zero.shape:
            change = problem.right(what, l, other) - zero
            above, below = above + np.sum((got - zero) * change), below + np.sum(change**2)
            size += np.sum(got**2)
    θ = float(above / below) if below else np.nan
    if not (1e-6 < abs(θ) < 1e6 and slip.least < θ < slip.most):
        return
    tol = 4 * problem.tol[f"dW[{l}]"] * max(1.0, float(np.sqrt(size / below)) / abs(θ))
    known, mistake = _of_fit(problem, slip, l, θ, tol)
    far = abs(θ - 1) > 100 * problem.tol[f"dW[{l}]"]
    if known or (far and several(other - Δ, max(100 * problem.tol[f"dW[{l}]"], 1e-6))):
        yield Δ + θ * (other - Δ), mistake


def _of_fit(problem: Problem, slip: Slip, l: int, θ: float, tol: float) -> tuple[bool, Mistake]:
    """Whether θ is no chance hit, and the mistake"""
    plain, simple = (is_round(θ, tol, least) for least in (ROUND, EASY))
    if slip.kind != "factor":
        text = slip.text.format(θ=θ)
        return plain, Mistake(slip.kind, f"Δ[{l}]", text, 1.0 if simple else 1.2)
    known, text = describe(θ, problem.c.lengths, tol)
    what = f"each gradient of layers {l} to 1" if l < problem.c.L else "each gradient"
    what = "each of dW[1] and db[1]" if l == 1 else what
    said = f"{what} {text}{_page(text)}"
    cost = 1.0 if known or simple else 1.5
    return known or plain, Mistake(f"factor {text}", f"Δ[{l}]", said, cost)


def _page(text: str) -> str:
    return equation("dW") if "mean" in text else ""
