"""The page's recipe on matrices of bounded numbers: one program for both bounds.

    Z[ℓ] = W[ℓ]A[ℓ-1] + b[ℓ],  A[ℓ] = g(Z[ℓ]),  J = (1/B) Σ 𝓛ᵢ
    Δ[L] from the loss,  Δ[ℓ] = W[ℓ+1]ᵀΔ[ℓ+1] ∘ g′(Z[ℓ])
    dW[ℓ] = (1/B) Δ[ℓ]A[ℓ-1]ᵀ,  db[ℓ] = (1/B) Σ Δ[ℓ]

The values have many digits, are rounded once, to the nearest double, and the bounds upwards.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import mpmath

from verify.vectors import losses, rules
from verify.vectors.bounded import DOUBLE, Bounded, Real, dot, exact
from verify.vectors.networks import Design, Matrix, inputs

DIGITS = 100
KEPT = 30  # digits of a value after all cancellation; fewer, and it may be an exact 0
BOUND_BITS = 8

Rows = Sequence[Sequence[Bounded]]
Arrays = dict[str, Matrix]


class Vectors(NamedTuple):
    """A network with its inputs, the exact values as doubles, and the two bounds."""

    design: Design
    inputs: Arrays
    expected: Arrays
    bound: Arrays
    sharp: Arrays


def compute(design: Design, digits: int = DIGITS) -> Vectors:
    """ArithmeticError: a unit within rounding of its kink, or a value of which no digit is left."""
    with mpmath.workdps(digits):
        given = inputs(design)
        x = {name: [list(map(exact, row)) for row in rows] for name, rows in given.items()}
        page, sharp = (_run(design, x, is_sharp) for is_sharp in (False, True))
        bounds = (_each(found, _bound) for found in (page, sharp))
        return Vectors(design, given, _each(page, _nearest), *bounds)


def _run(design: Design, x: Mapping[str, Rows], is_sharp: bool) -> dict[str, Rows]:
    forward = _forward(design, x, is_sharp)
    Δ = _deltas(design, {**x, **forward}, is_sharp)
    return {**forward, **Δ, **_gradients({**x, **forward}, Δ)}


def _forward(design: Design, x: Mapping[str, Rows], is_sharp: bool) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    A, output = x["X"], design.activations[-1]
    for l, g in enumerate(design.activations, start=1):
        Z = _product(x[f"W[{l}]"], A, x[f"b[{l}]"])
        A = _transposed([rules.activation(g, z, is_sharp=is_sharp) for z in _transposed(Z)])
        found |= {f"Z[{l}]": Z, f"A[{l}]": A}
    columns = _columns(Z, A, x["Y"])
    row = [losses.loss(design.loss, output, *c, is_sharp=is_sharp) for c in columns]
    return found | {"losses": [row], "J": [[_mean(row)]]}


def _deltas(design: Design, x: Mapping[str, Rows], is_sharp: bool) -> dict[str, Rows]:
    g, L = dict(enumerate(design.activations, start=1)), len(design.activations)
    columns = _columns(x[f"Z[{L}]"], x[f"A[{L}]"], x["Y"])
    top = [losses.output_delta(design.loss, g[L], *c, is_sharp=is_sharp) for c in columns]
    Δ = {f"delta[{L}]": _transposed(top)}
    for l in range(L - 1, 0, -1):
        dA = _product(_transposed(x[f"W[{l + 1}]"]), Δ[f"delta[{l + 1}]"])
        columns = _columns(x[f"Z[{l}]"], x[f"A[{l}]"], dA)
        Δ[f"delta[{l}]"] = _transposed([rules.pull(g[l], *c, is_sharp=is_sharp) for c in columns])
    return Δ


def _gradients(x: Mapping[str, Rows], Δ: Mapping[str, Rows]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for l in range(len(Δ), 0, -1):
        A, of_layer = x[f"A[{l - 1}]" if l > 1 else "X"], Δ[f"delta[{l}]"]
        found[f"dW[{l}]"] = [[dot(d, a, over=len(d)) for a in A] for d in of_layer]
        found[f"db[{l}]"] = [[_mean(d)] for d in of_layer]
    return found


def _mean(row: Sequence[Bounded]) -> Bounded:
    return dot([exact(1.0)] * len(row), row, over=len(row))


def _product(W: Rows, A: Rows, b: Rows | None = None) -> Rows:
    """WA + b"""
    pairs = zip(W, b or [[]] * len(W), strict=True)
    columns = _transposed(A)
    return [[dot(row, column, *added) for column in columns] for row, added in pairs]


def _transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _columns(*matrices: Rows) -> Iterator[tuple[Sequence[Bounded], ...]]:
    return zip(*map(_transposed, matrices), strict=True)


# to doubles


def _each(found: Mapping[str, Rows], to_double: Callable[[Bounded], float]) -> Arrays:
    return {name: [list(map(to_double, row)) for row in rows] for name, rows in found.items()}


def _nearest(number: Bounded) -> float:
    value, error = number
    if 0 < abs(value) * mpmath.mpf(10) ** (mpmath.mp.dps - KEPT) < error:
        raise ArithmeticError("a value is 0, or all but: its terms cancel; draw others")
    return float(value)


def _bound(number: Bounded) -> float:
    """The error; and that of rounding the value, u|value|, and of the difference, u of all."""
    u = mpmath.ldexp(1, -DOUBLE)
    rounded = u * abs(number.value) if number.error else 0
    return _up((number.error + rounded) * (1 + 2 * u))


def _up(x: Real) -> float:
    """The next number of BOUND_BITS bits"""
    mantissa, exponent = mpmath.frexp(x)
    return math.ldexp(int(mpmath.ceil(mpmath.ldexp(mantissa, BOUND_BITS))), exponent - BOUND_BITS)
