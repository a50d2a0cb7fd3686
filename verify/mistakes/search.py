"""The fewest mistakes that give the gradients at hand, looked for from the output down.

Backward order is Δ[ℓ] (where it is known), db[ℓ], dW[ℓ] for ℓ = L … 1. At the first array that the
recipe, with the mistakes found so far, does not give, each known mistake is made and kept if it
gives that array; what nothing gives is unknown, and the search goes on below it.
"""

import dataclasses
import heapq
import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from verify.mistakes import sums
from verify.mistakes.deltas import Slip, slips
from verify.mistakes.factors import Factors, describe
from verify.mistakes.forms import F64
from verify.mistakes.likeness import Leaf, Mistake, likenesses
from verify.mistakes.recipe import Pass, Run, backward

Group = tuple[Mistake, ...]  # that cannot be told apart

LEAF, UNKNOWN, INFERRED = 0.01, 4.0, 3.0  # costs: of one leaf more, of what has no name
NODES = 300


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """The gradients as they came, by name, and how far rounding takes each, relative to its size."""

    c: Pass
    got: Mapping[str, F64]
    tol: Mapping[str, float]
    factors: Factors

    @property
    def order(self) -> list[tuple[str, int]]:
        every = [(what, l) for l in range(self.c.L, 0, -1) for what in ("Δ", "db", "dW")]
        return [(what, l) for what, l in every if f"{what}[{l}]" in self.got]

    def right(self, what: str, l: int, Δ: F64) -> F64:
        return {"Δ": lambda: Δ, "db": lambda: self.c.b_sum(Δ), "dW": lambda: self.c.W_sum(l, Δ)}[
            what
        ]()

    def leaf(self, what: str, l: int, Δ: F64) -> Leaf:
        name, c = f"{what}[{l}]", self.c
        value = {"db": c.b[l], "dW": c.W[l]}.get(what)
        right = self.right(what, l, Δ)
        return Leaf(name, self.got[name], right, value, self.tol[name], self.factors, c.l2)


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
        return backward(c, {l: lambda c, run, l, Δ=Δ: Δ for l, Δ in self.deltas.items()})

    def with_group(self, group: Group, deltas: Mapping[int, F64] | None = None) -> "State":
        made = {**self.deltas, **(deltas or {})}
        return State(self.i + (deltas is None), made, (*self.groups, group))


def explain(problem: Problem) -> list[tuple[Group, ...]]:
    """All explanations of the least cost; an empty one where nothing is wrong."""
    count, heap, found = itertools.count(), [(0.0, 0, 0, State())], []
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
    yield from _cheapest(state, group)
    slipped = list(_slipped(problem, state, run, l)) if l not in state.deltas else []
    yield from slipped
    if not group and not slipped:
        yield from _twice(problem, state, run, l)
        text = f"{leaf.name} is wrong in a way that is not in the catalogue"
        yield state.with_group((Mistake("unknown", leaf.name, text, UNKNOWN),))


def _cheapest(state: State, group: Group) -> Iterator[State]:
    if group:
        least = min(m.cost for m in group)
        yield state.with_group(tuple(m for m in group if m.cost == least))


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
    groups: list[tuple[F64, list[Mistake]]] = []
    for slip, Δ, mistake in _made(problem, run, l):
        if all(_fits(problem, what, l, Δ) for what in _of_layer(problem, state, l)):
            same = next((g for Δ2, g in groups if np.allclose(Δ, Δ2, 1e-9, 0)), None)
            if same is None:
                groups.append((Δ, [mistake]))
            else:
                same.append(mistake)
    for Δ, mistakes in groups:
        least = min(m.cost for m in mistakes)
        yield state.with_group(tuple(m for m in mistakes if m.cost == least), {l: Δ})


def _of_layer(problem: Problem, state: State, l: int) -> list[str]:
    """What is still to be explained in this layer, of which all or the first must fit"""
    return [what for what, k in problem.order[state.i :] if k == l][:1]


def _fits(problem: Problem, what: str, l: int, Δ: F64) -> bool:
    leaf = problem.leaf(what, l, Δ)
    return bool(leaf.is_like(leaf.right))


def _made(problem: Problem, run: Run, l: int) -> Iterator[tuple[Slip, F64, Mistake]]:
    """Each known mistake in Δ[ℓ] and what it makes"""
    for slip in slips(problem.c, l):
        Δ = slip.delta(problem.c, run, l)
        if Δ is None or np.shape(Δ) != problem.c.Z[l].shape:
            continue
        if not slip.fitted:
            yield slip, Δ, Mistake(slip.kind, f"Δ[{l}]", slip.text)
            continue
        θ, line = _fitted(problem, slip, run, l, Δ)
        if line is not None and np.isfinite(θ):
            yield slip, line, _of_fit(problem, slip, l, θ)
    inferred = sums.inferred(problem.c, l, problem.got)
    if inferred is not None:
        text = f"Δ[{l}] is wrong in a way that is not in the catalogue"
        yield (
            Slip("unknown", text, lambda *_: None),
            inferred,
            Mistake("unknown", f"Δ[{l}]", text, INFERRED),
        )


def _fitted(problem: Problem, slip: Slip, run: Run, l: int, Δ: F64) -> tuple[float, F64 | None]:
    """θ of Δ(θ) = Δ(0) + θ(Δ(1) − Δ(0)), by least squares on what it must give"""
    assert slip.toward is not None
    other = slip.toward(problem.c, run, l)
    if other is None:
        return 0.0, None
    above, below = 0.0, 0.0
    for what in ("Δ", "db", "dW"):
        got = problem.got.get(f"{what}[{l}]")
        zero = problem.right(what, l, Δ)
        if got is not None and got.shape == zero.shape:
            change = problem.right(what, l, other) - zero
            above, below = above + np.sum((got - zero) * change), below + np.sum(change**2)
    θ = float(above / below) if below else np.nan
    return θ, Δ + θ * (other - Δ)


def _of_fit(problem: Problem, slip: Slip, l: int, θ: float) -> Mistake:
    if slip.kind != "factor":
        return Mistake(slip.kind, f"Δ[{l}]", slip.text.format(θ=θ), 1.2)
    known, text = describe(θ, problem.factors, 4 * problem.tol[f"dW[{l}]"])
    what = "each gradient" if l == problem.c.L > 1 else f"each gradient of layers {l} to 1"
    what = f"each of dW[1] and db[1]" if l == 1 else what
    return Mistake(f"factor {text}", f"Δ[{l}]", f"{what} {text}", 1.0 if known else 1.5)


def _twice(problem: Problem, state: State, run: Run, l: int) -> Iterator[State]:
    """A mistake in Δ[ℓ], and another in the array that comes from it"""
    what, _ = problem.order[state.i]
    for _, Δ, mistake in _made(problem, run, l) if l not in state.deltas else ():
        second = likenesses(problem.leaf(what, l, Δ)) if mistake.cost <= 1 else []
        if second and second[0].cost <= 1:
            yield state.with_group((mistake,), {l: Δ}).with_group(tuple(second))
