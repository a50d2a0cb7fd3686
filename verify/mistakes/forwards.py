"""Mistakes in the forward pass of a program that gives its Z, A or J, each from what came before.

What follows is judged by the program's own Z and A, so that one mistake is told once.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from verify.mistakes import forms, rounding
from verify.mistakes.forms import F64
from verify.mistakes.leaf import Leaf, Mistake, cheapest
from verify.mistakes.likeness import likenesses
from verify.mistakes.recipe import Pass
from verify.mistakes.rounding import Unit

Group = tuple[Mistake, ...]
Known = tuple[str, str, Any]  # the kind, what to say, and the array that it gives


def check(
    c: Pass, found: Mapping[str, Any], unit: Unit, *, follow: bool = True
) -> tuple[Pass, list[Group]]:
    """The pass with what the program found in it, and what is wrong there, in forward order.

    follow  whether each is judged by what the program found before it, or by what is right
    """
    spreads = dict(zip("ZA", rounding.forward(c, unit), strict=True))
    wrong: list[Group] = []
    for l in range(1, c.L + 1):
        for what, right, known in (("Z", _Z, _wrong_Z), ("A", _A, _wrong_A)):
            given = found.get(what)
            if given is None or given[l - 1] is None:
                c = _with(c, what, l, right(c, l))
                continue
            spread = np.sqrt(spreads[what][l])
            leaf = _leaf(c, f"{what}[{l}]", given[l - 1], right(c, l), spread, unit)
            if not leaf.is_right:
                wrong.append(_named(leaf, known(c, l)))
            same = follow and leaf.got.shape == leaf.right.shape
            c = _with(c, what, l, leaf.got if same else leaf.right)
    return c, wrong + _cost(c, found, unit)


def _leaf(c: Pass, name: str, got: Any, right: F64, spread: F64, unit: Unit) -> Leaf:
    size = float(np.max(np.abs(right), initial=0)) or 1.0
    allowed = rounding.allowed(np.asarray(rounding.SIGMAS * spread), right, unit)
    tol = float(np.max(allowed)) / size
    return Leaf(name, np.asarray(got, np.float64), right, allowed, None, tol, c.lengths)


def _named(leaf: Leaf, known: Iterator[Known]) -> Group:
    fits = [
        Mistake(kind, leaf.name, f"{leaf.name} {text}")
        for kind, text, array in known
        if leaf.is_like(array)
    ]
    unknown = f"{leaf.name} is wrong in a way that is not in the catalogue"
    found = [*fits, *likenesses(leaf)] or [Mistake("unknown", leaf.name, unknown)]
    return tuple(cheapest(found))


def _with(c: Pass, what: str, l: int, array: F64) -> Pass:
    if what == "Z":
        return dataclasses.replace(c, Z={**c.Z, l: array})
    G = {**c.G, l: c.G[l] if l in c.M else array}
    return dataclasses.replace(c, A={**c.A, l: array}, G=G)


def _Z(c: Pass, l: int) -> F64:
    return c.W[l] @ c.A[l - 1] + c.b[l]


def _A(c: Pass, l: int) -> F64:
    return forms.g(c.net.activations[l - 1], c.Z[l]) * c.M.get(l, 1.0)


def _wrong_Z(c: Pass, l: int) -> Iterator[Known]:
    WA, b = c.W[l] @ c.A[l - 1], c.b[l]
    yield "b left out", f"is W[{l}]A[{l - 1}]: b[{l}] is not added", WA
    yield "b left out", f"has b[{l}] subtracted, not added", WA - b
    for k, Z in c.Z.items():
        if k < l and Z.shape == c.A[l - 1].shape:
            yield "Z for A", f"uses Z[{k}] where A[{l - 1}] belongs", c.W[l] @ Z + b
    for k, A in c.A.items():
        if k < l - 1 and A.shape == c.A[l - 1].shape:
            yield "A of another place", f"uses A[{k}] where A[{l - 1}] belongs", c.W[l] @ A + b
    if c.W[l].shape[0] == c.W[l].shape[1]:
        yield "W transposed", f"uses W[{l}]ᵀ where W[{l}] belongs", c.W[l].T @ c.A[l - 1] + b


def _wrong_A(c: Pass, l: int) -> Iterator[Known]:
    Z, name = c.Z[l], c.names[l]
    M = c.M.get(l, 1.0)
    for other in sorted(forms.G.keys() - {name}):
        yield (
            "another activation",
            f"is {other}(Z[{l}]), but layer {l} is {name}",
            (forms.G[other](Z) * M),
        )
    yield from _wrong_softmax(c, l) if name == "softmax" else ()
    yield from _wrong_dropout(c, l) if l in c.M else ()


def _wrong_softmax(c: Pass, l: int) -> Iterator[Known]:
    Z = c.Z[l]
    rows = forms.softmax(Z.T).T
    yield "wrong axis", f"is the softmax over the examples, not over the units of Z[{l}]", rows
    every = np.exp(Z - np.max(Z))
    yield (
        "wrong axis",
        "is the softmax over all entries, not column by column",
        every / every.sum(),
    )
    yield "not normalised", f"is exp(Z[{l}]), not divided by its sum", np.exp(Z)


def _wrong_dropout(c: Pass, l: int) -> Iterator[Known]:
    scale = c.scale(l)
    yield "mask missing", "is without dropout's mask", c.G[l]
    yield (
        "scale missing",
        f"is without dropout's scale 1/keep = {scale:.6g}",
        c.G[l] * c.M[l] / scale,
    )


def _cost(c: Pass, found: Mapping[str, Any], unit: Unit) -> list[Group]:
    if found.get("J") is None:
        return []
    losses = forms.losses(c.net, c.Z[c.L], c.G[c.L], c.Y)
    L2 = c.l2 / 2 * sum(float(np.sum(W**2)) for W in c.W.values())
    J = np.asarray(np.mean(losses) + L2)
    spread = np.asarray(unit.u * (np.sqrt(c.B) * np.mean(np.abs(losses)) + 64 * abs(J)))
    leaf = _leaf(c, "J", found["J"], J, spread, unit)
    return [] if leaf.is_right else [_named(leaf, _wrong_J(c, losses, L2))]


def _wrong_J(c: Pass, losses: F64, L2: float) -> Iterator[Known]:
    sums, n = np.sum(losses), len(c.Y)
    yield "sum for mean", f"is the sum over the B = {c.B} examples, not their mean", sums + L2
    yield "sum for mean", f"is also divided by the n[{c.L}] = {n} units", sums / c.B / n + L2
    if c.l2:
        yield "L2 missing", "has no L2 term (λ/2) Σ‖W‖²", sums / c.B
        yield "L2 factor", "has the L2 term λ Σ‖W‖² without its ½", sums / c.B + 2 * L2
        yield "L2 factor", "has the L2 term divided by B", sums / c.B + L2 / c.B
