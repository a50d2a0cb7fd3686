"""The diagnosis: is it right, what is wrong first, and which mistake it is."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import DTypeLike

from pure_nn.network import Network
from verify.errors import unit_roundoff
from verify.mistakes import recipe, rounding
from verify.mistakes.forms import F64
from verify.mistakes.likeness import Leaf, Mistake, likenesses
from verify.mistakes.recipe import Pass, Run, backward
from verify.mistakes.search import Group, Problem, explain

Verdict = Literal["ok", "inaccurate", "wrong"]
LEAST, MOST = 2.0**-44, 0.02  # of what is taken for rounding, relative to the size of an array
BETTER = {
    "tanh": "1 − A² cancels where tanh saturates; 4/(E + 2 + 1/E) with E = exp(2|Z|) does not",
    "sigmoid": "A(1 − A) cancels where sigmoid saturates; e/(1 + e(2 + e)), e = exp(−|Z|) does not",
    "softmax": "A − Y cancels for a confident, right answer; sum the other classes instead",
}


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What was found: one sentence for each mistake, in backward order.

    `others` holds further explanations that predict the same numbers, `kinds` the kinds of the
    mistakes of all of them.
    """

    verdict: Verdict
    first: str = ""
    names: tuple[str, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()
    kinds: tuple[tuple[frozenset[str], ...], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.verdict == "ok"

    @property
    def known(self) -> bool:
        return bool(self.kinds) and all("unknown" not in kinds for kinds in self.kinds[0])

    def __str__(self) -> str:
        if self.verdict != "wrong":
            return "\n".join((f"{self.verdict}", *self.names, *self.notes))
        also = [f"or: {'; '.join(names)}" for names in self.others]
        return "\n".join((f"first wrong: {self.first}", *self.names, *also, *self.notes))


def diagnose(
    net: Network,
    params: Sequence[Mapping[str, Any]],
    X: Any,
    Y: Any,
    grads: Sequence[Mapping[str, Any]],
    *,
    l2: float = 0.0,
    masks: Mapping[int, Any] | None = None,
    found: Mapping[str, Any] | None = None,
    dtype: DTypeLike = "float64",
) -> Diagnosis:
    """Judges gradients that any program computed of this network, and names what is wrong.

    grads  a sequence of {"W", "b"} as the program gave them, of whatever shapes
    l2     λ of (λ/2) Σ‖W‖² in the cost
    masks  of dropout, by layer, each over its keep probability: A[ℓ] = g(Z[ℓ]) ∘ M[ℓ]
    found  what else the program computed: "J", and lists "Z", "A", "deltas" of layers 1 … L
    dtype  in which it computed
    """
    with np.errstate(all="ignore"):
        c = recipe.forward(net, params, X, Y, l2, masks)
        got = _by_name(grads, found or {})
        run, u = backward(c), unit_roundoff(dtype)
        exact, textbook = (_allowed(c, run, got, u, textbook) for textbook in (False, True))
        problem = Problem(c, got, {}, _lengths(c))
        problem = dataclasses.replace(problem, tol=_tolerances(problem, run.Δ, textbook))
        return _judged(problem, _worst(problem, run.Δ, exact), _worst(problem, run.Δ, textbook))


def _judged(problem: Problem, exact: tuple[str, float], textbook: tuple[str, float]) -> Diagnosis:
    if exact[1] <= 1:
        return Diagnosis("ok", notes=tuple(_invisible(problem)))
    if textbook[1] <= 1:
        reasons = dict.fromkeys(BETTER[n] for n in problem.c.names.values() if n in BETTER)
        lost = f"{exact[0]} has lost digits, {exact[1]:.2g} of the bound: the equation is right"
        return Diagnosis("inaccurate", exact[0], (lost, *reasons))
    return _named(explain(problem))


def _named(explanations: Sequence[tuple[Group, ...]]) -> Diagnosis:
    texts = list(dict.fromkeys(tuple(_sentences(groups)) for groups in explanations))
    kinds = tuple(tuple(_kinds(group) for group in groups) for groups in explanations)
    first = explanations[0][0][0].where if explanations and explanations[0] else ""
    names, *others = texts or [()]
    return Diagnosis("wrong", first, names, tuple(others), kinds)


def _kinds(group: Group) -> frozenset[str]:
    return frozenset(m.kind for m in group)


def _sentences(groups: Sequence[Group]) -> list[str]:
    """One for each mistake; where it is made in several places, after the first the places."""
    places: dict[frozenset[str], list[str]] = {}
    texts: dict[frozenset[str], str] = {}
    for group in groups:
        kinds = _kinds(group)
        texts.setdefault(kinds, ", or ".join(dict.fromkeys(m.text for m in group)))
        places.setdefault(kinds, []).append(group[0].where)
    return [
        text + (f" (the same in {', '.join(places[kinds][1:])})" if len(places[kinds]) > 1 else "")
        for kinds, text in texts.items()
    ]


def _by_name(grads: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> dict[str, F64]:
    named = {}
    for l, Δ in enumerate(found.get("deltas", ()), 1):
        named[f"Δ[{l}]"] = np.asarray(Δ, np.float64)
    for l, layer in enumerate(grads, 1):
        named |= {f"d{name}[{l}]": np.asarray(layer[name], np.float64) for name in ("W", "b")}
    return named


def _allowed(c: Pass, run: Run, got: Mapping[str, F64], u: float, textbook: bool) -> dict[str, F64]:
    spread = rounding.spreads(c, run.Δ, run.dA, u, textbook=textbook)
    right = {f"Δ[{l}]": Δ for l, Δ in run.Δ.items()}
    right |= {f"db[{l}]": c.b_sum(Δ) for l, Δ in run.Δ.items()}
    right |= {f"dW[{l}]": c.W_sum(l, Δ) for l, Δ in run.Δ.items()}
    return {name: rounding.allowed(spread[name], right[name], u) for name in got}


def _tolerances(problem: Problem, Δ: Any, bound: Mapping[str, F64]) -> dict[str, float]:
    tolerances = {}
    for what, l in problem.order:
        size = np.max(np.abs(problem.right(what, l, Δ[l])), initial=0) or 1.0
        name = f"{what}[{l}]"
        tolerances[name] = float(np.clip(2 * np.max(bound[name]) / size, LEAST, MOST))
    return tolerances


def _worst(problem: Problem, Δ: Any, bound: Mapping[str, F64]) -> tuple[str, float]:
    """The array that is the most bounds off, and by how many"""
    off = {}
    for what, l in problem.order:
        name, right = f"{what}[{l}]", problem.right(what, l, Δ[l])
        same = problem.got[name].shape == right.shape
        error = np.abs(problem.got[name] - right) / bound[name] if same else np.array(np.inf)
        off[name] = float(np.max(np.where(np.isnan(error), np.inf, error), initial=0))
    return max(off.items(), key=lambda item: item[1])


def _lengths(c: Pass) -> dict[str, int]:
    return {"B": c.B} | {f"n[{l}]": len(A) for l, A in c.A.items()}


def _invisible(problem: Problem) -> list[str]:
    """What these data could not have shown"""
    c = problem.c
    notes = []
    if c.B == 1:
        notes.append("B = 1: a missing or doubled 1/B cannot be seen, nor a batch in wrong order")
    if not any(np.any(c.Z[l] == 0) for l in c.Z if c.names[l] in ("relu", "leaky_relu")):
        kinked = [l for l in c.Z if c.names[l] in ("relu", "leaky_relu")]
        notes += ["no z is exactly 0: which g′(0) is taken cannot be seen"] if kinked else []
    return notes


def name_leaves(
    got: Mapping[str, F64],
    expected: Mapping[str, F64],
    values: Mapping[str, F64],
    bounds: Mapping[str, F64],
    lengths: Mapping[int, str],
) -> tuple[str, ...]:
    """Names what is wrong with arrays of which no network is known, leaf by leaf.

    values   the arguments that the gradients belong to
    bounds   how far rounding takes each entry
    lengths  what has how many entries, by which a factor is called
    """
    found: dict[str, list[Mistake]] = {}
    for name, right in expected.items():
        size = np.max(np.abs(right), initial=0) or 1.0
        tol = float(np.clip(4 * np.max(bounds[name], initial=0) / size, LEAST, MOST))
        factors = {what: n for n, what in lengths.items()}
        leaf = Leaf(name, np.asarray(got[name]), right, values.get(name), tol, factors)
        if not leaf.is_like(right):
            found[name] = likenesses(leaf) or _swapped(leaf, expected)
    return tuple(
        ", or ".join(dict.fromkeys(m.text for m in group)) for group in found.values() if group
    )


def _swapped(leaf: Leaf, expected: Mapping[str, F64]) -> list[Mistake]:
    return [
        Mistake("swapped", leaf.name, f"{leaf.name} is the gradient of {other}")
        for other, right in expected.items()
        if other != leaf.name and leaf.is_like(right)
    ]
