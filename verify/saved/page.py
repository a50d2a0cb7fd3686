"""What the page's recipe gives for one network, each quantity computed when it is asked for."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from pure_nn.network import Network
from verify.mistakes import forms, recipe
from verify.mistakes.recipe import Pass
from verify.saved.shapes import Arrangement
from verify.saved.values import F64


@dataclasses.dataclass(frozen=True, eq=False)
class Page:
    """Z, A, Δ, dW and db without L2 terms, and the mean of 𝓛"""

    at: Arrangement
    net: Network

    @functools.cached_property
    def forward(self) -> Pass:
        """Its hidden layers are computed once for all outputs."""
        at, hidden = self.at, self.net.activations[:-1]
        if hidden not in at.passes:
            at.passes[hidden] = recipe.forward(self.net, at.params, at.X, at.Y, 0.0, at.masks)
        c, L = at.passes[hidden], len(at.params)
        G = forms.g(self.net.activations[-1], c.Z[L])
        A = G * at.masks.get(L, 1.0)
        return dataclasses.replace(c, net=self.net, G={**c.G, L: G}, A={**c.A, L: A})

    @functools.cached_property
    def deltas(self) -> Mapping[int, F64]:
        return recipe.backward(self.forward).Δ

    @functools.cached_property
    def mean_loss(self) -> float:
        c = self.forward
        return float(np.mean(forms.losses(c.net, c.Z[c.L], c.G[c.L], c.Y)))

    @functools.cached_property
    def _known(self) -> dict[tuple[str, int], F64]:
        return {}

    def __call__(self, kind: str, l: int) -> F64:
        """As page("dW", 2)"""
        if (kind, l) not in self._known:
            with np.errstate(all="ignore"):
                self._known[kind, l] = self._computed(kind, l)
        return self._known[kind, l]

    def _computed(self, kind: str, l: int) -> F64:
        c = self.forward
        if kind in ("Z", "A"):
            return {"Z": c.Z, "A": c.A}[kind][l]
        Δ = c.output if l == c.L else self.deltas[l]
        if kind == "Δ":
            return Δ
        return c.W_sum(l, Δ) if kind == "dW" else c.b_sum(Δ)
