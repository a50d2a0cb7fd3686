"""The laws that pure_nn's gradients obey, one row each: no oracle is needed for them.

Of the network's gradient, of Ŷ and of Δ, and of backpropagation as a linear function of Δ[L].
"""

import dataclasses
import functools
import math
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

import pure_nn
from pure_nn.network import Network
from verify import errors
from verify.cases import How, Judged, drawing, rounded
from verify.laws import check_laws, check_rule_laws
from verify.laws.plan import LAWS
from verify.report import Finding

NET, SIZES, B = Network(("leaky_relu", "softmax")), (3, 4, 3), 5
SEED = 0
CALLS, EAGER_CALLS, OF_NUMPY = "two calls", "two calls, eagerly", "arguments left alone"
NAMES = (CALLS, EAGER_CALLS, *(name for name in LAWS if name != OF_NUMPY))


@dataclasses.dataclass(frozen=True)
class Lawful:
    """A row of the proof: one law, of everything that it is a law of."""

    name: str

    def check(self, how: How) -> Judged:
        """Compiled and eagerly at once, as that is a law; one that was not tried is a fault."""
        found = [f.comparison for f in findings(how.dtype) if f.how == f"law: {self.name}"]
        worst = errors.worst(found)
        return Judged(worst, max((c.ulps for c in found), default=math.nan), None, math.nan)


def all_laws() -> Iterator[Lawful]:
    yield from map(Lawful, NAMES)


@functools.cache
def findings(dtype: str) -> tuple[Finding, ...]:
    """Of all laws at once, which share what they compare with"""
    with jax.enable_x64(True):
        params, X, Y, _ = rounded(drawing(NET, SIZES, B)(np.random.default_rng(SEED)), dtype)
        Y = Y / Y.sum(axis=0, keepdims=True)
    args = jax.tree.map(np.asarray, (params, X, Y))
    more: dict[str, Any] = {"outputs": _outputs, "deltas": _deltas, "activations": NET}
    of_gradient = check_laws(_value_and_grad, args, seed=SEED, **more)
    of_pull = check_rule_laws(_logits, _pull, args[:2], examples=(1,), seed=SEED)
    return of_gradient.findings + of_pull.findings


def _value_and_grad(params: Any, X: Any, Y: Any) -> Any:
    return pure_nn.value_and_grad(NET, params, X, Y)


def _outputs(params: Any, X: Any, Y: Any) -> Any:
    return pure_nn.predict(NET, params, X)


def _deltas(params: Any, X: Any, Y: Any) -> Any:
    cache = pure_nn.forward(NET, params, X)
    return pure_nn.backpropagate(NET, params, cache, pure_nn.output_delta(NET, cache, Y))[1:]


def _logits(params: Any, X: Any) -> Any:
    """Z[L], and what is needed to pull Δ[L] back"""
    cache = pure_nn.forward(NET, params, X)
    return cache.Z[-1], (params, cache)


def _pull(res: Any, delta_L: Any) -> Any:
    """Sums over the examples, where `gradients` gives means; and the input's, which has no 1/B"""
    params, cache = res
    deltas = pure_nn.backpropagate(NET, params, cache, delta_L)
    means = pure_nn.gradients(NET, cache, deltas)
    sums = jax.tree.map(lambda mean: mean * delta_L.shape[1], means)
    return sums, pure_nn.input_gradient(NET, params, deltas)
