"""Mistakes in g′: Δ[ℓ] = ∂𝓛/∂A[ℓ] ∘ something else than g′(Z[ℓ])."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from verify.mistakes import forms
from verify.mistakes.forms import F64
from verify.mistakes.recipe import Pass
from verify.mistakes.slips import Delta, Slip, dA

Derivative = tuple[str, str, Callable[[Pass, int], Any]]  # kind, what to say, what stands for g′


def of_prime(c: Pass, l: int) -> Iterator[Slip]:
    name, d = c.names[l], f"Δ[{l}]"
    for kind, text, h in _derivatives(c, l):
        yield Slip(kind, f"{d}: {text}", _times(h))
    alone = f"{d} is g′(Z[{l}]) alone: it is not multiplied by the error from above"
    yield Slip("error unused", alone, lambda c, run, l: c.prime[l])
    sign = f"{d}: the error passes where ∂𝓛/∂A is positive, not where Z is"
    yield Slip("sign of the error", sign, lambda c, run, l: np.maximum(dA(c, run, l), 0))
    if name == "leaky_relu":
        slope = dict(c.net.activations[l - 1].constants)["a"]
        text = f"{d}: the slope of leaky_relu below 0 is {{θ:.6g}} in g′, not {slope:.6g}"
        yield Slip("slope", text, lambda c, run, l: dA(c, run, l) * (c.Z[l] >= 0), dA)


def _times(h: Callable[[Pass, int], Any]) -> Delta:
    return lambda c, run, l: dA(c, run, l) * h(c, l)


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
    yield from _in_A(name, l)
    yield from _formulas(name, l)
    yield from _of_others(c, l)
    yield from _kinks(name, l, dict(g.constants).get("a", 0.0))


def _in_A(name: str, l: int) -> Iterator[Derivative]:
    """g′ in terms of A, of the wrong array or where it does not apply"""
    if name in forms.IN_A:
        in_Z = f"the formula for g′ in terms of A[{l}] is given Z[{l}]"
        yield "Z for A", in_Z, lambda c, l: forms.IN_A[name](c.Z[l])
    if name == "softmax":
        text = (
            "softmax is treated as elementwise: its Jacobian is diag(A) − AAᵀ, not diag(A(1 − A))"
        )
        yield "softmax elementwise", text, lambda c, l: c.G[l] * (1 - c.G[l])


FORMULAS: dict[str, dict[str, Callable[[F64], Any]]] = {
    "tanh": {
        "1 − A": lambda A: 1 - A,
        "1 + A²": lambda A: 1 + A**2,
        "A²": lambda A: A**2,
        "√(1 − A²)": lambda A: np.sqrt(1 - A**2),
        "1 − A²/2": lambda A: 1 - A**2 / 2,
        "(1 − A)²": lambda A: (1 - A) ** 2,
        "(1 − A²)/2": lambda A: (1 - A**2) / 2,
    },
    "sigmoid": {
        "1 − A": lambda A: 1 - A,
        "A(1 + A)": lambda A: A * (1 + A),
        "A²": lambda A: A**2,
        "A²(1 − A)": lambda A: A**2 * (1 - A),
        "(1 − A)²": lambda A: (1 - A) ** 2,
    },
    "relu": {"0 where z > 0, 1 elsewhere": lambda A: 1.0 * (A <= 0)},
}
PAGE = {"tanh": "1 − A²", "sigmoid": "A(1 − A)", "relu": "1 where z ≥ 0"}


def _formulas(name: str, l: int) -> Iterator[Derivative]:
    """Formulas that look like the right one"""
    for text, f in FORMULAS.get(name, {}).items():
        said = f"g′ is computed as {text}, A = A[{l}], but {name}′ is {PAGE[name]}"
        yield "wrong formula for g′", said, _of_A(f)


def _of_A(f: Callable[[F64], Any]) -> Callable[[Pass, int], Any]:
    return lambda c, l: f(c.G[l])


def _of_others(c: Pass, l: int) -> Iterator[Derivative]:
    """The derivative of another activation, as a function of Z or of A, or of another layer"""
    name = c.names[l]
    for other in sorted(forms.G_PRIME.keys() - {name, "identity"}):
        text = f"g′ is that of {other}, but layer {l} is {name}"
        yield "another activation's g′", text, _of_Z(forms.G_PRIME[other])
    if name not in ("relu", "leaky_relu"):
        text = f"g′ is that of relu, but layer {l} is {name}"
        yield "another activation's g′", text, lambda c, l: 1.0 * (c.Z[l] > 0)
    for other in sorted({"sigmoid", "tanh"} - {name}):
        formula = "A(1 − A)" if other == "sigmoid" else "1 − A²"
        text = f"g′ is {formula} as for {other}, but layer {l} is {name}"
        yield "another activation's g′", text, _of_A(forms.IN_A[other])
    for k in c.Z.keys() - {l}:
        if c.Z[k].shape == c.Z[l].shape:
            text = f"g′ is taken at Z[{k}] in place of Z[{l}]"
            yield "another layer's g′", text, _at(k)


def _of_Z(f: Callable[[F64], F64]) -> Callable[[Pass, int], F64]:
    return lambda c, l: f(c.Z[l])


def _at(k: int) -> Callable[[Pass, int], F64]:
    def prime(c: Pass, l: int) -> F64:
        g = c.net.activations[l - 1]
        return forms.g_prime(g, c.Z[k], forms.g(g, c.Z[k]))

    return prime


def _kinks(name: str, l: int, a: float) -> Iterator[Derivative]:
    """a: the slope below 0"""
    for at_zero in sorted({0.0, a, (1 + a) / 2, 1.0}) if name in ("relu", "leaky_relu") else ():
        text = f"g′(0) is taken as {at_zero:g} in layer {l}, where units are exactly at the kink"
        yield "kink", text, _with_kink(at_zero)


def _with_kink(at_zero: float) -> Callable[[Pass, int], F64]:
    return lambda c, l: np.where(c.Z[l] == 0, at_zero, c.prime[l])
