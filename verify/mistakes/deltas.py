"""Mistakes in Δ[ℓ] = W[ℓ+1]ᵀΔ[ℓ+1] ∘ g′(Z[ℓ]), and the list of all slips."""

from collections.abc import Callable, Iterator

import numpy as np

from verify.mistakes.forms import F64
from verify.mistakes.outputs import of_output
from verify.mistakes.primes import of_prime
from verify.mistakes.recipe import Pass, Run, right
from verify.mistakes.slips import Delta, Slip, dA, through
from verify.mistakes.sums import TELLING


def slips(c: Pass, l: int) -> Iterator[Slip]:
    """All that is known to go wrong in Δ[ℓ]."""
    if l == c.L:
        yield from of_output(c)
    else:
        yield from _pulled(c, l)
        yield _updated(l)
    yield from of_prime(c, l)
    yield Slip("zero", f"Δ[{l}] is zero", _zero)
    yield Slip("factor", "Δ[{l}]", _zero, right)


def _zero(c: Pass, run: Run, l: int) -> F64:
    return np.zeros_like(c.Z[l])


COUNTS = 1e-3  # of the largest entry, where one matters
Pulled = Callable[[Pass, Run], F64]  # wrong ∂𝓛/∂A[ℓ], before mask and g′


def _pulled(c: Pass, l: int) -> Iterator[Slip]:
    for kind, text, h in (*_matrices(c, l), *_errors(c, l)):
        yield Slip(kind, f"Δ[{l}]: {text}", _through(h))
    if l in c.M:
        yield from _dropout(c, l)


def _through(h: Pulled) -> Delta:
    return lambda c, run, l: through(c, l, lambda: h(c, run))


def _matrices(c: Pass, l: int) -> Iterator[tuple[str, str, Pulled]]:
    """Something else than W[ℓ+1]ᵀ"""
    W, D = f"W[{l + 1}]", f"Δ[{l + 1}]"
    untransposed = f"{W} is not transposed: ∂𝓛/∂A[{l}] = {W}ᵀ{D}"
    yield "W not transposed", untransposed, lambda c, run: c.W[l + 1] @ run.Δ[l + 1]
    yield "W left out", f"{D} is not multiplied by {W}ᵀ", lambda c, run: run.Δ[l + 1]
    yield "|W|", f"|{W}| stands for {W}", lambda c, run: np.abs(c.W[l + 1]).T @ run.Δ[l + 1]
    signs = f"the signs of {W} stand for {W}"
    yield "|W|", signs, lambda c, run: np.sign(c.W[l + 1]).T @ run.Δ[l + 1]
    for k in c.W.keys() - {l + 1}:
        for how, transposed in (("", True), (", not transposed,", False)):
            text = f"W[{k}]{how} stands where {W}ᵀ belongs"
            yield "W of another layer", text, _with_matrix(k, l, transposed)


def _with_matrix(k: int, l: int, transposed: bool) -> Pulled:
    return lambda c, run: (c.W[k].T if transposed else c.W[k]) @ run.Δ[l + 1]


def _errors(c: Pass, l: int) -> Iterator[tuple[str, str, Pulled]]:
    """Something else than Δ[ℓ+1]"""
    D = f"Δ[{l + 1}]"
    text = f"∂𝓛/∂A[{l + 1}] is carried down where {D} belongs: its g′(Z[{l + 1}]) is missing"
    yield "∂𝓛/∂A for Δ", text, lambda c, run: c.W[l + 1].T @ dA(c, run, l + 1)
    for k in range(l + 2, c.L + 1):
        yield "Δ of another layer", f"Δ[{k}] is carried down where {D} belongs", _with_error(k, l)


def _with_error(k: int, l: int) -> Pulled:
    return lambda c, run: c.W[l + 1].T @ run.Δ[k]


def _updated(l: int) -> Slip:
    """W[ℓ+1] − η dW[ℓ+1], after a step of gradient descent; Δ is linear in η"""

    def stepped(c: Pass, run: Run, l: int) -> F64 | None:
        W = c.W[l + 1] - c.W_sum(l + 1, run.Δ[l + 1])
        return through(c, l, lambda: W.T @ run.Δ[l + 1])

    text = f"Δ[{l}]: W[{l + 1}] is used after its update, at rate {{θ:.6g}}, not before"
    return Slip("updated W", text, right, stepped, least=0.0, most=10.0)


def _dropout(c: Pass, l: int) -> Iterator[Slip]:
    scale = c.scale(l)
    said = f"scale 1/keep = {scale:.6g}"
    for kind, text, factor in (
        ("mask missing", "mask and scale are missing in the backward pass", 1.0),
        ("mask missing", "mask is missing in the backward pass", scale),
        ("scale missing", f"{said} is missing in the backward pass", c.M[l] / scale),
        ("scale twice", f"{said} is applied twice in the backward pass", c.M[l] * scale),
    ):
        yield Slip(kind, f"Δ[{l}]: dropout's {text}", _masked(factor))
    text = f"Δ[{l}]: dropout's mask is drawn anew in the backward pass"
    yield Slip("mask redrawn", text, _redrawn)


def _redrawn(c: Pass, run: Run, l: int) -> F64 | None:
    """As without mask, where so few entries count that another one may well keep them all"""
    Δ = _masked(c.scale(l))(c, run, l)
    assert Δ is not None
    there = np.abs(Δ) > COUNTS * np.max(np.abs(Δ))
    return Δ if np.sum(there) * np.log2(c.scale(l)) < TELLING else None


def _masked(factor: F64 | float) -> Delta:
    return lambda c, run, l: c.pull(l, c.W[l + 1].T @ run.Δ[l + 1] * factor)
