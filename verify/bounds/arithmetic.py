"""The functions of the page in three arithmetics, so that one recipe gives values and bounds.

ManyDigits   the exact values, by mpmath
Careful      bounds for pure_nn's forms, which keep their digits (`verify.accuracy` counts them)
Textbook     bounds for the forms on paper: a(1 − a), 1 − a², 1 − A, log A, dA − AᵀdA; so for
             `jax.grad` too
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from jaxtyping import DTypeLike

from pure_nn.precision import wide_dtype
from pure_nn.types import Activation, Loss
from verify import oracles
from verify.bounds.functions import ELEMENTWISE, by_jax, in_numpy, log_σ, others, over, σ, σ_prime
from verify.bounds.roundoff import EXACT, unit
from verify.bounds.running import Approximate, exact

# Each in u of its result: 5, 4 and 8 ULPs, which pure_nn keeps to; NumPy and jax.nn round less.
ROUNDINGS = {"g": 10, "g′": 8, "softmax": 16, "own": 16}


class Probabilities(NamedTuple):
    """A, 1 − A, and the logarithms of both."""

    A: Any
    rest: Any
    log_A: Any
    log_rest: Any


class ManyDigits:
    """Arrays of numbers of mpmath, as many digits as its context has."""

    def exact(self, x: Any) -> Any:
        return np.frompyfunc(mpmath.mpf, 1, 1)(np.asarray(x, np.float64))

    def stored(self, x: Any) -> Any:
        return x

    kept = independent = stored

    def g(self, g: Activation, Z: Any) -> Any:
        if g.name == "softmax":
            return self.probabilities(g, Z).A
        return ELEMENTWISE[g.name][0](Z, oracles.MPMATH, **dict(g.constants))

    def g_prime(self, g: Activation, Z: Any, A: Any) -> Any:
        return ELEMENTWISE[g.name][1](Z, oracles.MPMATH, **dict(g.constants))

    def probabilities(self, g: Activation, Z: Any) -> Probabilities:
        m = oracles.MPMATH
        if g.name == "sigmoid":
            A, rest = oracles.sigmoid(Z, m), oracles.sigmoid(-Z, m)
        else:
            E = m.exp(Z - Z.max(axis=0, keepdims=True))
            A, rest = (x / E.sum(axis=0, keepdims=True) for x in (E, self.others(E)))
        return Probabilities(A, rest, m.log(A), m.log(rest))

    def others(self, x: Any) -> Any:
        """Σ_{k≠i} xₖ, column by column"""
        return x.sum(axis=0, keepdims=True) - x

    def others_of_targets(self, Y: Any) -> Any:
        return self.others(Y)

    def in_a_sum(self, x: Any) -> Any:
        return x

    def from_top(self, A: Any, dA: Any) -> Any:
        return dA


class Careful:
    """Numbers that carry a bound; computed in `wide`, by default at least float32, and rounded."""

    def __init__(
        self, dtype: DTypeLike, wide: DTypeLike | None = None, *, tracked: bool = True
    ) -> None:
        self.unit = unit(wide or wide_dtype(jnp.dtype(dtype)))
        self.storage, self.is_tracked = unit(dtype), tracked

    def exact(self, x: Any) -> Approximate:
        return exact(x, self.unit)

    def stored(self, x: Approximate) -> Approximate:
        return x.stored(self.storage)

    def kept(self, x: Approximate) -> Approximate:
        """Stored, for the backward pass to meet again"""
        return self.stored(x).tracked() if self.is_tracked else self.stored(x)

    def independent(self, x: Approximate) -> Approximate:
        return x.independent()

    def g(self, g: Activation, Z: Approximate) -> Approximate:
        if g.name == "softmax":
            A: Approximate = self._softmax(Z, ROUNDINGS["softmax"]).A
            return A
        form = in_numpy(g)
        return Z.applied(form.value, form.prime, ROUNDINGS["own" if form.is_own else "g"])

    def g_prime(self, g: Activation, Z: Approximate, A: Approximate) -> Approximate:
        form = in_numpy(g)
        roundings = ROUNDINGS["own" if form.is_own else "g′"]
        if form.second is None:
            return Z.moved(form.prime, roundings)
        return Z.applied(form.prime, form.second, roundings)

    def probabilities(self, g: Activation, Z: Approximate) -> Probabilities:
        if g.name == "softmax":
            return self._softmax(Z, ROUNDINGS["softmax"])
        k = ROUNDINGS["g"]
        A, rest = (z.applied(σ, σ_prime, k) for z in (Z, -Z))
        log_A, log_rest = (z.applied(log_σ, lambda x: σ(-x), k) for z in (Z, -Z))
        return Probabilities(A, rest, log_A, log_rest)

    def _softmax(self, Z: Approximate, roundings: Any) -> Probabilities:
        """In exact arithmetic, and then so many roundings of each result"""
        below = Z.in_units(EXACT) - np.max(Z.x, axis=0, keepdims=True)
        E = below.applied(np.exp, np.exp, 0)
        total, rest = E.sum(axis=0, keepdims=True), self.others(E)
        found = Probabilities(
            E / total, rest / total, below - _log(total), _log(rest) - _log(total)
        )
        A, rest, log_A, log_rest = (x.in_units(Z.unit) for x in found)
        more = roundings * self.unit.u * np.log(len(Z.x))  # log_rest adds up two logarithms
        return Probabilities(
            A.rounded(A.x, A.S, A.r, roundings).within(1.0),
            A.rounded(rest.x, rest.S, rest.r, roundings).within(1.0),
            A.rounded(log_A.x, log_A.S, log_A.r, roundings),
            A.rounded(log_rest.x, log_rest.S, log_rest.r + more, 2 * roundings),
        )

    def others(self, x: Approximate) -> Approximate:
        largest = np.arange(len(x.x))[:, None] == np.argmax(x.x, axis=0)[None, :]
        y, S, r, size = (others(part, largest) for part in (x.x, x.S, x.r, x.size))
        return x.summed(y, S, r, size, len(x.x))

    def others_of_targets(self, Y: Approximate) -> Approximate:
        """ΣY − Y, which rounds nothing where the targets are whole"""
        k = 0 if np.all(Y.x == np.rint(Y.x)) else len(Y.x)
        size = np.sum(Y.size, axis=0, keepdims=True)
        return Y.summed(np.sum(Y.x, axis=0, keepdims=True) - Y.x, Y.S, Y.r, size, k)

    def in_a_sum(self, x: Approximate) -> Approximate:
        """x, off also by its share in the sum over its column, from which it is taken away"""
        return x.summed(x.x, x.S, x.r, 2 * x.size, len(x.x))

    def from_top(self, A: Approximate, dA: Approximate) -> Approximate:
        """dA − dA_top of the largest A, which of itself is 0 without error"""
        top = np.arange(len(A.x))[:, None] == np.argmax(A.x, axis=0)[None, :]
        x, S, r = (np.where(top, y, 0).sum(axis=-2, keepdims=True) for y in (dA.x, dA.S, dA.r))
        d = dA - dA.of(x, S, r)
        return d.of(d.x, np.where(top, 0, d.S), np.where(top, 0, d.r))

    def own_losses(
        self, loss: Loss, g: Activation, Z: Approximate, A: Approximate, Y: Approximate
    ) -> Approximate:
        """𝓛 of a user's own loss moves by Σ|∂𝓛/∂A|e"""
        value: Any = by_jax(lambda Z, A, Y: loss.value(Z, A, Y, g))(Z.x, A.x, Y.x)
        moved = np.sum(np.abs(by_jax(loss.dA)(A.x, Y.x)) * A.error, axis=0)
        return A.rounded(value, np.zeros((0, *value.shape)), moved, ROUNDINGS["own"] + len(A.x))

    def own_dA(self, loss: Loss, A: Approximate, Y: Approximate) -> Approximate:
        dA = by_jax(loss.dA)
        return A.moved(lambda x: dA(x, Y.x), ROUNDINGS["own"])


class Textbook(Careful):
    """As `Careful`, but for what cancels on paper."""

    def g_prime(self, g: Activation, Z: Approximate, A: Approximate) -> Approximate:
        if g.name == "sigmoid":
            return A * (1 - A)
        return 1 - A * A if g.name == "tanh" else super().g_prime(g, Z, A)

    def probabilities(self, g: Activation, Z: Approximate) -> Probabilities:
        A = self.g(g, Z)
        rest = 1 - A
        log_A, log_rest = (p.applied(np.log, over, ROUNDINGS["g"]) for p in (A, rest))
        return Probabilities(A, rest, log_A, log_rest)

    def g(self, g: Activation, Z: Approximate) -> Approximate:
        """Softmax: z − max is rounded before its exp, and the sum is over all in turn"""
        if g.name != "softmax":
            return super().g(g, Z)
        exponents = 3 * np.max(Z.size, axis=0, keepdims=True) + Z.size
        A: Approximate = self._softmax(Z, exponents + len(Z.x) + ROUNDINGS["softmax"]).A
        return A

    def from_top(self, A: Approximate, dA: Approximate) -> Approximate:
        return dA


def _log(x: Approximate) -> Approximate:
    return x.applied(np.log, over, 0)


def in_many_digits(f: Callable[[], Any]) -> tuple[Any, Any]:
    """The tree of numbers of mpmath that f() gives, as the sum of two trees of float64 arrays"""
    with mpmath.workdps(oracles.DIGITS):
        tree = f()
        sums = [oracles.as_sum(np.asarray(leaf)) for leaf in jax.tree.leaves(tree)]
    high, low = zip(*sums, strict=True)
    return jax.tree.unflatten(jax.tree.structure(tree), high), list(low)
