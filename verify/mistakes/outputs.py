"""Mistakes in Δ[L]: the loss, its targets."""

from collections.abc import Callable, Iterator

import numpy as np

from verify.mistakes import forms
from verify.mistakes.forms import F64
from verify.mistakes.recipe import Pass
from verify.mistakes.slips import Delta, Slip


def of_output(c: Pass) -> Iterator[Slip]:
    yield from _differences(c)
    yield from _losses(c)
    for what, change in TARGETS.items():
        text = f"Δ[{c.L}] is that of other targets: Y is swapped, {what}"
        yield Slip("Y swapped", text, _with_targets(change))
    if len(c.Y) > 1:
        text = f"Δ[{c.L}] is that of smoothed targets, (1 − {{θ:.6g}})Y + {{θ:.6g}}/{len(c.Y)}"
        right, flat = _with_targets(lambda Y: Y), _with_targets(lambda Y: 0 * Y + 1 / len(Y))
        yield Slip("Y smoothed", text, right, flat, least=0.0, most=1.0)


def _differences(c: Pass) -> Iterator[Slip]:
    """What people write as A − Y"""
    L, loss, output = c.L, c.net.loss.name, c.names[c.L]
    d, AY, of = f"Δ[{L}]", f"A[{L}] − Y", f"{loss} of {output}"
    other = f"{d} is {AY}, which {of} does not give: {_why(c)}"
    yield Slip("other loss's Δ", other, lambda c, run, l: c.G[l] - c.Y)
    twice = f"{d} is ({AY}) ∘ g′(Z[{L}]): for {of} the g′ has cancelled already"
    yield Slip("g′ twice", twice, lambda c, run, l: (c.G[l] - c.Y) * c.prime[l])
    plain = f"{d} uses Z[{L}] where A[{L}] belongs: the output's activation was not applied"
    yield Slip("Z for A", plain, lambda c, run, l: c.Z[l] - c.Y)
    unused = f"{d} is A[{L}]: the targets Y are not subtracted"
    yield Slip("Y unused", unused, lambda c, run, l: c.G[l])
    added = f"{d} is A[{L}] + Y: the sign of Y is wrong"
    yield Slip("Y added", added, lambda c, run, l: c.G[l] + c.Y)
    decided = f"{d} uses the predicted classes where the probabilities A[{L}] belong"
    yield Slip("decisions for A", decided, lambda c, run, l: (c.G[l] > 0.5) - c.Y)
    yield Slip("decisions for A", decided, lambda c, run, l: (c.G[l] == c.G[l].max(axis=0)) - c.Y)


def _why(c: Pass) -> str:
    if c.net.loss.name == "squared_error":
        return f"g′(Z[{c.L}]) is missing, Δ = (A − Y) ∘ g′(Z)"
    if (c.names[c.L], c.net.loss.name) == ("softmax", "cross_entropy"):
        return "as the columns of Y do not sum to 1 it is A(1ᵀY) − Y"
    return "A − Y belongs to sigmoid with binary_cross_entropy and softmax with cross_entropy"


def _losses(c: Pass) -> Iterator[Slip]:
    """The Δ of another loss, or of half of it"""
    L, loss = c.L, c.net.loss.name
    if loss == "binary_cross_entropy":
        text = f"Δ[{L}] has only the term −Y log A: that of (1 − Y) log(1 − A) is missing"
        yield Slip("half of the loss", text, _of_loss("cross_entropy"))
    for name in sorted(forms.DA.keys() - {loss}):
        yield Slip("other loss's Δ", f"Δ[{L}] is that of {name}, not of {loss}", _of_loss(name))


def _of_loss(name: str) -> Delta:
    return lambda c, run, l: c.pull(l, forms.loss_dA(name, c.G[l], c.Y))


TARGETS: dict[str, Callable[[F64], F64]] = {
    "the examples in reverse order": lambda Y: Y[:, ::-1],
    "each example with the target of the one before": lambda Y: np.roll(Y, 1, axis=1),
    "each example with the target of the one after": lambda Y: np.roll(Y, -1, axis=1),
    "the units in reverse order": lambda Y: Y[::-1],
    "the classes one too high": lambda Y: np.roll(Y, 1, axis=0),
    "the classes one too low": lambda Y: np.roll(Y, -1, axis=0),
    "1 − Y in its place": lambda Y: 1 - Y,
}


def _with_targets(change: Callable[[F64], F64]) -> Delta:
    return lambda c, run, l: forms.output_delta(c.net, c.Z[l], c.G[l], change(c.Y))
