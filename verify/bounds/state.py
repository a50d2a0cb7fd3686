"""The state of the Δs in any arithmetic m that carries bounds, and an eigenvalue."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pure_nn.network import Network
from verify.bounds import recipe
from verify.bounds.quantities import Arithmetic, Pairs, arranged, mean_sums, root
from verify.bounds.running import Approximate, Floats


def largest_eigenvalue(m: Arithmetic, W: Floats) -> Approximate:
    """Of WWᵀ, of n rows: vᵀ(W(Wᵀv)) is four sums long, and v of norm 1 but for a fifth"""
    size = np.sum(W**2)
    value = np.asarray(np.linalg.eigvalsh(W @ W.T)[-1])
    error = np.asarray(m.unit.gamma(6 * sum(W.shape)) * size)
    exact: Approximate = m.exact(value)
    return exact.of(value, exact.S, error)


def rms(of: Pairs) -> Approximate:
    each = [root(total(d * d) / d.x.size, 8) for _, d in of]
    return arranged(lambda *x: np.concatenate(x), *each)


def ratios(of: Pairs) -> Approximate:
    found = rms(of)
    return found / found[-1:,]


def cosines(of: Pairs) -> Any:
    units = [d / root((d * d).sum(axis=0, keepdims=True), 4) for _, d in of]
    return tuple(unit.T @ unit for unit in units)


def stuck(m: Arithmetic, net: Network, found: recipe.Quantities, below: float) -> Any:
    """Off by the share of those that rounding may take to the other side"""
    shares = []
    for l, g in enumerate(net.activations, 1):
        slope = m.g_prime(g, found.Z[l], found.A[l])
        share = m.exact(np.mean(np.abs(slope.x) < below, axis=1))
        off = np.mean(np.abs(np.abs(slope.x) - below) <= slope.error, axis=1)
        shares.append(share.rounded(share.x, share.S, off))
    return tuple(shares)


def angles(of: Pairs, others: Sequence[Approximate]) -> Approximate:
    found = []
    for (a, d), other in zip(of, others, strict=True):
        one, two = mean_sums(a, d).values(), mean_sums(a, other).values()
        cosine = _inner(one, two) / root(_inner(one, one) * _inner(two, two))
        found.append(cosine.moved(lambda x: np.degrees(np.arccos(np.clip(x, -1, 1))), 16))
    return arranged(lambda *x: np.concatenate(x), *found)


def _inner(xs: Any, ys: Any) -> Any:
    terms = [total(x * y) for x, y in zip(xs, ys, strict=True)]
    return sum(terms[1:], terms[0])


def total(x: Approximate) -> Approximate:
    """The sum of all entries, as the only one"""
    return x.sum(axis=1, keepdims=True).sum(axis=0)
