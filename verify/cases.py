"""What is proven: a hand-written equation beside its reference, on the same arrays.

The reference is `jax.grad` or `jax.vjp` of the page's forward form, in float64. Every entry of
every result is compared; `verify.rules` and `verify.networks` hold the rows.
"""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

from pure_nn.network import Network
from verify import oracles
from verify.errors import ROUNDINGS_PER_RULE, Comparison, compare

Arrays = tuple[Any, ...]


class How(NamedTuple):
    """In which dtype, and whether under jit."""

    dtype: str
    compiled: bool


HOWS = tuple(itertools.starmap(How, itertools.product(("float64", "float32"), (True, False))))


@dataclasses.dataclass(frozen=True)
class Case:
    """Both functions give the same tree from what `draw` gives; the reference is compiled."""

    name: str
    by_hand: Callable[..., Any]
    reference: Callable[..., Any]
    draw: Callable[[np.random.Generator], Arrays]
    roundings: int = ROUNDINGS_PER_RULE

    def check(self, how: How) -> Comparison:
        """Both are given the same numbers, those of the dtype."""
        with jax.enable_x64(True), jax.default_matmul_precision("highest"):
            arrays = rounded(self.draw(np.random.default_rng(0)), how.dtype)
            by_hand = jax.jit(self.by_hand) if how.compiled else self.by_hand
            got = by_hand(*arrays)
            expected = self.reference(*rounded(arrays, "float64"))
        return compare(got, expected, roundings=self.roundings, dtype=how.dtype)


def drawing(net: Network, sizes: Sequence[int], B: int) -> Callable[[np.random.Generator], Arrays]:
    """Draws params, X, Y and weights until their gradients are fit to compare."""

    def draw(rng: np.random.Generator) -> Arrays:
        arrays = _draw(rng, net, sizes, B)
        while not _fit_to_compare(net, *arrays):
            arrays = _draw(rng, net, sizes, B)
        return arrays

    return draw


def _draw(rng: np.random.Generator, net: Network, sizes: Sequence[int], B: int) -> Arrays:
    params = tuple(
        {"W": rng.normal(0, 1.2 / np.sqrt(n_in), (n, n_in)), "b": rng.normal(0, 0.3, (n, 1))}
        for n_in, n in itertools.pairwise(sizes)
    )
    X, Y = rng.normal(size=(sizes[0], B)), rng.uniform(size=(sizes[-1], B))
    return params, X, Y, rng.uniform(0.5, 2, B)


def _fit_to_compare(net: Network, params: Any, *data: Any) -> bool:
    """No sum is zero or small beside its terms, and every z is on one side of 0.

    What cancels is not what is compared here, and precisions agree on the side of a kink where
    |z| is beyond the rounding of all of them.
    """
    (_, grads), (Z, A, Δ) = jax.tree.map(np.asarray, oracles.audit(net, params, *data))
    sums = [(g["W"], np.abs(d) @ np.abs(a).T) for g, d, a in zip(grads, Δ, A[:-1], strict=True)]
    sums += [(g["b"], np.abs(d)) for g, d in zip(grads, Δ, strict=True)]
    sums += [
        (p["W"].T @ d, np.abs(p["W"]).T @ np.abs(d)) for p, d in zip(params[1:], Δ[1:], strict=True)
    ]
    kept = [np.max(np.abs(total)) > 0.1 * np.max(terms) for total, terms in sums]
    beside_the_kink = [np.min(np.abs(z)) > 1e-5 for z in Z]
    wrong_enough = np.max(np.abs(Δ[-1])) * A[0].shape[1] > 0.05
    return all([*kept, *beside_the_kink, wrong_enough])


def rounded(tree: Any, dtype: DTypeLike) -> Any:
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x), dtype), tree)
