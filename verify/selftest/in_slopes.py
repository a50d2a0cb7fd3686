"""Mistakes in g′, wherever it is multiplied."""

from typing import Any

import numpy as np

from verify.selftest.planted import Planted, both, hidden, of, sloped, twins
from verify.selftest.student import Change, Forms, Work, activate
from verify.selftest.task import Floats


def of_Z(f: Any) -> Change:
    return lambda w, k, right: f(w.Z[k])


def of_A(f: Any) -> Change:
    return lambda w, k, right: f(w.G[k])


def sigmoid_slope(Z: Floats) -> Any:
    return activate("sigmoid", Z) * activate("sigmoid", -Z)


def at_the_values(w: Work, k: int, right: Floats) -> Any:
    """g′ of A in place of Z, rightly computed"""
    A = w.G[k]
    forms: Forms = {
        "tanh": lambda: 1 / np.cosh(A) ** 2,
        "sigmoid": lambda: sigmoid_slope(A),
        "relu": lambda: np.where(A == 0, w.task.at_zero, A > 0),
        "leaky_relu": lambda: np.where(A >= 0, 1, w.task.slope),
    }
    return forms[w.kind(k)]()


def in_the_formula(w: Work, k: int, right: Floats) -> Any:
    Z = w.Z[k]
    return 1 - Z**2 if w.kind(k) == "tanh" else Z * (1 - Z)


def elsewhere(w: Work, k: int, right: Floats) -> Any:
    """This layer's g′ of the Z of another"""
    Z = twins(w.Z, k)[0]
    return Z > 0 if w.kind(k) == "relu" else 1 - np.tanh(Z) ** 2


def kinked(w: Work, k: int) -> bool:
    return bool(np.any(w.Z[k] == 0))


def has_twin(w: Work, k: int) -> bool:
    return bool(twins(w.Z, k))


TANH, SMOOTH, KINKED = of("tanh"), of("tanh", "sigmoid"), of("relu", "leaky_relu")
ANOTHER, FORMULA = "another activation's g′", "wrong formula for g′"
IN_SLOPES = (
    Planted("g′ left out", "slope", of_Z(np.ones_like), ("g′ left out",), sloped),
    Planted("g′ of A for g′ of Z", "slope", at_the_values, ("g′ at A",), sloped),
    Planted("Z in the formula for A", "slope", in_the_formula, ("Z for A",), SMOOTH),
    Planted("g for g′", "slope", of_A(lambda A: A), ("g for g′",), sloped),
    Planted("Z for g′", "slope", of_Z(lambda Z: Z), ("Z for g′",), sloped),
    Planted("g′ twice", "slope", lambda w, k, right: right**2, ("g′ twice",), SMOOTH),
    Planted("A(1 − A) of tanh", "slope", of_A(lambda A: A * (1 - A)), (ANOTHER, FORMULA), TANH),
    Planted("σ′ of tanh or ReLU", "slope", of_Z(sigmoid_slope), (ANOTHER,), of("tanh", "relu")),
    Planted("tanh′ of ReLU", "slope", of_Z(lambda Z: 1 / np.cosh(Z) ** 2), (ANOTHER,), KINKED),
    Planted("ReLU′ of a smooth g", "slope", of_Z(lambda Z: Z > 0), (ANOTHER,), SMOOTH),
    Planted("1 − A² of sigmoid", "slope", of_A(lambda A: 1 - A**2), (ANOTHER,), of("sigmoid")),
    Planted("1 − A", "slope", of_A(lambda A: 1 - A), (FORMULA,), SMOOTH),
    Planted("1 + A²", "slope", of_A(lambda A: 1 + A**2), (FORMULA,), TANH),
    Planted(
        "the other g′(0)",
        "slope",
        lambda w, k, right: np.where(w.Z[k] == 0, 1 - right, right),
        ("kink",),
        both(of("relu"), kinked),
    ),
    Planted(
        "slope of leaky ReLU",
        "slope",
        of_Z(lambda Z: 1 - 0.9 * (Z < 0)),
        ("slope",),
        of("leaky_relu"),
    ),
    Planted(
        "gate by the error, not by Z",
        "slope",
        lambda w, k, right: w.dA[k] > 0,
        ("sign of the error",),
        KINKED,
    ),
    Planted(
        "g′ of another layer's Z",
        "slope",
        elsewhere,
        ("another layer's g′",),
        both(of("relu", "tanh"), has_twin),
    ),
    Planted(
        "g′ alone, no error",
        "dA",
        lambda w, k, right: np.full_like(right, w.mean),
        ("error unused",),
        both(sloped, hidden),
    ),
)
