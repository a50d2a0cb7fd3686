"""Mistakes in Δ: each is what Δ[ℓ] becomes when it is made.

A `Slip` gives the wrong Δ[ℓ] from the pass and from all that the backward pass did above it; None
or an array of another shape where it cannot be made. `fitted` slips are a line Δ(θ) = Δ(0) +
θ(Δ(1) − Δ(0)), of which the gradients at hand tell θ.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from verify.mistakes import forms
from verify.mistakes.forms import F64
from verify.mistakes.recipe import Pass, Run, right


@dataclasses.dataclass(frozen=True)
class Slip:
    """A mistake at one layer: its kind, what to say, and the Δ[ℓ] it makes."""

    kind: str
    text: str
    delta: Callable[[Pass, Run, int], F64 | None]
    toward: Callable[[Pass, Run, int], F64 | None] | None = None  # Δ(1) of a fitted slip

    @property
    def fitted(self) -> bool:
        return self.toward is not None


def slips(c: Pass, l: int) -> Iterator[Slip]:
    """All that is known to go wrong in Δ[ℓ]."""
    if l == c.L:
        yield from _output(c)
        yield from _targets()
    else:
        yield from _pulled(c, l)
        yield from _updated(l)
    yield from _primes(c, l)
    yield Slip("zero", f"Δ[{l}] is zero", lambda c, run, l: np.zeros_like(c.Z[l]))
    factor = "Δ[{l}] is {θ}"
    yield Slip("factor", factor, lambda c, run, l: np.zeros_like(c.Z[l]), right)


def dA(c: Pass, run: Run, l: int) -> F64:
    """∂𝓛/∂A[ℓ], of the output by the loss"""
    if l == c.L:
        return forms.loss_dA(c.net.loss.name, c.G[l], c.Y)
    return c.W[l + 1].T @ run.Δ[l + 1] * c.M.get(l, 1.0)


# the output


def _output(c: Pass) -> Iterator[Slip]:
    L, loss = c.L, c.net.loss.name
    AY = f"A[{L}] − Y"
    yield Slip(
        "other loss's Δ",
        f"Δ[{L}] is {AY}, which {loss} of {c.names[L]} does not give: " + _why(c),
        lambda c, run, l: c.G[l] - c.Y,
    )
    yield Slip(
        "g′ twice",
        f"Δ[{L}] is ({AY}) ∘ g′(Z[{L}]): for {loss} of {c.names[L]} the g′ has cancelled already",
        lambda c, run, l: (c.G[l] - c.Y) * c.prime[l],
    )
    yield Slip(
        "Z for A",
        f"Δ[{L}] uses Z[{L}] where A[{L}] belongs: the activation of the output was not applied",
        lambda c, run, l: c.Z[l] - c.Y,
    )
    yield Slip(
        "Y unused", f"Δ[{L}] is A[{L}]: the targets Y are not subtracted", lambda c, run, l: c.G[l]
    )
    yield Slip(
        "Y added", f"Δ[{L}] is A[{L}] + Y: the sign of Y is wrong", lambda c, run, l: c.G[l] + c.Y
    )
    yield Slip(
        "decisions for A",
        f"Δ[{L}] uses the predicted classes where the probabilities A[{L}] belong",
        lambda c, run, l: _decided(c.G[l]) - c.Y,
    )
    yield Slip(
        "half of the loss",
        f"Δ[{L}] has only the term of Y: that of 1 − Y is missing",
        lambda c, run, l: c.pull(l, forms.loss_dA("cross_entropy", c.G[l], c.Y)),
    )
    for name in forms.DA.keys() - {loss}:
        yield Slip("other loss's Δ", f"Δ[{L}] is that of {name}, not of {loss}", _of_loss(name))


def _why(c: Pass) -> str:
    if c.net.loss.name == "squared_error":
        return f"g′(Z[{c.L}]) is missing, Δ = (A − Y) ∘ g′(Z)"
    if c.names[c.L] == "softmax":
        return "A is to be taken 1ᵀY times, as the columns of Y do not sum to 1"
    return "it is the Δ of sigmoid with binary_cross_entropy and of softmax with cross_entropy"


def _of_loss(name: str) -> Callable[[Pass, Run, int], F64]:
    return lambda c, run, l: c.pull(l, forms.loss_dA(name, c.G[l], c.Y))


def _decided(A: F64) -> F64:
    return (A > 0.5).astype(float) if len(A) == 1 else (A == A.max(axis=0)).astype(float)


def _targets() -> Iterator[Slip]:
    changed: dict[str, Callable[[F64], F64]] = {
        "the examples in reverse order": lambda Y: Y[:, ::-1],
        "each example the target of the one before": lambda Y: np.roll(Y, 1, axis=1),
        "each example the target of the one after": lambda Y: np.roll(Y, -1, axis=1),
        "the units in reverse order": lambda Y: Y[::-1],
        "the classes shifted by one": lambda Y: np.roll(Y, 1, axis=0),
        "the classes shifted by minus one": lambda Y: np.roll(Y, -1, axis=0),
        "1 − Y": lambda Y: 1 - Y,
    }
    for what, change in changed.items():
        text = f"Δ[L] is that of other targets: Y is swapped, {what}"
        yield Slip("Y swapped", text, _with_targets(change))


def _with_targets(change: Callable[[F64], F64]) -> Callable[[Pass, Run, int], F64]:
    return lambda c, run, l: forms.output_delta(c.net, c.Z[l], c.G[l], change(c.Y))


# g′


def _primes(c: Pass, l: int) -> Iterator[Slip]:
    """Δ[ℓ] = ∂𝓛/∂A[ℓ] ∘ something else than g′(Z[ℓ])"""
    name, d = c.names[l], f"Δ[{l}]"
    for kind, text, h in _derivatives(c, l):
        yield Slip(kind, f"{d}: {text}", lambda c, run, l, h=h: dA(c, run, l) * h(c, l))
    yield Slip(
        "∂𝓛/∂A unused",
        f"{d} is g′(Z[{l}]) alone: the error from above is not multiplied",
        lambda c, run, l: c.prime[l],
    )
    yield Slip(
        "sign of the error for g′",
        f"{d}: g′ is 1 where ∂𝓛/∂A is positive, not where Z is",
        lambda c, run, l: np.maximum(dA(c, run, l), 0),
    )
    if name == "leaky_relu":
        yield Slip(
            "slope",
            f"{d}: the slope of leaky_relu below 0 is {{θ:.6g}} in g′, not "
            f"{dict(c.net.activations[l - 1].constants)['a']:.6g}",
            lambda c, run, l: dA(c, run, l) * (c.Z[l] >= 0),
            dA,
        )


Derivative = tuple[str, str, Callable[[Pass, int], Any]]


def _derivatives(c: Pass, l: int) -> Iterator[Derivative]:
    name, g = c.names[l], c.net.activations[l - 1]
    z, a = f"Z[{l}]", f"A[{l}]"
    yield "g′ left out", f"g′({z}) is left out", lambda c, l: 1.0
    yield (
        "g′ at A",
        f"g′ is taken at {a} in place of {z}",
        lambda c, l: forms.g_prime(g, c.G[l], forms.g(g, c.G[l])),
    )
    yield "g for g′", f"multiplied by {a} = g({z}) where g′({z}) belongs", lambda c, l: c.G[l]
    yield "Z for g′", f"multiplied by {z} where g′({z}) belongs", lambda c, l: c.Z[l]
    yield "g′ twice", f"g′({z}) is multiplied twice", lambda c, l: c.prime[l] ** 2
    if name in forms.IN_A:
        yield (
            "Z for A",
            f"the formula for g′ in {a} is given {z}",
            lambda c, l: forms.IN_A[name](c.Z[l]),
        )
    if name == "softmax":
        yield (
            "softmax elementwise",
            f"softmax is treated as elementwise: its Jacobian is diag(A) − AAᵀ, not A(1 − A)",
            lambda c, l: c.G[l] * (1 - c.G[l]),
        )
    yield from _near(name, l)
    yield from _others(c, l)
    yield from _kinks(name, l)


def _near(name: str, l: int) -> Iterator[Derivative]:
    """Formulas that look like the right one"""
    forms_of_A: dict[str, dict[str, Callable[[F64], F64]]] = {
        "tanh": {
            "1 − A": lambda A: 1 - A,
            "1 + A²": lambda A: 1 + A**2,
            "A²": np.square,
            "A(1 − A)": lambda A: A * (1 - A),
            "√(1 − A²)": lambda A: np.sqrt(1 - A**2),
            "1 − A²/2": lambda A: 1 - A**2 / 2,
            "(1 − A)²": lambda A: (1 - A) ** 2,
        },
        "sigmoid": {
            "1 − A": lambda A: 1 - A,
            "A(1 + A)": lambda A: A * (1 + A),
            "A²": np.square,
            "1 − A²": lambda A: 1 - A**2,
            "A − 1": lambda A: A - 1,
            "A²(1 − A)": lambda A: A**2 * (1 - A),
            "(1 − A)²": lambda A: (1 - A) ** 2,
        },
    }
    right_form = {"tanh": "1 − A²", "sigmoid": "A(1 − A)"}.get(name, "")
    for text, f in forms_of_A.get(name, {}).items():
        yield (
            "wrong formula for g′",
            f"g′ is computed as {text} with A = A[{l}]; {name}′ is {right_form}",
            lambda c, l, f=f: f(c.G[l]),
        )


def _others(c: Pass, l: int) -> Iterator[Derivative]:
    """The derivative of another activation, or of another layer"""
    name = c.names[l]
    for other in forms.G_PRIME.keys() - {name, "identity"}:
        yield (
            "another activation's g′",
            f"g′ is that of {other}, but layer {l} is {name}",
            lambda c, l, other=other: forms.G_PRIME[other](c.Z[l]),
        )
    for k in c.Z.keys() - {l}:
        if c.Z[k].shape == c.Z[l].shape:
            yield (
                "another layer's g′",
                f"g′ is taken at Z[{k}] in place of Z[{l}]",
                lambda c, l, k=k: forms.g_prime(
                    c.net.activations[l - 1], c.Z[k], forms.g(c.net.activations[l - 1], c.Z[k])
                ),
            )


def _kinks(name: str, l: int) -> Iterator[Derivative]:
    if name in ("relu", "leaky_relu"):
        for at_zero in (0.0, 0.5, 1.0):
            yield (
                "kink",
                f"g′(0) is taken as {at_zero:g} in layer {l}, where units are exactly "
                "at the kink z = 0",
                lambda c, l, at=at_zero: np.where(c.Z[l] == 0, at, c.prime[l]),
            )


# W[ℓ+1]ᵀΔ[ℓ+1]


def _pulled(c: Pass, l: int) -> Iterator[Slip]:
    d, W, D = f"Δ[{l}]", f"W[{l + 1}]", f"Δ[{l + 1}]"
    for kind, text, h in _errors_from_above(c, l):
        yield Slip(kind, f"{d}: {text}", lambda c, run, l, h=h: _through(c, run, l, h))
    yield Slip(
        "∂𝓛/∂A for Δ",
        f"{d} = {W}ᵀ ∂𝓛/∂A[{l + 1}] ∘ g′(Z[{l}]): {D} is to be carried down, "
        f"with its g′(Z[{l + 1}])",
        lambda c, run, l: _through(c, run, l, lambda c, run: c.W[l + 1].T @ dA(c, run, l + 1)),
    )
    if l in c.M:
        yield from _dropout(c, l)


Error = tuple[str, str, Callable[[Pass, Run], F64]]


def _errors_from_above(c: Pass, l: int) -> Iterator[Error]:
    """Wrong ∂𝓛/∂A[ℓ], before the mask and g′"""
    W, D = f"W[{l + 1}]", f"Δ[{l + 1}]"
    yield (
        "W not transposed",
        f"{W} is not transposed, ∂𝓛/∂A[{l}] = {W}ᵀ{D}",
        lambda c, run: c.W[l + 1] @ run.Δ[l + 1],
    )
    yield "W left out", f"{D} is not multiplied by {W}ᵀ", lambda c, run: run.Δ[l + 1]
    yield ("|W|", f"|{W}| stands for {W}", lambda c, run: np.abs(c.W[l + 1]).T @ run.Δ[l + 1])
    for k in c.W.keys() - {l + 1}:
        yield (
            "W of another layer",
            f"W[{k}] stands where {W} belongs",
            lambda c, run, k=k: c.W[k].T @ run.Δ[l + 1],
        )
        yield (
            "W of another layer",
            f"W[{k}], not transposed, stands where {W}ᵀ belongs",
            lambda c, run, k=k: c.W[k] @ run.Δ[l + 1],
        )
    for k in range(l + 2, c.L + 1):
        yield (
            "Δ of another layer",
            f"Δ[{k}] is carried down where {D} belongs",
            lambda c, run, k=k: c.W[l + 1].T @ run.Δ[k],
        )


def _through(c: Pass, run: Run, l: int, pulled: Callable[[Pass, Run], F64]) -> F64 | None:
    """What is pulled wrongly, through mask and g′"""
    try:
        dA = pulled(c, run)
    except ValueError:  # shapes that do not multiply
        return None
    return c.pull(l, dA * c.M.get(l, 1.0)) if dA.shape == c.Z[l].shape else None


def _updated(l: int) -> Iterator[Slip]:
    """W[ℓ+1] − η dW[ℓ+1], a step of gradient descent; Δ is linear in η"""

    def stepped(c: Pass, run: Run, l: int) -> F64 | None:
        W = c.W[l + 1] - c.W_sum(l + 1, run.Δ[l + 1])
        return _through(c, run, l, lambda c, run: W.T @ run.Δ[l + 1])

    text = (
        f"Δ[{l}]: the backward pass uses W[{l + 1}] after its update (rate {{θ:.6g}}), not before"
    )
    yield Slip("updated W", text, right, stepped)


def _dropout(c: Pass, l: int) -> Iterator[Slip]:
    keep = 1 / np.max(c.M[l])
    d = f"Δ[{l}]"
    for kind, text, factor in (
        ("mask missing", "dropout's mask is missing in the backward pass, and its scale", 1.0),
        ("mask missing", "dropout's mask is missing in the backward pass", 1 / keep),
        (
            "scale missing",
            f"dropout's scale 1/keep = {1 / keep:.6g} is missing in the backward pass",
            c.M[l] * keep,
        ),
        ("scale twice", f"dropout's scale 1/keep = {1 / keep:.6g} is applied twice", c.M[l] / keep),
    ):
        yield Slip(
            kind,
            f"{d}: {text}",
            lambda c, run, l, factor=factor: c.pull(l, c.W[l + 1].T @ run.Δ[l + 1] * factor),
        )
