"""The diagnosis: is it right, what is wrong first, and which mistake it is."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

from pure_nn.network import Network
from verify.mistakes import coherent, forwards, recipe, rounding
from verify.mistakes.forms import F64
from verify.mistakes.leaf import close, lower_precision
from verify.mistakes.problem import Problem, most
from verify.mistakes.recipe import Pass, backward
from verify.mistakes.search import explain
from verify.mistakes.state import Group
from verify.mistakes.told import better, localised, sentences

Verdict = Literal["ok", "inaccurate", "wrong"]
LEAST = 2.0**-44  # of what is taken for rounding, relative to the size of an array


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What was found: a sentence for each mistake, in the order of the computation.

    first    the first quantity that is wrong, as «Z[1]», «Δ[2]», «dW[1]»
    others   further explanations that predict the same numbers
    kinds    of each explanation, the kinds of its mistakes; of one mistake all that fit
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
        """Whether every mistake has a name"""
        return bool(self.kinds) and all("unknown" not in kinds for kinds in self.kinds[0])

    def __str__(self) -> str:
        first = [f"the first that is {self.verdict}: {self.first}"] if self.first else []
        others = [f"or, as the numbers would be the same: {'; '.join(o)}" for o in self.others]
        return "\n".join([*first, *self.names, *others, *self.notes] or ["ok"])


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
    found  what else the program computed: "J", and lists "Z", "A", "deltas" of layers 1 … L, in
           which None is what it did not keep
    dtype  in which it computed

    ValueError: as many gradients as layers are expected.
    """
    if not len(params) == len(grads) == len(net.activations):
        raise ValueError(
            f"diagnose: expected params and grads of {len(net.activations)} layers, as net has, "
            f"got {len(params)} and {len(grads)}"
        )
    with np.errstate(all="ignore"):
        unit = rounding.unit(dtype)
        right = recipe.forward(net, params, X, Y, l2, masks)
        got = _by_name(grads, found or {})
        problem = Problem(right, got, {}, unit, str(jnp.dtype(dtype)))
        c, before = forwards.check(right, found or {}, unit)
        if before and _judged(problem, []).verdict != "wrong":
            return _told([_as_saved(forwards.check(right, found or {}, unit, follow=False)[1])])
        return _judged(dataclasses.replace(problem, c=c), before)


def _as_saved(before: Sequence[Group]) -> tuple[Group, ...]:
    """Where all gradients come of the right Z and A"""
    end = "; but the gradients come of the right one"
    return tuple(
        tuple(dataclasses.replace(m, text=m.text + end * (m.where != "J")) for m in group)
        for group in before
    )


def l2_of(
    net: Network, params: Sequence[Mapping[str, Any]], X: Any, Y: Any, expected: Any, tol: float
) -> float | None:
    """λ of the cost that has the gradients `expected`; None where this network has none such.

    tol    the largest error of an entry, relative to the largest of its array
    """
    with np.errstate(all="ignore"):
        c = recipe.forward(net, params, X, Y)
        Δ = backward(c).Δ
        off = {l: np.asarray(expected[l - 1]["W"]) - c.W_sum(l, Δ[l]) for l in c.W}
        squares = sum(np.sum(W**2) for W in c.W.values())
        λ = float(sum(np.sum(off[l] * W) for l, W in c.W.items()) / (squares or 1.0))
        for l, W in c.W.items():
            for got, right in (
                (expected[l - 1]["W"], c.W_sum(l, Δ[l]) + λ * W),
                (expected[l - 1]["b"], c.b_sum(Δ[l])),
            ):
                if not close(np.asarray(got, np.float64), right, tol):
                    return None
        size = max(float(np.max(np.abs(c.W_sum(l, Δ[l])))) for l in c.W)
        return λ if λ * max(np.max(np.abs(W)) for W in c.W.values()) > 4 * tol * size else 0.0


def _in_lower_precision(problem: Problem, first: str) -> Diagnosis | None:
    """Where that explains all there is"""
    lower = lower_precision(problem.got.values(), problem.dtype)
    of_lower = dataclasses.replace(problem, unit=rounding.unit(lower or "float64"), dtype=lower)
    if not lower or _judged(of_lower, []).verdict == "wrong":
        return None
    text = f"all gradients are numbers of {lower}, and as near as that allows: they are computed"
    names = (f"{text} in a lower precision than {problem.dtype}",)
    return Diagnosis("wrong", first, names, kinds=((frozenset({"precision"}),),))


def _judged(problem: Problem, before: list[Group]) -> Diagnosis:
    c, run = problem.c, backward(problem.c)
    exact, textbook = (problem.allowed(run, textbook=textbook) for textbook in (False, True))
    problem = dataclasses.replace(problem, tol=_tolerances(problem, run.Δ, textbook))
    off, lost = (_off(problem, run.Δ, bound) for bound in (exact, textbook))
    name = max(off, key=lambda name: off[name])
    if off[name] <= 1:
        return _told([tuple(before)]) if before else Diagnosis("ok", notes=_invisible(c))
    if max(lost.values()) <= 1 and not before:
        text = f"{name} has the right equation and has lost digits: {off[name]:.2g} times its bound"
        return Diagnosis("inaccurate", name, (text, *better(c)))
    lower = _in_lower_precision(problem, next(name for name in off if off[name] > 1))
    return lower or _told([localised((*before, *groups), c.L) for groups in explain(problem)])


def _told(explanations: Sequence[tuple[Group, ...]]) -> Diagnosis:
    names, *others = list(dict.fromkeys(tuple(sentences(groups)) for groups in explanations))
    kinds = tuple(
        tuple(frozenset(m.kind for m in group) for group in groups) for groups in explanations
    )
    return Diagnosis("wrong", explanations[0][0][0].where, names, tuple(others), kinds)


def _by_name(grads: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> dict[str, F64]:
    named: dict[str, F64] = {}
    for l, Δ in enumerate(found.get("deltas") or (), 1):
        named |= {} if Δ is None else {f"Δ[{l}]": np.asarray(Δ, np.float64)}
    for l, layer in enumerate(grads, 1):
        named |= {f"d{name}[{l}]": np.asarray(layer[name], np.float64) for name in ("W", "b")}
    return named


def _tolerances(problem: Problem, Δ: Any, bound: Mapping[str, F64]) -> dict[str, float]:
    tolerances = {}
    for what, l in problem.order:
        size = np.max(np.abs(problem.right(what, l, Δ[l])), initial=0) or 1.0
        name = f"{what}[{l}]"
        tolerances[name] = float(np.clip(2 * np.max(bound[name]) / size, LEAST, most(problem.unit)))
    return tolerances


def _off(problem: Problem, Δ: Any, bound: Mapping[str, F64]) -> dict[str, float]:
    """How many bounds each array is off, in the order of the backward pass"""
    off = {}
    for what, l in problem.order:
        name, right = f"{what}[{l}]", problem.right(what, l, Δ[l])
        same = problem.got[name].shape == right.shape
        difference = np.abs(problem.got[name] - right) if same else np.array(np.inf)
        error = np.where(difference == 0, 0, difference / bound[name] if same else np.inf)
        off[name] = float(np.max(np.where(np.isnan(error), np.inf, error), initial=0))
    return off


def _invisible(c: Pass) -> tuple[str, ...]:
    """What these data could not have shown"""
    notes = []
    if c.B == 1:
        notes.append("B = 1: a missing or doubled 1/B cannot be seen, nor examples in wrong order")
    kinked = [l for l in c.Z if c.names[l] in coherent.KINKED]
    if kinked and not any(np.any(c.Z[l] == 0) for l in kinked):
        notes.append("no z is exactly 0: which g′(0) is taken cannot be seen")
    return tuple(notes)
