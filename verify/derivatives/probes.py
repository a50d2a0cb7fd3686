"""Where derivatives are taken from values: coordinates, and random directions of unit norm."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from verify.derivatives.programs import Leaves

FEW = 100  # coordinates: all of them are probed
SAMPLED, DIRECTIONS = 48, 8  # coordinates of many; directions
LARGEST = 2e7  # numbers in all directions together

Vector = npt.NDArray[Any]


class Probes(NamedTuple):
    """Directions in which the wanted arrays, as one vector, move: a coordinate times its `scale`,
    or (coordinate −1) a row of `directions`, of which the first is 0."""

    coordinates: Any
    scales: Any
    rows: Any
    directions: Any

    def only(self, which: Any) -> "Probes":
        coordinates, scales, rows = (x[which] for x in self[:3])
        return Probes(coordinates, scales, rows, self.directions)

    def along(self, vector: Vector) -> Vector:
        """⟨vector, d⟩ for each probe d"""
        with np.errstate(invalid="ignore"):  # 0 · ∞, of a vector that is not finite
            of_coordinates = vector[self.coordinates] * self.scales
            of_rows = (self.directions @ vector)[self.rows]
        return np.asarray(np.where(self.coordinates < 0, of_rows, of_coordinates))

    def size_along(self, vector: Vector) -> Vector:
        """√Σ(vᵢdᵢ)², the usual size of ⟨v, d⟩ where v has any signs"""
        with np.errstate(invalid="ignore"):
            of_coordinates = np.abs(vector[self.coordinates] * self.scales)
            squares = (self.directions**2 @ vector**2)[self.rows]
        return np.asarray(np.where(self.coordinates < 0, np.sqrt(squares), of_coordinates))

    def inside(self, known: Vector) -> Vector:
        """Whether each moves only what is known"""
        unknown = ((self.directions != 0) @ ~known)[self.rows] > 0
        return np.asarray(np.where(self.coordinates < 0, ~unknown, known[self.coordinates]))

    def rays(self, n: int) -> Iterator[Vector]:
        """Each probe as a vector"""
        for i, scale, row in zip(self.coordinates, self.scales, self.rows, strict=True):
            ray = np.array(self.directions[row])
            if i >= 0:
                ray[i] = scale
            yield ray


def coordinates_of(indices: Any, size: Vector) -> Probes:
    indices = np.asarray(indices, int)
    rows = np.zeros(len(indices), int)
    return Probes(indices, size[indices], rows, np.zeros((1, size.size)))


def with_directions(
    probes: Probes, spans: Sequence[tuple[int, int]], size: Vector, rng: Any
) -> Probes:
    """And a random direction of unit norm, in units of `size`, for each span of the vector."""
    rows = np.zeros((len(spans) + 1, size.size))
    for row, (start, end) in zip(rows[1:], spans, strict=True):
        row[start:end] = rng.normal(size=end - start)
        row *= size / max(np.linalg.norm(row), np.finfo(float).tiny)
    return Probes(
        np.concatenate([probes.coordinates, np.full(len(spans), -1)]),
        np.concatenate([probes.scales, np.zeros(len(spans))]),
        np.concatenate([probes.rows, np.arange(1, len(spans) + 1)]),
        rows,
    )


def groups_of(groups: Sequence[Any], size: Vector, rng: Any) -> Probes:
    """A direction of unit norm for each group of coordinates, all of its entries of one length, in
    units of `size`, and of random signs: no two errors cancel but by chance."""
    rows, n = np.zeros((len(groups) + 1, size.size)), len(groups)
    for row, group in zip(rows[1:], groups, strict=True):
        row[group] = size[group] * rng.choice([-1.0, 1.0], len(group)) / math.sqrt(len(group))
    return Probes(np.full(n, -1), np.zeros(n), np.arange(1, n + 1), rows)


def sizes(parts: Sequence[Any]) -> Vector:
    """By how much each coordinate moves: its own size, at least what is usual in its leaf (in all
    of them, where the leaf is 0)."""
    flat = [np.abs(np.asarray(x, np.float64)).ravel() for x in parts]
    usual = [math.sqrt(float(np.mean(x**2))) if x.size else 0.0 for x in flat]
    of_all = max(usual) or 1.0
    return np.concatenate([np.maximum(x, u or of_all) for x, u in zip(flat, usual, strict=True)])


def spans(parts: Sequence[Any]) -> list[tuple[int, int]]:
    """Where each leaf stands in the vector"""
    ends = np.cumsum([np.size(x) for x in parts])
    return [(int(end) - np.size(x), int(end)) for x, end in zip(parts, ends, strict=True)]


def sample(
    parts: Sequence[Any], gradient: Vector, suspects: Sequence[int], count: int, rng: Any
) -> list[int]:
    """The suspects, of each leaf the largest entry of the gradient, the smallest and one in
    between, and random ones: `count` of them, whatever they are, for the program that takes them.
    """
    ordered = [start + np.argsort(np.abs(gradient[start:end])) for start, end in spans(parts)]
    columns = [order[[-1, 0, len(order) // 2]].tolist() for order in ordered if len(order)]
    picked = [*suspects, *itertools.chain(*zip(*columns, strict=True))]
    more = rng.integers(len(gradient), size=2 * count).tolist()
    return [*dict.fromkeys([*picked, *more]), *more][:count]


def choose(
    parts: Sequence[Any], gradient: Vector, suspects: Sequence[int], count: int, rng: Any
) -> Probes:
    """Every coordinate where `count` allows, else a sample; and some directions"""
    size, places = sizes(parts), spans(parts)
    everything = size.size <= count
    indices = range(size.size) if everything else sample(parts, gradient, suspects, count, rng)
    several = int(np.clip(LARGEST // max(size.size, 1), 1, min(DIRECTIONS, max(2, count // 4))))
    leaves = [places[i] for i in rng.permutation(len(places))] if len(places) > 1 else []
    chosen = ([(0, size.size)] * 2 + leaves)[:several]
    return with_directions(coordinates_of(indices, size), chosen, size, rng)


def whole(vector: Any, parts: Sequence[Any]) -> Leaves:
    """One vector as arrays of these shapes"""
    ends = np.cumsum([np.size(x) for x in parts])[:-1]
    return [x.reshape(np.shape(y)) for x, y in zip(np.split(vector, ends), parts, strict=True)]
