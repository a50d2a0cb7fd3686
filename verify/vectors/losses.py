"""𝓛 and Δ[L] of one column of bounded numbers, for each pair of an output and a loss."""

from collections.abc import Sequence

import mpmath

from verify.vectors import rules
from verify.vectors.bounded import Bounded, Column, Real, difference, dot, exact


def loss(name: str, output: str, z: Column, A: Column, y: Column, *, is_sharp: bool) -> Bounded:
    """𝓛 of one column"""
    if name == "squared_error":
        off = [difference(a, t) for a, t in zip(A, y, strict=True)]
        value, error = dot(off, off)
        return Bounded(value / 2, error / 2)
    chances = rules.CHANCES[output](z)
    weights, logs = list(y), [_minus_log_A(c, is_sharp) for c in chances]
    if name == "binary_cross_entropy":
        weights += [difference(exact(1.0), t) for t in y]
        logs += [_minus_log_rest(c, is_sharp) for c in chances]
    return dot(weights, logs)


def _minus_log_A(c: rules.Chance, is_sharp: bool) -> Bounded:
    """The page: a relative error of A is an absolute one of log A"""
    value = -mpmath.log1p(-c.rest)
    return rules.added(value, c.rest * c.drift, value, value + 1, c.roundings, is_sharp)


def _minus_log_rest(c: rules.Chance, is_sharp: bool) -> Bounded:
    """The page: log(1 − A)"""
    value = -mpmath.log1p(-c.A)
    page = value + 1 + c.A / c.rest
    return rules.added(value, c.A * c.drift, value, page, c.roundings, is_sharp)


def output_delta(
    name: str, output: str, z: Column, A: Column, y: Column, *, is_sharp: bool
) -> list[Bounded]:
    """Δ[L] of one column: directly where the pair simplifies, else ∂𝓛/∂A pulled through g"""
    if name == "squared_error":
        dA = [difference(a, t) for a, t in zip(A, y, strict=True)]
        return rules.pull(output, z, A, dA, is_sharp=is_sharp)
    chances, Y = rules.CHANCES[output](z), [t.value for t in y]
    if (name, output) == ("binary_cross_entropy", "softmax"):
        return _binary_cross_entropy_softmax(chances, Y, max(x.error for x in z), is_sharp)
    return [
        _direct(name, output, c, t, mpmath.fsum(Y), is_sharp)
        for c, t in zip(chances, Y, strict=True)
    ]


def _direct(
    name: str, output: str, c: rules.Chance, Y: Real, sum_Y: Real, is_sharp: bool
) -> Bounded:
    """A − Y = A(1 − Y) − Y(1 − A), and what it becomes in the two other pairs."""
    if name == "binary_cross_entropy":
        scale, plus, minus, page = 1, c.A * (1 - Y), Y * c.rest, c.A + Y
    elif output == "softmax":
        scale, plus, minus, page = sum_Y, c.A * (sum_Y - Y), Y * c.rest, c.A * sum_Y + Y
    else:
        scale, plus, minus, page = Y, mpmath.mpf(0), Y * c.rest, Y * (1 + c.A)
    inherited = scale * c.A * c.rest * c.drift
    return rules.added(plus - minus, inherited, plus + minus, page, c.roundings, is_sharp)


def _binary_cross_entropy_softmax(
    chances: Sequence[rules.Chance], Y: Sequence[Real], e: Real, is_sharp: bool
) -> list[Bounded]:
    """Δᵢ = (1 − Yᵢ)Aᵢ + Aᵢ Σ_{k≠i} Yₖ − Yᵢ(1 − Aᵢ) − Σ_{k≠i} (1 − Yₖ)AₖAᵢ/(1 − Aₖ)

    No term moves by more than E(4e). The page: uᵢ − Aᵢ Σ uₖ with uₖ = −Yₖ + (1 − Yₖ)Aₖ/(1 − Aₖ),
    where an error of Aₖ is 1/(1 − Aₖ) times larger.
    """
    odds = [(1 - t) * c.A / c.rest for c, t in zip(chances, Y, strict=True)]
    lost = [t + o / c.rest for c, t, o in zip(chances, Y, odds, strict=True)]

    def delta(i: int, c: rules.Chance) -> Bounded:
        plus = (1 - Y[i]) * c.A + c.A * (mpmath.fsum(Y) - Y[i])
        minus = Y[i] * c.rest + c.A * (mpmath.fsum(odds) - odds[i])
        page, k = lost[i] + c.A * mpmath.fsum(lost), 2 * c.roundings
        inherited = (plus + minus) * mpmath.expm1(4 * e)
        return rules.added(plus - minus, inherited, plus + minus, page, k, is_sharp)

    return [delta(i, c) for i, c in enumerate(chances)]
