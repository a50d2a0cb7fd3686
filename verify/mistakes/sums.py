"""Mistakes in one dW[ℓ] or db[ℓ], made of a right Δ[ℓ]: each is the array that it gives."""

from collections.abc import Iterator, Mapping

import numpy as np

from verify.mistakes.forms import F64
from verify.mistakes.recipe import Pass, Run
from verify.mistakes.slips import dA

TELLING = 8  # bits, of a coincidence that is none
MOST = 512  # examples, for systems of as many equations

# the kind, what «dW[ℓ]» or «db[ℓ]» does, the array, and the size of terms in it that may cancel
Wrong = tuple[str, str, F64, float]


def of_W(c: Pass, run: Run, l: int) -> Iterator[Wrong]:
    Δ, D, A = run.Δ[l], f"Δ[{l}]", f"A[{l - 1}]"
    for name, other in _activations(c):
        if name != A and (other.shape == c.A[l - 1].shape or not c.l2):
            yield "A of another place", f"uses {name} where {A} belongs", c.W_sum(l, Δ, other), 0.0
    yield from _misaligned(c, Δ, l)
    for text, chosen, times in _some(c.B):
        yield "examples", text, c.W_sum(l, Δ * chosen * times), 0.0
    for name, other in _errors(c, run, l):
        yield "another Δ", f"uses {name} where {D} belongs", c.W_sum(l, other), 0.0
    mean = np.sum(Δ, axis=1, keepdims=True) @ np.sum(c.A[l - 1], axis=1, keepdims=True).T
    for what, times in (("B", 1 / c.B), ("B²", 1 / c.B**2)):
        summed = f"sums {D} and {A} over the examples before the product, divided by {what}"
        yield "sum before the product", summed, mean * times + c.l2 * c.W[l], 0.0
    if c.l2:
        yield from _other_l2(c, Δ @ c.A[l - 1].T / c.B, l)


def _misaligned(c: Pass, Δ: F64, l: int) -> Iterator[Wrong]:
    for by, which in ((1, "before"), (-1, "after")):
        text = f"multiplies Δ[{l}] of each example by A[{l - 1}] of the one {which} it"
        yield "A misaligned", text, c.W_sum(l, Δ, np.roll(c.A[l - 1], by, axis=1)), 0.0


def _some(B: int) -> Iterator[tuple[str, F64, float]]:
    """The examples that alone are counted, and what is then called the mean"""
    at, half = np.arange(B, dtype=np.float64), B // 2
    parts = {"first example": at < 1, "last example": at >= B - 1}
    parts |= {"first half of the examples": at < half, "last half of the examples": at >= B - half}
    for what, chosen in parts.items() if B > 2 else ():
        n = int(np.sum(chosen))
        if n < B:
            times = chosen.astype(np.float64)
            yield f"is that of the {what} alone, over B", times, 1.0
            yield f"is that of the {what} alone, over {n}", times, B / n


def _other_l2(c: Pass, once: F64, l: int) -> Iterator[Wrong]:
    yield "L2 missing", f"has no L2 term λW[{l}], λ = {c.l2:g}", once, 0.0
    for what, times in (("λ/B", 1 / c.B), ("λB", c.B), ("2λ", 2), ("−λ", -1)):
        text = f"has the L2 term {what} W[{l}] where λW[{l}] belongs"
        kind = "L2 doubled" if times == 2 else "L2 factor"
        yield kind, text, once + times * c.l2 * c.W[l], 0.0


def of_b(c: Pass, run: Run, l: int) -> Iterator[Wrong]:
    Δ, D, B = run.Δ[l], f"Δ[{l}]", c.B
    for name, other in _errors(c, run, l):
        yield "another Δ", f"uses {name} where {D} belongs", c.b_sum(other), 0.0
    for text, chosen, times in _some(B):
        array = c.b_sum(Δ * chosen * times)
        yield "examples", text, array, 0.0
        if np.sum(chosen) == 1 and _fits_any(Δ):
            text = f"takes one example in each unit of {D}, as the median or the largest would"
            yield "picked", text, array, 0.0
    yield from _over_units(Δ, D, B)
    for how, array in (("", Δ), ("/B", Δ / B)):
        yield "sum missing", f"is {D}{how} itself: the sum over the examples is missing", array, 0.0
    yield from _one_number(Δ, D, B)
    dW = c.W_sum(l, Δ)
    rows, size = np.sum(dW, axis=1, keepdims=True), np.max(np.sum(np.abs(dW), axis=1))
    yield "sum of dW", f"sums the rows of dW[{l}] in place of those of {D}", rows, float(size)
    if c.l2:
        yield "L2 on b", f"has an L2 term λb[{l}], which b has not", c.b_sum(Δ) + c.l2 * c.b[l], 0.0


def _fits_any(Δ: F64) -> bool:
    """Whether units are so few, or so alike, that they may well choose the same example"""
    n, B = Δ.shape
    few = n * np.log2(B) < TELLING
    return bool(few or np.linalg.matrix_rank(Δ) * np.log2(B) < TELLING)


def _over_units(Δ: F64, D: str, B: int) -> Iterator[Wrong]:
    units, size = np.sum(Δ, axis=0, keepdims=True), float(np.max(np.sum(np.abs(Δ), axis=0)))
    text = f"sums {D}{{}} over the units, not over the examples"
    for how, n in (("", 1), (f"/{B}", B), ("/n", len(Δ))):
        for array in (units / n, units[0] / n, units.T / n):
            yield "wrong axis", text.format(how), array, size / n


def _one_number(Δ: F64, D: str, B: int) -> Iterator[Wrong]:
    for what, n in (("Σ", 1), ("(1/B) Σ", B), ("the mean of", Δ.size)):
        text = f"is one number, {what} all of {D}: sum over the examples alone, axis 1"
        for shape in ((len(Δ), 1), (1, 1), ()) if len(Δ) > 1 else ():
            size = float(np.sum(np.abs(Δ))) / n
            yield "one scalar", text, np.full(shape, np.sum(Δ) / n), size


def _activations(c: Pass) -> Iterator[tuple[str, F64]]:
    yield from ((f"A[{k}]", A) for k, A in c.A.items())
    yield from ((f"Z[{k}]", Z) for k, Z in c.Z.items())
    yield from ((f"A[{k}] before dropout", c.G[k]) for k in c.M)


def _errors(c: Pass, run: Run, l: int) -> Iterator[tuple[str, F64]]:
    """What has the shape of Δ[ℓ]"""
    yield f"∂𝓛/∂A[{l}] (g′ left out here)", dA(c, run, l)
    yield from ((f"Δ[{k}]", Δ) for k, Δ in run.Δ.items() if k != l and Δ.shape == run.Δ[l].shape)
    yield f"Δ[{l}] ∘ g′(Z[{l}])", run.Δ[l] * c.prime[l]


def inferred(c: Pass, l: int, found: Mapping[str, F64]) -> F64 | None:
    """Δ[ℓ], where dW[ℓ] and db[ℓ] leave no other: (1/B) Δ [A; 1]ᵀ = [dW − λW, db]"""
    W, b = found.get(f"dW[{l}]"), found.get(f"db[{l}]")
    if c.B > MOST or W is None or b is None or W.shape != c.W[l].shape or b.shape != c.b[l].shape:
        return None
    A = np.vstack([c.A[l - 1], np.ones((1, c.B))])
    sums = np.hstack([W - c.l2 * c.W[l], b])
    if (
        not (np.all(np.isfinite(sums)) and np.all(np.isfinite(A)))
        or len(A) < c.B
        or np.linalg.matrix_rank(A) < c.B
    ):
        return None
    Δ: F64 = c.B * sums @ np.linalg.pinv(A).T
    return Δ
