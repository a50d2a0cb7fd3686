"""The networks of the vectors and their inputs, which are integers times powers of two.

The integers are the upper 53 bits of Knuth's MMIX generator modulo 2⁶⁴ (TAOCP 3.3.4, table 1),

    sₙ₊₁ = 6364136223846793005 sₙ + 1442695040888963407,   s₀ = the seed of the network

so that no library, language or machine draws others.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator

Matrix = list[list[float]]
BITS, FEW_BITS = 53, 12


@dataclasses.dataclass(frozen=True)
class Design:
    """A network of the vectors and how its inputs are drawn.

    W lies between −scale and scale, b between half of them. On a `kink` b is 0, X has a column of
    zeros, a unit of layer 1 cancels on another, and all have few bits, so that sums are exact.
    """

    name: str
    activations: tuple[str, ...]
    loss: str
    sizes: tuple[int, ...]
    B: int
    targets: str
    purpose: str
    scale: float = 1.0
    kink: bool = False
    seed: int = 1


def inputs(design: Design) -> dict[str, Matrix]:
    """X, Y and each W[ℓ] and b[ℓ], drawn in this order, row by row"""
    drawn, bits = _integers(design.seed), FEW_BITS if design.kink else BITS
    found = {"X": _matrix(drawn, design.sizes[0], design.B, 2.0, bits)}
    found["Y"] = _TARGETS[design.targets](drawn, design.sizes[-1], design.B)
    for l, (n_in, n) in enumerate(itertools.pairwise(design.sizes), start=1):
        found[f"W[{l}]"] = _matrix(drawn, n, n_in, design.scale, bits)
        found[f"b[{l}]"] = _matrix(drawn, n, 1, design.scale / 2, bits)
    return _on_the_kink(found) if design.kink else found


def _integers(state: int) -> Iterator[int]:
    while True:
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        yield state >> 11


def _matrix(drawn: Iterator[int], n: int, B: int, scale: float = 1.0, bits: int = BITS) -> Matrix:
    """k · scale/2^(bits−1) with −2^(bits−1) ≤ k < 2^(bits−1)"""

    def number() -> float:
        k = (next(drawn) >> (BITS - bits)) - 2 ** (bits - 1)
        return math.ldexp(k, 1 - bits) * scale

    return [[number() for _ in range(B)] for _ in range(n)]


def _on_the_kink(found: dict[str, Matrix]) -> dict[str, Matrix]:
    """Column 1 of X is 0; W[1] has (1, 1, 0, …) in row 1, and X has x, −x in column 2."""
    X, W = found["X"], found["W[1]"]
    for row in X:
        row[0] = 0.0
    X[1][1] = -X[0][1]
    W[0] = [1.0, 1.0, *(0.0 for _ in W[0][2:])]
    biases = {name: [[0.0] for _ in b] for name, b in found.items() if name.startswith("b")}
    return found | biases


# targets


def _bits(drawn: Iterator[int], n: int, B: int) -> Matrix:
    return [[float(next(drawn) >> (BITS - 1)) for _ in range(B)] for _ in range(n)]


def _one_hot(drawn: Iterator[int], n: int, B: int) -> Matrix:
    labels = [next(drawn) % n for _ in range(B)]
    return [[float(label == i) for label in labels] for i in range(n)]


def _between(drawn: Iterator[int], n: int, B: int) -> Matrix:
    """Odd multiples of 2⁻⁵³, between 0 and 1"""
    return [[math.ldexp(next(drawn) | 1, -BITS) for _ in range(B)] for _ in range(n)]


def _shares(drawn: Iterator[int], n: int, B: int) -> Matrix:
    """The gaps between n − 1 points of 20 bits: the sum of a column is 1 exactly."""
    columns = []
    for _ in range(B):
        cuts = [0, *sorted(next(drawn) >> (BITS - 20) for _ in range(n - 1)), 2**20]
        columns.append([math.ldexp(b - a, -20) for a, b in itertools.pairwise(cuts)])
    return [list(row) for row in zip(*columns, strict=True)]


_TARGETS = {
    "bits": _bits,
    "one-hot": _one_hot,
    "between": _between,
    "shares": _shares,
    "real": _matrix,
}
