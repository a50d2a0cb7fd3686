"""Curvature in any arithmetic m that carries bounds.

Of two layers, with an output and a loss as `pure_nn.quantities.output` tells them apart: softmax
under cross-entropy, sigmoid under either cross-entropy, any other under squared error. S and RΔ at
the output are stored in the dtype of the arrays where a backward pass begins with them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pure_nn import quantities as q
from pure_nn.network import Network
from pure_nn.quantities.output import SHARP, SIMPLE, SOFT, pair
from verify.bounds import recipe
from verify.bounds.functions import SECOND
from verify.bounds.quantities import (
    Arithmetic,
    Pairs,
    arranged,
    beside,
    down,
    inner_products,
    mean_sums,
    root,
    row,
    side_by_side,
    wide,
)
from verify.bounds.running import Approximate


def roots(m: Arithmetic, net: Network, params: Any, found: recipe.Quantities, Y: Any) -> list[Any]:
    """S[1 … L] of each class"""
    n, _ = found.Z[-1].shape
    return [down(m, net, params, found, _root(m, net, found, Y, c)) for c in range(n)]


def _root(m: Arithmetic, net: Network, found: recipe.Quantities, Y: Any, c: int) -> Any:
    n, B = found.Z[-1].shape
    one = row(c, n, B)
    if pair(net) == SOFT:
        p = m.probabilities(net.activations[-1], found.Z[-1])
        A, rest = wide(p.A), wide(p.rest)
        column = arranged(lambda rest, A: np.where(one == 1, rest, A), rest, A)
        signs = np.where(one == 1, 1.0, -1.0)
        of_class = root(A[c : c + 1,] * total_of(m, Y))
        return of_class * column * signs
    if pair(net) in SIMPLE:
        return root(_slope(m, net, found, Y)) * m.exact(one)
    return _pull(m, net, found, m.exact(one))


def curved(
    m: Arithmetic, net: Network, found: recipe.Quantities, Y: Any, V: Approximate
) -> Approximate:
    """The Gauss-Newton curvature at the output times V"""
    if pair(net) == SOFT:
        return total_of(m, Y) * _pull(m, net, found, V)
    if pair(net) in SIMPLE:
        return _slope(m, net, found, Y) * V
    return _pull(m, net, found, _pull(m, net, found, V))


def bend_of_output(m: Arithmetic, net: Network, found: recipe.Quantities, Y: Any) -> Any:
    """∂𝓛/∂A ∘ g″ where the curvature goes through A, of squared error; 0 elsewhere"""
    if pair(net) in SIMPLE:
        return 0 * wide(found.Z[-1])
    return (wide(found.A[-1]) - m.exact(Y)) * g_second(m, net, found, len(found.A) - 1)


def _pull(m: Arithmetic, net: Network, found: recipe.Quantities, V: Approximate) -> Approximate:
    Z, A = found.Z[-1], wide(found.A[-1])
    return wide(recipe.pull(m, net.activations[-1], Z, A, V))


def _slope(m: Arithmetic, net: Network, found: recipe.Quantities, Y: Any) -> Approximate:
    """σ′, or Y ∘ σ′"""
    slope = wide(m.g_prime(net.activations[-1], found.Z[-1], found.A[-1]))
    return slope if pair(net) == SHARP else m.exact(Y) * slope


def total_of(m: Arithmetic, Y: Any) -> Approximate:
    """1ᵀY"""
    total: Approximate = m.exact(Y).sum(axis=0, keepdims=True)
    return total


def diagonal(found: recipe.Quantities, passes: Sequence[Any]) -> Any:
    layers = []
    for l, of in enumerate(zip(*passes, strict=True)):
        squares = [S * S for S in of]
        a = wide(found.A[l])
        layers.append(mean_sums(a * a, sum(squares[1:], squares[0])))
    return tuple(layers)


def factors(found: recipe.Quantities, passes: Sequence[Any]) -> tuple[q.Factors, ...]:
    B = found.Z[-1].shape[1]
    G: list[Any] = [S @ S.T / B for S in side_by_side(passes)]
    return tuple(q.Factors(of_inputs(found.A[l]), G_l) for l, G_l in enumerate(G))


def of_inputs(A: Approximate) -> Any:
    ones = wide(A).of(
        np.ones((1, A.shape[1])), np.zeros((0, 1, A.shape[1])), np.zeros((1, A.shape[1]))
    )
    with_ones = arranged(lambda *x: np.concatenate(x), wide(A), ones)
    return with_ones @ with_ones.T / A.shape[1]


def g_second(m: Arithmetic, net: Network, found: recipe.Quantities, l: int) -> Approximate:
    """g″; an extremum within Z ± e adds ½|g⁗|e², less than 3e² of these"""
    Z, name = wide(found.Z[l]), net.activations[l - 1].name
    if name not in SECOND:  # straight, off its kink
        return 0 * Z
    moved = Z.moved(SECOND[name], 32)
    second: Approximate = m.stored(moved.of(moved.x, moved.S, moved.r + 3 * Z.error**2))
    return second


def hessian_diagonal(
    m: Arithmetic, net: Network, params: Any, found: recipe.Quantities, Y: Any
) -> Any:
    """H[ℓ] of two layers: ΣSSᵀ and the bend of the output; below it, of each example,
    (g′ ∘ WᵀH)(W ∘ g′ᵀ) + g″ ∘ WᵀΔ"""
    W, n = m.exact(params[1]["W"]), len(found.Z[-1].x)
    S = [_root(m, net, found, Y, c) for c in range(n)]
    bend = bend_of_output(m, net, found, Y)
    slope = wide(m.g_prime(net.activations[0], found.Z[1], found.A[1]))
    top, below = [], []
    for i in range(found.Z[-1].shape[1]):
        of_example = beside([s[:, i : i + 1] for s in S])
        own = arranged(lambda x: np.diag(x[:, 0]), bend[:, i : i + 1])
        H = of_example @ of_example.T + own
        top.append(_diagonal(H))
        below.append(_diagonal(W.T @ H @ W))
    H_top, pulled = map(beside, (top, below))
    back = W.T @ wide(found.deltas[2])
    H_below = pulled * slope * slope + wide(g_second(m, net, found, 1)) * back
    inputs = [wide(a) for a in found.A[:-1]]
    return tuple(mean_sums(a * a, h) for a, h in zip(inputs, (H_below, H_top), strict=True))


def _diagonal(H: Approximate) -> Approximate:
    return arranged(lambda x: np.diagonal(x)[:, None], H)


def kfra(m: Arithmetic, net: Network, params: Any, found: recipe.Quantities, Y: Any) -> Any:
    B, L = found.Z[-1].shape[1], len(params)
    side = beside([_root(m, net, found, Y, c) for c in range(len(found.Z[-1].x))])
    G: dict[int, Any] = {L: side @ side.T / B}
    for l in range(L - 1, 0, -1):
        W = m.exact(params[l]["W"])
        prime = wide(m.g_prime(net.activations[l - 1], found.Z[l], found.A[l]))
        G[l] = (W.T @ G[l + 1] @ W) * (prime @ prime.T) / B
    return tuple(q.Factors(of_inputs(found.A[l - 1]), G[l]) for l in range(1, L + 1))


# products


def forwards(
    m: Arithmetic, net: Network, params: Any, found: recipe.Quantities, V: Any
) -> tuple[list[Any], list[Any]]:
    """RZ[1 … L], and RA[0 … L-1] of which the first is 0, and so None"""
    RZ: list[Any] = []
    RA: list[Any] = [None]
    for l, (layer, v) in enumerate(zip(params, V, strict=True), 1):
        Z = m.exact(v["W"]) @ wide(found.A[l - 1]) + m.exact(v["b"])
        RZ.append(Z if RA[-1] is None else Z + m.exact(layer["W"]) @ RA[-1])
        if l < len(params):
            slope = m.g_prime(net.activations[l - 1], found.Z[l], found.A[l])
            RA.append(wide(slope) * RZ[-1])
    return RZ, RA


def hessian_product(
    m: Arithmetic, net: Network, params: Any, found: recipe.Quantities, Y: Any, V: Any
) -> Any:
    RZ, RA = forwards(m, net, params, found, V)
    bend = bend_of_output(m, net, found, Y)
    RD = {len(params): curved(m, net, found, Y, RZ[-1]) + bend * RZ[-1]}
    for l in range(len(params) - 1, 0, -1):
        W, v, Δ = m.exact(params[l]["W"]), m.exact(V[l]["W"]), wide(found.deltas[l + 1])
        slope = wide(m.g_prime(net.activations[l - 1], found.Z[l], found.A[l]))
        bend = wide(g_second(m, net, found, l)) * (W.T @ Δ) * RZ[l - 1]
        RD[l] = (v.T @ Δ + W.T @ RD[l + 1]) * slope + bend
    return tuple(_product(found, RD[l], RA[l - 1], l) for l in range(1, len(params) + 1))


def _product(found: recipe.Quantities, RΔ: Approximate, RA: Any, l: int) -> dict[str, Any]:
    of = mean_sums(wide(found.A[l - 1]), RΔ)
    if RA is None:
        return of
    return {**of, "W": of["W"] + wide(found.deltas[l]) @ RA.T / RA.shape[1]}


def gauss_newton_product(
    m: Arithmetic, net: Network, params: Any, found: recipe.Quantities, Y: Any, V: Any
) -> Any:
    RZ, _ = forwards(m, net, params, found, V)
    deltas = down(m, net, params, found, curved(m, net, found, Y, RZ[-1]))
    of = zip(found.A[:-1], deltas, strict=True)
    return tuple(mean_sums(wide(a), d) for a, d in of)


def empirical_fisher_product(m: Arithmetic, of: Pairs, V: Any) -> Any:
    weights: Any = inner_products(m, of, V).all
    return tuple(mean_sums(a, weights[None, :] * d) for a, d in of)
