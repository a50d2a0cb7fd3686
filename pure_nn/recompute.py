"""J and its gradients in one call; and in less memory, where most of the cache is computed again.

The backward pass reads Z and A of all L layers, and leaves every Δ. With `recompute`, only the A
that every s-th layer reads is kept. Then from the top, one segment of s layers after another:

    Z, A        forward, from the A that was kept
    Δ, grads    steps 2 and 3;  W[1]ᵀΔ[1] of this segment is ∂𝓛/∂A of the one below

so that L/s + 3s arrays are held in the place of 3L, the fewest with s = √(L/3). The forward pass
alone is computed twice. Griewank & Walther, Evaluating Derivatives (2008), chapter 12.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

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
from pure_nn.segments import Segment, segments
from pure_nn.stacked import bottom, first, top
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
        return _by_segments(net, Problem(params, weights, l2), X, Y, D)
    cache = forward(net, params, X, key=key, masks=masks)
    grads, _ = backward(net, params, cache, Y, weights=weights, l2=l2)
    return penalized(cost_of(net, cache, Y, weights), params, l2), grads


class Problem(NamedTuple):
    """What all segments are given"""

    params: Params
    weights: Array | None
    l2: Lambda


def _by_segments(net: Network, of: Problem, X: Array, Y: Array, D: Masks) -> tuple[Array, Params]:
    *lower, highest = segments(net, of.params, D)
    A, kept = X, []
    for segment in lower:
        A, read = _upwards(segment, of.params, A)
        kept.append(read)
    cache = highest.forward(of.params, A)
    J, Δ = cost_of(net, cache, Y, of.weights), output_delta(net, cache, Y)
    grads: list[Any] = [_room(layer) for layer in of.params]
    found, dA = _back(highest, of, cache, Δ)
    highest.put(grads, found)
    for segment, read in zip(lower[::-1], kept[::-1], strict=True):
        dA = _downwards(segment, of, read, dA, grads)
    return penalized(J, of.params, of.l2), structure.like(of.params, tuple(grads))


def _room(layer: Layer) -> Mapping[str, Array]:
    """Of the shapes of the gradients; of a stack, parts of which are written one by one, zeros"""
    return layer if layer["W"].ndim == 2 else jax.tree.map(jnp.zeros_like, dict(layer))


def _upwards(segment: Segment, params: Params, A: Array) -> tuple[Array, Array]:
    """A of the last layer; and what is kept, the A that the segment reads, or each of them"""
    if segment.times == 1:
        return segment.last(params, A), A

    def one(A: Array, j: Array) -> tuple[Array, Array]:
        return segment.above(j).last(params, A), A

    found: tuple[Array, Array] = jax.lax.scan(one, A, jnp.arange(segment.times))
    return found


def _downwards(segment: Segment, of: Problem, kept: Array, dA: Array, grads: list[Any]) -> Array:
    """∂𝓛/∂A below the segment, whose gradients go into `grads`"""
    if segment.times == 1:
        found, dA = _again(segment, of, _after(dA, kept), dA)
        segment.put(grads, found)
        return dA

    def one(done: Array, carry: tuple[Any, Array]) -> tuple[Any, Array]:
        into, dA = carry
        j = segment.times - 1 - done
        A = jax.lax.dynamic_index_in_dim(kept, j, keepdims=False)
        (found,), dA = _again(segment.above(j), of, A, dA)
        return segment.above(j).parts[0].put(into, found), dA

    e = segment.parts[0].entry
    grads[e], dA = jax.lax.fori_loop(0, segment.times, one, (grads[e], dA))
    return dA


def _after(dA: Array, A: Array) -> Array:
    """A, but not before dA is known: no number exceeds infinity.

    Otherwise a compiler finds that what follows was computed before, and keeps all of it, or
    computes all of it ahead. An optimization_barrier holds the first off, but not the second: it
    is gone before the order is chosen.
    """
    return jnp.where(dA[0, 0] > jnp.inf, 0, A)


def _again(segment: Segment, of: Problem, A: Array, dA: Array) -> tuple[Grads, Array]:
    """The cache from A, and `_back` from the dA above it"""
    cache = segment.forward(of.params, A)
    Δ = segment.net.activations[-1].pull(top(cache.Z[-1]), top(cache.A[-1]), dA)
    return _back(segment, of, cache, Δ)


def _back(segment: Segment, of: Problem, cache: Cache, Δ: Array) -> tuple[Grads, Array]:
    """Steps 2 and 3 in a segment, from the Δ of its last layer; and ∂𝓛/∂A below it"""
    net, layers = segment.net, segment.layers(of.params)
    deltas = backpropagate(net, layers, cache, Δ)
    grads = decayed(mean_gradients(net, cache, deltas, of.weights), layers, of.l2)
    dA = transpose(1, first(layers[0]), bottom(deltas[1]))
    dA = dropout.pull(net.dropout[0], segment.D[0], dA)
    return structure.rounded(grads, cache.A[0].dtype), dA
