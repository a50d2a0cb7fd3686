"""What a file may mean: its networks, and what their J is a multiple of."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

import pure_nn
from pure_nn.network import Network
from pure_nn.types import Activation
from verify.mistakes import forms
from verify.saved import smooth, words
from verify.saved.closeness import close
from verify.saved.page import Page
from verify.saved.shapes import Arrangement
from verify.saved.stated import Stated, in_domain
from verify.saved.words import Loss

HIDDEN = (
    pure_nn.relu(),
    pure_nn.tanh(),
    pure_nn.sigmoid(),
    *(pure_nn.leaky_relu(a) for a in (0.01, 0.1, 0.2, 0.3)),
    pure_nn.identity(),
)
RARE = (
    smooth.elu(),
    smooth.gelu(),
    smooth.gelu_tanh(),
    smooth.silu(),
    smooth.softplus(),
    smooth.selu(),
)
MIXED = HIDDEN[:4] + HIDDEN[-1:]
OUTPUTS = (
    ("softmax", "cross_entropy"),
    ("sigmoid", "binary_cross_entropy"),
    ("identity", "squared_error"),
    ("sigmoid", "squared_error"),
    ("softmax", "squared_error"),
    ("tanh", "squared_error"),
    ("relu", "squared_error"),
    ("leaky_relu", "squared_error"),
    ("softmax", "binary_cross_entropy"),
    ("sigmoid", "cross_entropy"),
)
USUAL = 4  # of these
AT_ZERO = 0.0
A_DIGITS, MOST_SEEN = 1e-3, 8
Pair = tuple[str, str]


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """A network, and s and λ of J = s·(1/B) Σ𝓛 + (λ/2) Σ‖W‖²."""

    page: Page
    loss: Loss
    reduction: str = "mean"
    l2: float = 0.0

    @property
    def at(self) -> Arrangement:
        return self.page.at

    @property
    def activations(self) -> tuple[Activation, ...]:
        return self.page.net.activations

    @property
    def scale(self) -> float:
        """s"""
        return self.loss.factor * (self.at.B if self.reduction == "sum" else 1)

    def scaled(self, loss: Loss, reduction: str) -> "Reading":
        """The same network with another s"""
        return dataclasses.replace(self, loss=loss, reduction=reduction)


def shared(at: Arrangement, stated: Stated) -> Iterator[Reading]:
    """All hidden layers alike; the usual pairs of hidden layers and output first."""
    L = len(at.params)
    found: list[tuple[int, Reading]] = []
    for i, g in enumerate(HIDDEN[: len(HIDDEN) if L > 1 else 1]):
        readings = _with_hidden(at, stated, (g,) * (L - 1), OUTPUTS)
        found += [(i + j, reading) for j, reading in enumerate(readings)]
    yield from (reading for _, reading in sorted(found, key=lambda x: x[0]))


def mixed(at: Arrangement, stated: Stated) -> Iterator[Reading]:
    """Hidden layers of several kinds, of up to three, below a usual output."""
    L = len(at.params)
    if stated.activations is None and 2 < L < 5:
        for hidden in itertools.product(MIXED, repeat=L - 1):
            if len(set(hidden)) > 1:
                yield from _with_hidden(at, stated, hidden, OUTPUTS[:USUAL])


def rare(at: Arrangement, stated: Stated) -> Iterator[Reading]:
    """All hidden layers alike, of those that pure_nn has not, below a usual output."""
    L = len(at.params)
    if stated.activations is None and L > 1:
        for g in RARE:
            yield from _with_hidden(at, stated, (g,) * (L - 1), OUTPUTS[:USUAL])


def seen(at: Arrangement, stated: Stated) -> Iterator[Reading]:
    """Those whose hidden layers give the file's A, where it has all of them."""
    options = [_gives_A(at, l) for l in range(1, len(at.params))]
    for hidden in itertools.islice(itertools.product(*options), MOST_SEEN):
        yield from _with_hidden(at, stated, hidden, OUTPUTS)


def _gives_A(at: Arrangement, l: int) -> list[Activation]:
    """Each g with A[ℓ] = g(Z[ℓ]) of the file's own Z, or else of its A[ℓ-1]"""
    A, Z, M = at.found["A"], at.found["Z"][l - 1], at.masks.get(l, 1.0)
    before = at.X if l == 1 else A[l - 2]
    if Z is None and before is not None and len(before) == at.params[l - 1]["W"].shape[1]:
        Z = at.params[l - 1]["W"] @ before + at.params[l - 1]["b"]
    got = A[l - 1]
    if got is None or Z is None:
        return []
    return [g for g in (*HIDDEN, *RARE) if close(got, forms.g(g, Z) * M, A_DIGITS)]


def of(at: Arrangement, stated: Stated) -> Iterator[Reading]:
    """Those with the stated activations, or with those that A tells; else all alike."""
    if stated.activations is not None:
        *hidden, output = stated.activations
        yield from _with_output(at, stated, tuple(hidden), output)
    else:
        told = list(seen(at, stated)) if len(at.params) > 1 else []
        yield from told or shared(at, stated)


def _with_hidden(
    at: Arrangement, stated: Stated, hidden: tuple[Activation, ...], pairs: Sequence[Pair]
) -> Iterator[Reading]:
    found: list[Reading] = []
    for name in dict.fromkeys(output for output, _ in pairs):
        if name != "softmax" or len(at.Y) > 1:
            found += _with_output(at, stated, hidden, words.ACTIVATIONS[name]())
    order = {pair: i for i, pair in enumerate(pairs)}
    every = [(order.get((r.activations[-1].name, r.loss.name)), r) for r in found]
    yield from (r for i, r in sorted(every, key=lambda x: x[0] or 0) if i is not None)


def _with_output(
    at: Arrangement, stated: Stated, hidden: tuple[Activation, ...], output: Activation
) -> Iterator[Reading]:
    for loss in _losses(at, stated, output):
        page = Page(at, Network((*hidden, output), loss.name))
        yield from _with_kinks(Reading(page, loss, stated.reduction or "mean", stated.l2 or 0.0))


def _with_kinks(reading: Reading) -> Iterator[Reading]:
    """g′(0) = 1 and, where a unit of ReLU is at its kink, also 0"""
    yield reading
    relu, L = pure_nn.relu(), len(reading.activations)
    on = [l for l in range(1, L + 1) if reading.activations[l - 1] == relu]
    if any(np.any(reading.page("Z", l) == 0) for l in on):
        other = [pure_nn.relu(at_zero=AT_ZERO) if g == relu else g for g in reading.activations]
        net = Network(other, reading.loss.name)
        yield dataclasses.replace(reading, page=Page(reading.at, net))


def _losses(at: Arrangement, stated: Stated, output: Activation) -> Iterator[Loss]:
    every = words.losses(len(at.Y))
    fits = [loss for name, loss in OUTPUTS if name == output.name] or ["squared_error"]
    if stated.loss is not None:
        yield from [every[stated.loss]] if every[stated.loss].name in fits else []
    else:
        yield from (every[l] for l in fits if l == "squared_error" or in_domain(at.Y))
