"""What is proven: a hand-written equation beside its references, on the same arrays.

There are two: `jax.grad` or `jax.vjp` of the page's forward form, and the page's recipe to many
digits, which judges both. Of whole networks many digits would take too long, and `jax.grad` in
float64 is the judge. Every entry of every result has a bound of its own, of `verify.bounds`. The
rows are in `verify.rules`, `verify.public` and `verify.networks`.
"""

import contextlib
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

from pure_nn.network import Network
from verify import bounds
from verify.bounds import recipe
from verify.bounds.arithmetic import Careful, ManyDigits, Textbook, in_many_digits
from verify.errors import Comparison, compare, unit_roundoff, worst_ulps

Arrays = tuple[Any, ...]
Draw = Callable[[np.random.Generator], Arrays]
OFF_KINKS = 3e-4  # beyond what float32 loses of a z in any network of the design


class How(NamedTuple):
    """In which dtype, and whether under jit."""

    dtype: str
    compiled: bool

    def __str__(self) -> str:
        return f"{self.dtype} {'jit' if self.compiled else 'eager'}"


HOWS = tuple(itertools.starmap(How, itertools.product(("float64", "float32"), (True, False))))


class Judged(NamedTuple):
    """What one way of a case gives, and `jax.grad` in the same dtype on the same arrays.

    ULPs are those of the largest entry of a leaf; NaN of `jax.grad` where it is the judge. It is
    held to bounds itself in float64, where it has to agree with many digits.
    """

    ours: Comparison
    ulps: float
    autodiff: Comparison | None
    autodiff_ulps: float

    @property
    def ok(self) -> bool:
        return self.ours.ok and (self.autodiff is None or self.autodiff.ok)

    @property
    def is_by_autodiff(self) -> bool:
        """Whether `jax.grad` is itself the judge"""
        return math.isnan(self.autodiff_ulps)


class Truth(NamedTuple):
    """What is expected, as the sum of two trees, what each leaf is held to, and in which ULPs."""

    expected: Any
    below: Any
    bounds: Any
    dtypes: Any
    dtype: str

    def ulps(self, got: Any) -> float:
        return worst_ulps(got, self.expected, self.below, self.dtype)


@dataclasses.dataclass(frozen=True)
class Case:
    """All give the same tree from what `draw` gives; the reference is compiled.

    `recipe(m, *arrays)` is in the arithmetic m.
    """

    name: str
    by_hand: Callable[..., Any]
    reference: Callable[..., Any]
    recipe: Callable[..., Any]
    draw: Draw
    many_digits: bool = True

    def check(self, how: How) -> Judged:
        """All are given the same numbers, those of the dtype."""
        arrays = self.arrays(how.dtype)
        truth, held, ulps = _truth(dataclasses.replace(self, by_hand=_nothing), how.dtype)
        with _arithmetic():
            got = (jax.jit(self.by_hand) if how.compiled else self.by_hand)(*arrays)
        ours = compare(got, truth.expected, truth.bounds, truth.dtypes)
        return Judged(ours, math.nan if ours.fault else truth.ulps(got), held, ulps)

    def arrays(self, dtype: str) -> Arrays:
        with _arithmetic():
            arrays: Arrays = rounded(self.draw(np.random.default_rng(0)), dtype)
        return arrays

    def bounds(self, arithmetic: Careful, arrays: Arrays) -> Any:
        return bounds.errors(bounds.run(self.recipe, arithmetic, arrays))


def _nothing(*arrays: Any) -> None:
    """In place of what is judged: the truth does not hang on it."""


@contextlib.contextmanager
def _arithmetic() -> Iterator[None]:
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        yield


@functools.cache
def _truth(case: Case, dtype: str) -> tuple[Truth, Comparison | None, float]:
    """The same for all ways of a dtype, and how far `jax.grad` is from it."""
    arrays = case.arrays(dtype)
    truth = (_of_many_digits if case.many_digits else _of_autodiff)(case, arrays, dtype)
    if not case.many_digits and dtype == "float64":
        return truth, None, math.nan
    with _arithmetic():
        autodiff = case.reference(*arrays)
    if dtype != "float64":
        return truth, None, truth.ulps(autodiff)
    held_to = bounds.total(case.bounds(Textbook(dtype), arrays), _roundings(truth.expected))
    found = compare(autodiff, truth.expected, held_to, truth.dtypes)
    return truth, found, truth.ulps(autodiff)


def _of_many_digits(case: Case, arrays: Arrays, dtype: str) -> Truth:
    expected, below = in_many_digits(lambda: bounds.run(case.recipe, ManyDigits(), arrays))
    approximate = bounds.run(case.recipe, Careful(dtype), arrays)
    held_to = bounds.total(bounds.errors(approximate), _roundings(expected))
    return Truth(expected, below, held_to, bounds.dtypes(approximate, dtype), dtype)


def _of_autodiff(case: Case, arrays: Arrays, dtype: str) -> Truth:
    """On the CPU, where float64 is what it says, whatever device is judged"""
    with _arithmetic(), jax.default_device(jax.local_devices(backend="cpu")[0]):
        expected = jax.tree.map(np.asarray, case.reference(*rounded(arrays, "float64")))
    approximate = bounds.run(case.recipe, Careful(dtype), arrays)
    of_reference = case.bounds(bounds.of_reference(dtype), arrays)
    held_to = bounds.total(bounds.errors(approximate), of_reference)
    below = jax.tree.map(np.zeros_like, expected)
    return Truth(expected, below, held_to, bounds.dtypes(approximate, dtype), dtype)


def _roundings(expected: Any) -> Any:
    """What many digits lose in float64"""
    return jax.tree.map(lambda x: unit_roundoff("float64") * np.abs(x), expected)


def drawing(net: Network, sizes: Sequence[int], B: int) -> Draw:
    """Draws params, X, Y and weights until no gradient is all zeros and no z beside its kink.

    Sums may cancel: their bounds know it. But all precisions have to be on one side of a kink.
    """

    def draw(rng: np.random.Generator) -> Arrays:
        arrays = _draw(rng, net, sizes, B)
        while not _fit_to_compare(net, arrays):
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


def _fit_to_compare(net: Network, arrays: Arrays) -> bool:
    def of_network(m: Any, *arrays: Any) -> recipe.Quantities:
        return recipe.network(m, net, *arrays)

    found = bounds.run(of_network, Careful("float32", tracked=False), arrays)
    kinks = [
        np.min(np.abs(z.x)) > OFF_KINKS
        for g, z in zip(net.activations, found.Z[1:], strict=True)
        if g.name in ("relu", "leaky_relu")
    ]
    return all(kinks) and all(np.any(leaf.x) for layer in found.grads for leaf in layer.values())


def rounded(tree: Any, dtype: DTypeLike) -> Any:
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x), dtype), tree)
