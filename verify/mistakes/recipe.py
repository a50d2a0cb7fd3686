"""The page's recipe in NumPy and float64, with a place for a mistake at every step.

Δ[ℓ]  = (W[ℓ+1]ᵀΔ[ℓ+1] ∘ M[ℓ]) ∘ g′(Z[ℓ])        M: dropout's mask over keep, 1 without
dW[ℓ] = (1/B) Δ[ℓ]A[ℓ-1]ᵀ + λW[ℓ]
db[ℓ] = (1/B) Σ Δ[ℓ]
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pure_nn.network import Network
from verify.mistakes import forms
from verify.mistakes.forms import F64

Of = dict[int, F64]  # by the page's index


@dataclasses.dataclass(frozen=True, eq=False)
class Pass:
    """A network, its data and their forward pass; all by the page's index, A[0] = X."""

    net: Network
    W: Of
    b: Of
    Y: F64
    Z: Of
    G: Of  # g(Z[ℓ]), before dropout
    A: Of
    M: Of
    l2: float = 0.0

    @property
    def L(self) -> int:
        return len(self.W)

    @property
    def B(self) -> int:
        return int(self.A[0].shape[1])

    def scale(self, l: int) -> float:
        """Dropout's 1/keep of layer ℓ, or 1 where nothing was kept that shows it"""
        return float(np.max(self.M[l])) or 1.0

    @property
    def names(self) -> dict[int, str]:
        return dict(enumerate((g.name for g in self.net.activations), 1))

    @property
    def lengths(self) -> dict[str, int]:
        return {"B": self.B} | {f"n[{l}]": len(A) for l, A in self.A.items()}

    @functools.cached_property
    def prime(self) -> Of:
        """g′(Z[ℓ])"""
        g = dict(enumerate(self.net.activations, 1))
        return {l: forms.g_prime(g[l], self.Z[l], self.G[l]) for l in g}

    @functools.cached_property
    def output(self) -> F64:
        """Δ[L]"""
        L = self.L
        return forms.output_delta(self.net, self.Z[L], self.G[L], self.Y)

    def pull(self, l: int, dA: F64) -> F64:
        """Δ[ℓ] of ∂𝓛/∂A[ℓ]"""
        return forms.pull(self.net.activations[l - 1], self.Z[l], self.G[l], dA)

    def W_sum(self, l: int, Δ: F64, A: F64 | None = None) -> F64:
        summed = Δ @ (self.A[l - 1] if A is None else A).T / self.B
        return summed + self.l2 * self.W[l] if self.l2 else summed

    def b_sum(self, Δ: F64) -> F64:
        return np.asarray(np.sum(Δ, axis=1, keepdims=True) / self.B)


@dataclasses.dataclass(eq=False)
class Run:
    """What a backward pass left: Δ[ℓ], and ∂𝓛/∂A[ℓ] (with the mask) where it was pulled."""

    Δ: Of = dataclasses.field(default_factory=dict)
    dA: Of = dataclasses.field(default_factory=dict)


def forward(
    net: Network,
    params: Sequence[Mapping[str, Any]],
    X: Any,
    Y: Any,
    l2: float = 0.0,
    masks: Mapping[int, Any] | None = None,
) -> Pass:
    """Z[ℓ] = W[ℓ]A[ℓ-1] + b[ℓ],  A[ℓ] = g(Z[ℓ]) ∘ M[ℓ]"""
    W = {l: np.asarray(layer["W"], np.float64) for l, layer in enumerate(params, 1)}
    b = {l: np.asarray(layer["b"], np.float64) for l, layer in enumerate(params, 1)}
    Z: Of = {}
    G: Of = {}
    A, M = {0: np.asarray(X, np.float64)}, dict(masks or {})
    for l, g in enumerate(net.activations, 1):
        Z[l] = W[l] @ A[l - 1] + b[l]
        G[l] = forms.g(g, Z[l])
        A[l] = G[l] * M.get(l, 1.0)
    return Pass(net, W, b, np.asarray(Y, np.float64), Z, G, A, M, l2)


def right(c: Pass, run: Run, l: int) -> F64:
    """Δ[ℓ], after ∂𝓛/∂A[ℓ] = W[ℓ+1]ᵀΔ[ℓ+1] ∘ M[ℓ]"""
    if l == c.L:
        return c.output
    run.dA[l] = c.W[l + 1].T @ run.Δ[l + 1] * c.M.get(l, 1.0)
    return c.pull(l, run.dA[l])


def backward(c: Pass, made: Mapping[int, F64] | None = None) -> Run:
    """Δ[L … 1], where mistakes have made other Δ of some."""
    run = Run()
    for l in range(c.L, 0, -1):
        Δ = right(c, run, l)
        run.Δ[l] = (made or {}).get(l, Δ)
    return run
