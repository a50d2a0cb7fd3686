"""Examples that are not counted once in dW[ℓ] or db[ℓ]: which, and how often each."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from verify.mistakes.forms import F64
from verify.mistakes.leaf import Leaf, Mistake
from verify.mistakes.problem import Problem
from verify.mistakes.recipe import Pass, Run
from verify.mistakes.sums import MOST

MORE = 3  # equations than examples, so that counts do not fit anything
MOST_TIMES = 100  # that an example may count
NEAR = 1e-3  # to a whole number, as which it is tried first


def miscounted(problem: Problem, leaf: Leaf, run: Run, what: str, l: int) -> Iterator[Mistake]:
    single, many = one(problem.c, run, l, problem.got), _counts(problem, run, l)
    for cost, times in ((1.0, single), (1.2, many)):
        text = "" if times is None else counted(run.Δ[l], times)
        if times is not None and text and leaf.is_like(problem.right(what, l, run.Δ[l] * times)):
            yield Mistake("examples", leaf.name, f"{leaf.name}: {text}", cost)


def _counts(problem: Problem, run: Run, l: int) -> F64 | None:
    """How often each example is counted, by the first layer from ℓ down that tells"""
    each = (
        counts(problem.c, run, k, problem.got, problem.tol[f"dW[{k}]"]) for k in range(l, 0, -1)
    )
    return next((times for times in each if times is not None), None)


def counts(c: Pass, run: Run, l: int, found: Mapping[str, F64], tol: float) -> F64 | None:
    """How often each example is counted: got = (1/B) Σᵢ cᵢ δᵢaᵢᵀ + λW, solved for c."""
    Δ, A, got = run.Δ[l], c.A[l - 1], found.get(f"dW[{l}]")
    if got is None or got.shape != c.W[l].shape or not 1 < c.B <= MOST:
        return None
    gram = (Δ.T @ Δ) * (A.T @ A)
    alive = np.sum(np.any(Δ, axis=1)) * np.sum(np.any(A, axis=1))
    finite = np.all(np.isfinite(got)) and np.all(np.isfinite(gram))
    if not finite or alive < c.B + MORE or np.linalg.matrix_rank(gram, hermitian=True) < c.B:
        return None
    solved = np.linalg.solve(gram, np.sum(Δ * ((got - c.l2 * c.W[l]) * c.B @ A), axis=0))
    near, limit = np.abs(solved - np.round(solved)) <= NEAR, tol * np.max(np.abs(got))
    for times in (np.where(near, np.round(solved), solved), solved):
        if np.max(np.abs(c.W_sum(l, Δ * times) - got)) <= limit:
            return np.asarray(times)
    return None


def one(c: Pass, run: Run, l: int, found: Mapping[str, F64]) -> F64 | None:
    """Counts where one example is missing or counted twice: B(got − right) = θ δⱼãⱼᵀ, θ whole"""
    Δ, A, off = run.Δ[l], c.A[l - 1], np.ones((1, c.B))
    for name, right, below in (("dW", c.W_sum(l, Δ), A), ("db", c.b_sum(Δ), off)):
        got = found.get(f"{name}[{l}]")
        if got is None or got.shape != right.shape or not np.all(np.isfinite(got)):
            continue
        R = c.B * (got - right)
        terms = np.sum(Δ**2, axis=0) * np.sum(below**2, axis=0)
        along = np.sum(Δ * (R @ below), axis=0)
        θ = along / np.maximum(terms, 1e-300)
        whole = np.abs(np.abs(θ) - 1) <= 0.01
        j = int(np.argmax(np.where(whole, 2 * np.abs(along) - terms, -np.inf)))  # leaves the least
        if c.B > 1 and whole[j]:
            return np.where(np.arange(c.B) == j, 1 + np.round(θ[j]), 1.0)
    return None


def counted(Δ: F64, times: F64) -> str:
    """As in «example 3 is missing»; nothing where it is not plain, or half of them are off."""
    rounded = np.round(times, 3)
    usual = 1.0 if np.sum(rounded != 1) == 1 else float(np.median(rounded))
    odd = np.flatnonzero(np.abs(rounded - usual) > 1e-2 * max(abs(usual), 1))
    few = len(odd) == 1 or 0 < len(odd) < len(times) / 2
    if not few or not _is_plain(Δ, rounded, odd, usual):
        return ""
    told = {0.0: "is missing", -1.0: "counts with the wrong sign"}
    each = [f"example {i} {told.get(rounded[i], f'counts {rounded[i]:g} times')}" for i in odd[:5]]
    more = [f"{len(odd) - 5} more"] * (len(odd) > 5)
    rest = "" if usual == 1 else f"; the others count {usual:g} times"
    return " and ".join([", ".join(each), *more]) + rest


def _is_plain(Δ: F64, times: F64, odd: Any, usual: float) -> bool:
    """Whether they are counts: whole or half where the others are off too, and where Δ has one unit
    or as good as one, of which anything is some multiple of every example"""
    signed = np.all((times > -0.01) | (np.abs(times - np.round(times)) <= 1e-2))
    if not signed or usual <= 0 or np.max(np.abs(times)) > MOST_TIMES:
        return False
    halves = 2 * times[odd] / usual
    whole = np.all(np.abs(halves - np.round(halves)) <= 1e-2)
    return bool(whole or (usual == 1 and np.linalg.matrix_rank(Δ) > 1))
