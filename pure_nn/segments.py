"""A network in segments of some layers each, whole entries of params or parts of a stack."""

import math
from typing import NamedTuple

import jax
from jaxtyping import Array

from pure_nn import dropout, stacked, structure
from pure_nn.dense import Layer
from pure_nn.dropout import Masks
from pure_nn.network import forward, up
from pure_nn.stacked import depth, numbers
from pure_nn.structure import Cache, Grads, Network, Params


class Part(NamedTuple):
    """What a segment has of an entry of params: all of it, or some layers of a stack"""

    entry: int
    begin: int | Array
    size: int

    def of(self, entry: Layer) -> Layer:
        if entry["W"].ndim == 2 or self.size == len(entry["W"]):
            return entry
        part: Layer = jax.tree.map(self._slice, entry)
        return part

    def put(self, into: dict[str, Array], found: dict[str, Array]) -> dict[str, Array]:
        if found["W"].shape == into["W"].shape:
            return found
        return {
            name: jax.lax.dynamic_update_slice_in_dim(into[name], d, self.begin, 0)
            for name, d in found.items()
        }

    def _slice(self, x: Array) -> Array:
        part: Array = jax.lax.dynamic_slice_in_dim(x, self.begin, self.size)
        return part


class Segment(NamedTuple):
    """Some layers in a row, as a network; in a stack `times` segments, of which this is the first.

    No loss of a segment is computed, and squared error goes with every g.
    """

    net: Network
    D: Masks
    parts: tuple[Part, ...]
    times: int = 1

    def above(self, j: int | Array) -> "Segment":
        """The one above j others"""
        parts = (part._replace(begin=part.begin + j * part.size) for part in self.parts)
        return self._replace(parts=tuple(parts), times=1)

    def layers(self, params: Params) -> list[Layer]:
        return [part.of(params[part.entry]) for part in self.parts]

    def forward(self, params: Params, A: Array) -> Cache:
        return forward(self.net, self.layers(params), A, masks=self.D)

    def last(self, params: Params, A: Array) -> Array:
        """A of the last layer alone"""
        layers = self.layers(params)
        of = zip(*structure.by_entry(self.net, layers), self.D, layers, strict=True)
        for g, p, D_below, layer in of:
            A = stacked.last(up, g, layer, dropout.forward(p, D_below, A))
        return A

    def put(self, grads: list[dict[str, Array]], found: Grads) -> None:
        for part, of_part in zip(self.parts, found, strict=True):
            grads[part.entry] = part.put(grads[part.entry], of_part)


def segments(net: Network, params: Params, D: Masks) -> list[Segment]:
    """Of up to s = √(L/3) layers; a stack of more is as many as fit, and one of those left."""
    s = max(1, round(math.sqrt(len(net.activations) / 3)))
    rows: list[tuple[list[Part], int]] = [([], 1)]
    for e, entry in enumerate(params):
        times, rest = divmod(depth(entry) - 1, s)
        if times:
            rows += [([Part(e, 0, s)], times), ([], 1)]
        if sum(part.size for part in rows[-1][0]) + rest + 1 > s:
            rows.append(([], 1))
        rows[-1][0].append(Part(e, times * s, rest + 1))
    below = [l - 1 for l in numbers(params)]
    return [_segment(net, below, D, parts, times) for parts, times in rows if parts]


def _segment(net: Network, below: list[int], D: Masks, parts: list[Part], times: int) -> Segment:
    i = below[parts[0].entry] + int(parts[0].begin)
    j = i + sum(part.size for part in parts)
    of = Network(net.activations[i:j], "squared_error", dropout=net.dropout[i:j])
    return Segment(of, tuple(D[part.entry] for part in parts), tuple(parts), times)
