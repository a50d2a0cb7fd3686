"""What is proven: a hand-written equation beside its reference, on the same arrays.

The reference is `jax.grad` or `jax.vjp` of the page's forward form, in float64. Every entry of
every result is compared; `verify.rules` and `verify.networks` hold the rows.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

from pure_nn.network import Network
from verify import oracles
from verify.errors import ROUNDINGS_PER_RULE, Comparison, compare, relative

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
        return compare(got, expected, relative(expected, self.roundings, how.dtype), how.dtype)


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
    kept = [
        np.max(np.abs(total)) > 0.1 * np.max(terms)
        for total, terms in (
            *_forward_sums(net, params, Z, A),
            *_backward_sums(params, grads, A, Δ),
        )
    ]
    beside_the_kink = [np.min(np.abs(z)) > 1e-5 for z in Z]
    wrong_enough = np.max(np.abs(Δ[-1])) * A[0].shape[1] > 0.05
    return all([*kept, *beside_the_kink, wrong_enough])


def _forward_sums(net: Network, params: Any, Z: Any, A: Any) -> Iterator[tuple[Any, Any]]:
    """Each Z, its positive part where only that counts, beside the sizes of its terms."""
    for g, layer, z, a in zip(net.activations, params, Z, A[:-1], strict=True):
        terms = np.abs(layer["W"]) @ np.abs(a) + np.abs(layer["b"])
        yield np.maximum(z, 0) if g.name in ("relu", "leaky_relu") else z, terms


def _backward_sums(params: Any, grads: Any, A: Any, Δ: Any) -> Iterator[tuple[Any, Any]]:
    """Each ∂J/∂W, ∂J/∂b and WᵀΔ beside the sizes of its terms."""
    for grad, a, d in zip(grads, A[:-1], Δ, strict=True):
        yield grad["W"], np.abs(d) @ np.abs(a).T
        yield grad["b"], np.abs(d)
    for layer, d in zip(params[1:], Δ[1:], strict=True):
        yield layer["W"].T @ d, np.abs(layer["W"]).T @ np.abs(d)


def rounded(tree: Any, dtype: DTypeLike) -> Any:
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x), dtype), tree)
