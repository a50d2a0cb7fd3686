"""The fewest mistakes that give the gradients at hand, looked for from the output down.

Backward order is Δ[ℓ] (where it is known), db[ℓ], dW[ℓ] for ℓ = L … 1. At the first array that the
recipe, with the mistakes found so far, does not give, each known mistake is made and kept if it
gives that array; what nothing gives is unknown, and the search goes on below it.
"""

import dataclasses
import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from verify.mistakes import sums
from verify.mistakes.deltas import slips
from verify.mistakes.factors import Lengths, describe
from verify.mistakes.forms import F64
from verify.mistakes.leaf import Leaf, Mistake, cheapest, equation
from verify.mistakes.likeness import likenesses
from verify.mistakes.recipe import Pass, Run, backward
from verify.mistakes.slips import Slip

Group = tuple[Mistake, ...]  # that cannot be told apart

LEAF, UNKNOWN, INFERRED = 0.01, 4.0, 3.0  # costs: of one leaf more, of what has no name
NODES = 300


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """Gradients as they came, by name, and how far rounding takes each, relative to its size."""

    c: Pass
    got: Mapping[str, F64]
    tol: Mapping[str, float]
    lengths: Lengths
    precision: str = ""

    @property
    def order(self) -> list[tuple[str, int]]:
        every = [(what, l) for l in range(self.c.L, 0, -1) for what in ("Δ", "db", "dW")]
        return [(what, l) for what, l in every if f"{what}[{l}]" in self.got]

    def right(self, what: str, l: int, Δ: F64) -> F64:
        if what == "Δ":
            return Δ
        return self.c.b_sum(Δ) if what == "db" else self.c.W_sum(l, Δ)

    def leaf(self, what: str, l: int, Δ: F64) -> Leaf:
        name, c = f"{what}[{l}]", self.c
        value = {"db": c.b[l], "dW": c.W[l]}.get(what)
        right = self.right(what, l, Δ)
        return Leaf(
            name, self.got[name], right, value, self.tol[name], self.lengths, c.l2, self.precision
        )


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """How far the gradients are explained, and by what."""

    i: int = 0
    deltas: Mapping[int, F64] = dataclasses.field(default_factory=dict)  # that mistakes have made
    groups: tuple[Group, ...] = ()

    @property
    def cost(self) -> float:
        """A mistake that is made in several places counts once."""
        kinds = {frozenset(m.kind for m in group): group[0].cost for group in self.groups}
        return sum(kinds.values()) + LEAF * len(self.groups)

    def run(self, c: Pass) -> Run:
        return backward(c, self.deltas)

    def with_group(self, group: Group, deltas: Mapping[int, F64] | None = None) -> "State":
        made = {**self.deltas, **(deltas or {})}
        return State(self.i + (deltas is None), made, (*self.groups, group))


def explain(problem: Problem) -> list[tuple[Group, ...]]:
    """All explanations of the least cost; an empty one where nothing is wrong."""
    count, heap = itertools.count(), [(0.0, 0, 0, State())]
    found: list[State] = []
    for _ in range(NODES):
        if not heap or (found and heap[0][0] > found[0].cost + LEAF / 2):
            break
        *_, state = heapq.heappop(heap)
        run = state.run(problem.c)
        state = _advanced(problem, state, run)
        if state.i == len(problem.order):
            found.append(state)
            continue
        for after in _next(problem, state, run):
            heapq.heappush(heap, (after.cost, -after.i, next(count), after))
    return [state.groups for state in found]


def _advanced(problem: Problem, state: State, run: Run) -> State:
    """Over all that is right"""
    i = state.i
    while i < len(problem.order):
        what, l = problem.order[i]
        leaf = problem.leaf(what, l, run.Δ[l])
        if not leaf.is_like(leaf.right):
            break
        i += 1
    return dataclasses.replace(state, i=i)


def _next(problem: Problem, state: State, run: Run) -> Iterator[State]:
    what, l = problem.order[state.i]
    leaf = problem.leaf(what, l, run.Δ[l])
    group = (*likenesses(leaf), *_in_sums(problem, leaf, run, what, l))
    if group:
        yield state.with_group(tuple(cheapest(group)))
    slipped = list(_slipped(problem, state, run, l)) if l not in state.deltas else []
    yield from slipped
    if not group and not slipped:
        yield from _twice(problem, state, run, l)
        yield state.with_group((Mistake("unknown", leaf.name, _unknown(leaf.name), UNKNOWN),))


def _in_sums(problem: Problem, leaf: Leaf, run: Run, what: str, l: int) -> Iterator[Mistake]:
    """Mistakes of this dW or db alone"""
    if what == "Δ":
        return
    known = {"dW": sums.of_W, "db": sums.of_b}[what](problem.c, run, l)
    for kind, text, array in known:
        if leaf.is_like(array):
            yield Mistake(kind, leaf.name, f"{leaf.name} {text}")
    counts = sums.counts(problem.c, run, l, problem.got.get(f"dW[{l}]"), problem.tol[f"dW[{l}]"])
    if counts is not None and leaf.is_like(problem.right(what, l, run.Δ[l] * counts)):
        text = sums.counted(counts)
        yield from [Mistake("examples", leaf.name, f"{leaf.name}: {text}", 1.2)] if text else []


def _slipped(problem: Problem, state: State, run: Run, l: int) -> Iterator[State]:
    """Every known mistake in Δ[ℓ] that gives what is at hand; equal Δs are one state."""
    what, _ = problem.order[state.i]
    groups: list[tuple[F64, list[Mistake]]] = []
    for Δ, mistake in _made(problem, run, l):
        if _fits(problem, what, l, Δ):
            same = next((g for Δ2, g in groups if np.allclose(Δ, Δ2, 1e-9, 0)), None)
            if same is None:
                groups.append((Δ, [mistake]))
            else:
                same.append(mistake)
    for Δ, mistakes in groups:
        yield state.with_group(tuple(cheapest(mistakes)), {l: Δ})


def _fits(problem: Problem, what: str, l: int, Δ: F64) -> bool:
    leaf = problem.leaf(what, l, Δ)
    return bool(leaf.is_like(leaf.right))


def _made(problem: Problem, run: Run, l: int) -> Iterator[tuple[F64, Mistake]]:
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
        yield inferred, Mistake("unknown", f"Δ[{l}]", _unknown(f"Δ[{l}]"), INFERRED)


def _unknown(name: str) -> str:
    return f"{name} is wrong in a way that is not in the catalogue"


def _fitted(
    problem: Problem, slip: Slip, Δ: F64, other: F64 | None, l: int
) -> Iterator[tuple[F64, Mistake]]:
    """Δ(θ) = Δ(0) + θ(Δ(1) − Δ(0)), θ by least squares on what it must give"""
    if other is None:
        return
    above, below = 0.0, 0.0
    for what in ("Δ", "db", "dW"):
        got, zero = problem.got.get(f"{what}[{l}]"), problem.right(what, l, Δ)
        if got is not None and got.shape == zero.shape:
            change = problem.right(what, l, other) - zero
            above, below = above + np.sum((got - zero) * change), below + np.sum(change**2)
    θ = float(above / below) if below else np.nan
    if np.isfinite(θ):
        yield Δ + θ * (other - Δ), _of_fit(problem, slip, l, θ)


def _of_fit(problem: Problem, slip: Slip, l: int, θ: float) -> Mistake:
    if slip.kind != "factor":
        return Mistake(slip.kind, f"Δ[{l}]", slip.text.format(θ=θ), 1.2)
    known, text = describe(θ, problem.lengths, 4 * problem.tol[f"dW[{l}]"])
    what = f"each gradient of layers {l} to 1" if l < problem.c.L else "each gradient"
    what = "each of dW[1] and db[1]" if l == 1 else what
    page = equation(f"dW[{l}]") if "mean" in text else ""
    return Mistake(f"factor {text}", f"Δ[{l}]", f"{what} {text}{page}", 1.0 if known else 1.5)


def _twice(problem: Problem, state: State, run: Run, l: int) -> Iterator[State]:
    """A mistake in Δ[ℓ], and another in the array that comes from it"""
    what, _ = problem.order[state.i]
    for Δ, mistake in _made(problem, run, l) if l not in state.deltas else ():
        second = likenesses(problem.leaf(what, l, Δ)) if mistake.cost <= 1 else []
        if second and second[0].cost <= 1:
            yield state.with_group((mistake,), {l: Δ}).with_group(tuple(second))


def localised(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Where db[ℓ] and dW[ℓ] are both wrong in an unknown way it is Δ[ℓ], and what is below follows."""
    unknown = [group[0].where for group in groups if group[0].kind == "unknown"]
    both = [w for w in unknown if w.startswith("db") and f"dW{w[2:]}" in unknown]
    if not both:
        return tuple(groups)
    l = both[0][2:]
    text = f"{_unknown(f'Δ{l}')}: what is above it is right, what is below it follows from it"
    first = next(i for i, group in enumerate(groups) if group[0].where == both[0])
    rest = tuple(group for group in groups[first:] if group[0].kind != "unknown")
    return (*groups[:first], (Mistake("unknown", f"Δ{l}", text, UNKNOWN),), *rest)
