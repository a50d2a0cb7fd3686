"""What rounding does to many entries at once, carried down in absolute values, as it all adds up.

A z so near a kink that rounding may take it across: which side it is on is one choice. And
underflow, which takes alike entries the same way: of numbers that may hold the mean already, so
that it is B times as large in Δ.
"""

import numpy as np

from verify.mistakes.forms import F64
from verify.mistakes.recipe import Of, Pass

KINKED = ("relu", "leaky_relu")
SIGMAS = 8.0


def near(c: Pass, l: int, variance: F64) -> F64:
    """1 where z of this variance may lie on either side of a kink, else 0"""
    if c.names[l] not in KINKED:
        return np.zeros_like(c.Z[l])
    return (np.abs(c.Z[l]) < SIGMAS * np.sqrt(variance)).astype(np.float64)


def errors(c: Pass, dA: Of, variances: Of, η: float) -> dict[str, F64]:
    """Of Δ[ℓ], db[ℓ] and dW[ℓ], by the variances of Z[ℓ] and what underflow takes from a number"""
    found: dict[str, F64] = {}
    Δ = near(c, c.L, variances[c.L]) * np.abs(c.G[c.L] - c.Y) + c.B * η
    for l in range(c.L, 0, -1):
        if l < c.L:
            above = np.abs(c.W[l + 1]).T @ Δ * c.M.get(l, 1.0) + c.B * η
            Δ = _pulled(c, l, above, dA[l], variances[l]) + c.B * η
        below = np.abs(c.A[l - 1]).T
        found |= {f"Δ[{l}]": Δ, f"dW[{l}]": Δ @ below / c.B}
        found[f"db[{l}]"] = np.sum(Δ, axis=1, keepdims=True) / c.B
    return found


def _pulled(c: Pass, l: int, above: F64, dA: F64, variance: F64) -> F64:
    """|g′| of what comes from above, and all of it and of ∂𝓛/∂A where g′ may be the other one"""
    if c.names[l] == "softmax":
        A = c.G[l]
        return np.asarray(A * (above + np.sum(A * above, axis=0, keepdims=True)))
    return np.asarray(np.abs(c.prime[l]) * above + near(c, l, variance) * (np.abs(dA) + above))
