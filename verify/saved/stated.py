"""What a file, or the command line, says beside its arrays."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pure_nn.network import Network
from pure_nn.types import Activation
from verify.saved import words
from verify.saved.shapes import Arrangement
from verify.saved.values import F64, Saved

LOGITS = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
STORED = ("float16", "float32", "float64")


@dataclasses.dataclass(frozen=True)
class Stated:
    """None is what is to be inferred.

    logits    the loss brings the output's activation along, as CrossEntropyLoss of PyTorch does
    """

    activations: tuple[Activation, ...] | None = None
    loss: str | None = None
    reduction: str | None = None
    l2: float | None = None
    logits: bool = False


def stated(saved: Saved, at: Sequence[Arrangement]) -> Stated:
    """ValueError: words that are not known, a loss that does not fit its output or targets."""
    loss, reduction = (
        words.one(name, saved.raw(name), known) if saved.has(name) else None
        for name, known in (("loss", words.LOSSES), ("reduction", words.REDUCTIONS))
    )
    given = (
        words.activations(saved.raw("activations"), saved.L) if saved.has("activations") else None
    )
    l2, lambd = saved.number("l2"), saved.number("lambd")
    of_the_course = None if lambd is None else lambd / at[0].B
    found = Stated(given, loss, reduction, of_the_course if l2 is None else l2)
    return _with_fitting_loss(found, at)


def _with_fitting_loss(given: Stated, at: Sequence[Arrangement]) -> Stated:
    loss, g = given.loss, given.activations
    if loss in LOGITS and not any(in_domain(a.Y) for a in at):
        low, high = np.min(at[0].Y), np.max(at[0].Y)
        raise ValueError(f"Y: expected targets from 0 to 1 for {loss}, got {low:g} to {high:g}")
    if g and loss in LOGITS and g[-1].name == "identity":
        output = words.ACTIVATIONS[LOGITS[loss]]()
        return dataclasses.replace(given, activations=(*g[:-1], output), logits=True)
    if g and loss:
        Network(g, words.losses(1)[loss].name)
    return given


def in_domain(Y: F64) -> bool:
    """Whether Y may be the targets of a cross-entropy"""
    return bool(np.all((Y >= 0) & (Y <= 1)))


def dtype(saved: Saved) -> str:
    """As stated, or the coarsest in which the gradients are stored"""
    if saved.has("dtype"):
        return words.dtype(saved.raw("dtype"))
    gradients = [name for name in saved.names.of if name.startswith(("dW[", "db["))]
    found = {saved.raw(name).dtype.name for name in gradients}
    return next(d for d in STORED if d in found or d == "float64")
