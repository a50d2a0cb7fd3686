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
from verify.mistakes.counts import miscounted
from verify.mistakes.forms import F64
from verify.mistakes.leaf import Leaf, Mistake, cheapest
from verify.mistakes.likeness import likenesses, several
from verify.mistakes.problem import Problem, made, most, scaled, unknown
from verify.mistakes.recipe import Run, backward
from verify.mistakes.state import LEAF, UNKNOWN, Group, State

NODES = 300


def explain(problem: Problem) -> list[tuple[Group, ...]]:
    """All explanations of the least cost; an empty one where nothing is wrong."""
    found = _searched(problem)
    least = min((state.cost for state in found), default=np.inf)
    everywhere = scaled(problem) if least > 1 + LEAF else None
    return [((everywhere,),)] if everywhere else [state.groups for state in found]


def _searched(problem: Problem) -> list[State]:
    count, heap = itertools.count(), [(0.0, 0, 0, State())]
    found: list[State] = []
    for _ in range(NODES):
        if not heap or (found and heap[0][0] > found[0].cost + LEAF / 2):
            break
        *_, state = heapq.heappop(heap)
        run = backward(problem.c, state.deltas)
        state, leaf = _advanced(problem, state, run)
        if leaf is None:
            found.append(state)
            continue
        for after in _next(problem, state, run, leaf):
            heapq.heappush(heap, (after.cost, -after.i, next(count), after))
    return found


def _advanced(problem: Problem, state: State, run: Run) -> tuple[State, Leaf | None]:
    """Over all that is right, to the first that is not"""
    allowed = problem.allowed(run)
    for i in range(state.i, len(problem.order)):
        what, l = problem.order[i]
        leaf = problem.leaf(what, l, run.Δ[l], allowed)
        near = state.deltas and leaf.is_near  # of a mistake whose own rounding is not known
        if not (leaf.is_right or near):
            return dataclasses.replace(state, i=i), leaf
    return state, None


def _next(problem: Problem, state: State, run: Run, leaf: Leaf) -> Iterator[State]:
    what, l = problem.order[state.i]
    near = leaf.is_near  # so that anything fits
    group = (*likenesses(leaf), *_in_sums(problem, leaf, run, what, l))
    if group:
        yield state.with_group(tuple(cheapest(group)))
    slipped = [] if l in state.deltas else list(_slipped(problem, state, run, leaf, l))
    yield from slipped
    if not group and not slipped and not near:
        yield from _twice(problem, state, run, l)
    if not group or slipped or state.is_unknown(f"db[{l}]"):
        yield state.with_group((Mistake("unknown", leaf.name, unknown(leaf.name), UNKNOWN),))


def _in_sums(problem: Problem, leaf: Leaf, run: Run, what: str, l: int) -> Iterator[Mistake]:
    """Mistakes of this dW or db alone"""
    if what == "Δ":
        return
    known = {"dW": sums.of_W, "db": sums.of_b}[what](problem.c, run, l)
    for kind, text, array, size in known:
        one = kind == "one scalar"
        if (leaf.is_constant or not one) and leaf.is_like(array, size * (leaf.lost if one else 1)):
            yield Mistake(kind, leaf.name, f"{leaf.name} {text}")
    yield from miscounted(problem, leaf, run, what, l)


def _slipped(problem: Problem, state: State, run: Run, leaf: Leaf, l: int) -> Iterator[State]:
    """Every known mistake in Δ[ℓ] that gives what is at hand; equal Δs are one state."""
    groups: list[tuple[F64, list[Mistake]]] = []
    for Δ, mistake in made(problem, run, l):
        if _explains(problem, state, leaf, l, Δ, mistake):
            same = next((g for Δ2, g in groups if np.allclose(Δ, Δ2, 1e-9, 0)), None)
            if same is None:
                groups.append((Δ, [mistake]))
            else:
                same.append(mistake)
    for Δ, mistakes in groups:
        yield state.with_group(tuple(cheapest(mistakes)), {l: Δ})
        if leaf.name.startswith("Δ"):
            yield state.with_group(tuple(_as_saved(m) for m in cheapest(mistakes)))


def _as_saved(mistake: Mistake) -> Mistake:
    text = f"{mistake.text}; but db and dW come of the right one"
    return dataclasses.replace(mistake, text=text, cost=mistake.cost + LEAF)


def _explains(problem: Problem, state: State, leaf: Leaf, l: int, Δ: F64, mistake: Mistake) -> bool:
    """Whether Δ[ℓ] gives this leaf, and those above it in the layer, as they came"""
    above = [(what, k) for what, k in problem.order[: state.i] if k == l]
    if above and mistake.kind == "unknown":
        return False  # what is right of this layer shows that its Δ is
    what = problem.order[state.i][0]
    if not leaf.is_near and leaf.is_like(problem.right(what, l, Δ)):
        return all(_fits(problem, name, l, Δ) for name, _ in above)
    exact = leaf.is_near or leaf.tol >= most(problem.unit)
    return exact and bool(np.all(np.isfinite(Δ))) and _exactly(problem, state, leaf, l, Δ, above)


def _exactly(
    problem: Problem, state: State, leaf: Leaf, l: int, Δ: F64, above: Sequence[tuple[str, int]]
) -> bool:
    """The same entry by entry, and not as good as zero, where rounding is large beside most"""
    what, _ = problem.order[state.i]
    if not np.any(Δ) or not leaf.is_far(problem.right(what, l, Δ)):
        return False  # zeros are to be zeros
    allowed = problem.allowed(backward(problem.c, {**state.deltas, l: Δ}))
    array = problem.right(what, l, Δ)
    zero = dataclasses.replace(leaf, right=np.zeros_like(array), allowed=allowed[leaf.name])
    if not (leaf.is_far(array, allowed[leaf.name]) and zero.is_far(array)):
        return False
    return all(
        problem.leaf(name, l, Δ, allowed).is_right for name, _ in (*above, problem.order[state.i])
    )


def _fits(problem: Problem, what: str, l: int, Δ: F64) -> bool:
    return problem.leaf(what, l, Δ).is_near


def _is_same(problem: Problem, run: Run, l: int, Δ: F64, allowed: Mapping[str, F64]) -> bool:
    """Whether a Δ[ℓ] gives what the right one gives, as far as rounding tells"""
    pairs = {
        f"{what}[{l}]": (problem.right(what, l, Δ), problem.right(what, l, run.Δ[l]))
        for what, k in problem.order
        if k == l
    }
    return all(bool(np.all(np.abs(a - b) <= allowed[name])) for name, (a, b) in pairs.items())


def _twice(problem: Problem, state: State, run: Run, l: int) -> Iterator[State]:
    """A mistake in Δ[ℓ], and another in the array that comes from it"""
    what, _ = problem.order[state.i]
    above = [name for name, k in problem.order[: state.i] if k == l]
    allowed = problem.allowed(run)
    for Δ, mistake in made(problem, run, l) if l not in state.deltas else ():
        if (
            _is_same(problem, run, l, Δ, allowed)
            or mistake.cost > 1
            or not all(_fits(problem, name, l, Δ) for name in above)
        ):
            continue
        beside = problem.leaf(what, l, Δ)
        second = likenesses(beside)
        if second and second[0].cost <= 1 and _tells(beside, second[0]):
            both = state.with_group((mistake,), {l: Δ}).with_group(tuple(second))
            yield dataclasses.replace(both, i=state.i + 1)


def _tells(leaf: Leaf, mistake: Mistake) -> bool:
    """Whether it is more than the factor that any few numbers have"""
    if not mistake.kind.startswith("factor"):
        return True
    named = "times what it should be" not in mistake.kind
    return named and several(leaf.right, 100 * leaf.tol)
