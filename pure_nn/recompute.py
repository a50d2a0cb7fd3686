"""J and its gradients in one call; and in less memory, where most of the cache is computed again.

The backward pass reads Z and A of all L layers, and leaves every Δ. With `recompute`, only the A
that every s-th layer reads is kept. Then from the top, one segment of s layers after another:

    Z, A        forward, from the A that was kept
    Δ, grads    steps 2 and 3;  W[1]ᵀΔ[1] of this segment is ∂𝓛/∂A of the one below

so that L/s + 3s arrays are held in the place of 3L: fewest for s = √(L/3). Only the forward pass
is computed twice. Griewank & Walther, Evaluating Derivatives (2008), chapter 12.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn import dropout, structure
from pure_nn.dense import Layer
from pure_nn.dropout import Masks
from pure_nn.l2 import Lambda, decayed, penalized
from pure_nn.network import (
    backpropagate,
    backward,
    cost_of,
    forward,
    mean_gradients,
    output_delta,
    transpose,
)
from pure_nn.stacked import bottom, depth, first, numbers, top
from pure_nn.structure import Cache, Grads, Network, Params


def value_and_grad(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    weights: Float[Array, " B"] | None = None,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
    l2: Lambda = 0.0,
    recompute: bool = False,
) -> tuple[Float[Array, ""], Params]:
    """J and its gradients: what `jax.value_and_grad` of `cost` gives, by hand.

    With `recompute`, some √L of the activations are kept and the others are computed again: less
    memory for a second forward pass, and the same gradients.
    """
    if recompute:
        D = structure.drawn(net, params, X.shape[1], key) if masks is None else masks
        return _by_segments(net, params, X, Y, weights, D, l2)
    cache = forward(net, params, X, key=key, masks=masks)
    grads, _ = backward(net, params, cache, Y, weights=weights, l2=l2)
    return penalized(cost_of(net, cache, Y, weights), params, l2), grads


class Part(NamedTuple):
    """What one segment has of an entry of params: all of it, or some layers of a stack"""

    entry: int
    begin: int
    end: int

    def of(self, entry: Layer) -> Layer:
        if entry["W"].ndim == 2:
            return entry
        part: Layer = jax.tree.map(lambda x: x[self.begin : self.end], entry)
        return part

    def put(self, into: dict[str, Array], found: dict[str, Array]) -> dict[str, Array]:
        if found["W"].ndim == 2:
            return found
        begin = self.begin
        return {
            name: jax.lax.dynamic_update_slice_in_dim(into[name], d, begin, 0)
            for name, d in found.items()
        }


class Segment(NamedTuple):
    """Some layers in a row, as a network; D is what they read"""

    net: Network
    D: Masks
    parts: tuple[Part, ...]

    def layers(self, params: Params) -> list[Layer]:
        return [part.of(params[part.entry]) for part in self.parts]

    def forward(self, params: Params, A: Array) -> Cache:
        return forward(self.net, self.layers(params), A, masks=self.D)


def _by_segments(
    net: Network, params: Params, X: Array, Y: Array, weights: Array | None, D: Masks, l2: Lambda
) -> tuple[Array, Params]:
    segments, A = _segments(net, params, D), [X]
    for segment in segments[:-1]:
        A.append(top(segment.forward(params, A[-1]).A[-1]))
    cache = segments[-1].forward(params, A[-1])
    J, Δ = cost_of(net, cache, Y, weights), output_delta(net, cache, Y)
    grads = [jax.tree.map(jnp.zeros_like, dict(layer)) for layer in params]
    for n in range(len(segments) - 1, -1, -1):
        found, dA = _back(segments[n], params, cache, Δ, weights, l2)
        for part, of_part in zip(segments[n].parts, found, strict=True):
            grads[part.entry] = part.put(grads[part.entry], of_part)
        if n > 0:
            cache, Δ = _again(segments[n - 1], params, A[n - 1], dA)
    return penalized(J, params, l2), structure.like(params, tuple(grads))


def _back(
    segment: Segment, params: Params, cache: Cache, Δ: Array, weights: Array | None, l2: Lambda
) -> tuple[Grads, Array]:
    """Steps 2 and 3 in a segment, from the Δ of its last layer; and ∂𝓛/∂A below it"""
    net, layers = segment.net, segment.layers(params)
    deltas = backpropagate(net, layers, cache, Δ)
    grads = decayed(mean_gradients(net, cache, deltas, weights), layers, l2)
    dA = transpose(1, first(layers[0]), bottom(deltas[1]))
    dA = dropout.pull(net.dropout[0], segment.D[0], dA)
    return structure.rounded(grads, cache.A[0].dtype), dA


def _again(segment: Segment, params: Params, A: Array, dA: Array) -> tuple[Cache, Array]:
    """The cache of a segment, and the Δ of its last layer

    The barrier has this forward pass wait for what comes from above. Without it the compiler finds
    that it was computed before, and keeps it.
    """
    A = jnp.where(dA[0, 0] > jnp.inf, 0, A)
    cache = segment.forward(params, A)
    return cache, segment.net.activations[-1].pull(top(cache.Z[-1]), top(cache.A[-1]), dA)


def _segments(net: Network, params: Params, D: Masks) -> list[Segment]:
    """Layers 1 … s, s+1 … 2s, and so on to L"""
    L = len(net.activations)
    s = max(1, round(math.sqrt(L / 3)))
    return [_segment(net, params, D, i, min(i + s, L)) for i in range(0, L, s)]


def _segment(net: Network, params: Params, D: Masks, i: int, j: int) -> Segment:
    """Layers i+1 … j. No loss of theirs is computed, and squared error goes with every g."""
    parts = tuple(
        Part(e, max(i - l + 1, 0), min(j - l + 1, depth(entry)))
        for e, (l, entry) in enumerate(zip(numbers(params), params, strict=True))
        if i - l + 1 < depth(entry) and l <= j
    )
    g, p = net.activations[i:j], net.dropout[i:j]
    of_parts = tuple(D[part.entry] for part in parts)
    return Segment(Network(g, "squared_error", dropout=p), of_parts, parts)
