"""How each quantity scales in B, without an oracle: of a batch twice over, and of its columns in
another order."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_jax, as_numpy, assert_same, deviation, numpy_data, numpy_params
from quantity import Example, of_arrays

import pure_nn
from pure_nn import quantities as q
from verify import oracles

pytestmark = pytest.mark.usefixtures("x64")

ORDER = np.array([3, 0, 5, 1, 4, 2])
NET, SIZES, B = pure_nn.Network(("tanh", "sigmoid")), (3, 4, 2), 6


class Law(NamedTuple):
    """What belongs to examples is there twice along `axes`; and a sum is `factor` times as much"""

    axes: tuple[int, ...] = ()
    factor: float = 1.0

    def twice(self, x: Any) -> Any:
        return self.factor * functools.reduce(_twice_over, self.axes, x)

    def permuted(self, x: Any) -> Any:
        return functools.reduce(lambda x, axis: np.take(x, ORDER, axis), self.axes, x)


def _twice_over(x: Any, axis: int) -> Any:
    return np.concatenate([x, x], axis)


MEAN, SUM = Law(), Law(factor=2.0)
FIRST, LAST, PAIRS = Law((0,)), Law((-1,)), Law((0, 1))


def of_cache(f: Callable[..., Any]) -> Callable[[Example], Any]:
    return lambda e: f(e.net, e.cache, e.deltas)


def of_curvature(f: Callable[..., Any], **how: Any) -> Callable[[Example], Any]:
    return lambda e: f(e.net, e.params, e.cache, e.Y, **how)


def clipped_sum(e: Example) -> Any:
    found = q.clipped_sum(e.net, e.cache, e.deltas, 1.0)
    return found.sum, (found.factors, found.squared_norms)


def noise_scale(e: Example) -> Any:
    """tr Σ as if all were seen, the mean over B and not over B − 1; and ‖ḡ‖², of both parts"""
    found, B = q.noise_scale(e.net, e.cache, e.deltas), e.X.shape[1]
    return found.trace * (B - 1) / B, found.squared_norm + found.trace / B


def two_batch_noise_scale(e: Example) -> Any:
    norms = q.squared_norms(e.net, e.cache, e.deltas).all
    return q.two_batch_noise_scale(jnp.mean(norms), jnp.mean(norms) / 3, 1, 8)


def feedback(e: Example, *, direct: bool = False) -> Any:
    return q.random_feedback(jax.random.key(0), e.params, direct=direct)


def by_rule(rule: Callable[[Example], Any]) -> Callable[[Example], Any]:
    """The Δs that a rule gives, below the output"""

    def deltas(e: Example) -> Any:
        found = pure_nn.backpropagate(e.net, e.params, e.cache, e.deltas[-1], rule=rule(e))
        return found[1:]

    return deltas


def angles(e: Example) -> Any:
    others = by_rule(lambda e: q.sign_symmetric)(e)
    return q.alignment_angles(e.net, e.cache, e.deltas, (None, *others))


def largest_eigenvalue(e: Example) -> Any:
    def product(V: Any) -> Any:
        return q.gauss_newton_product(e.net, e.params, e.cache, e.Y, V)

    return q.largest_eigenvalue(product, e.params, jax.random.key(0), iterations=3).value


TABLE: dict[str, tuple[Callable[[Example], Any], Any]] = {
    "individual_gradients": (of_cache(q.individual_gradients), FIRST),
    "squared_norms": (of_cache(q.squared_norms), LAST),
    "inner_products": (lambda e: q.inner_products(e.net, e.cache, e.deltas, e.V), LAST),
    "gram": (of_cache(q.gram), PAIRS),
    "tangent_kernel": (lambda e: q.tangent_kernel(e.net, e.params, e.cache), Law((0, 2))),
    "clipped_sum": (clipped_sum, (SUM, LAST)),
    "second_moment": (of_cache(q.second_moment), MEAN),
    "variance": (of_cache(q.variance), MEAN),
    "signal_to_noise": (of_cache(q.signal_to_noise), MEAN),
    "noise_scale": (noise_scale, MEAN),
    "two_batch_noise_scale": (two_batch_noise_scale, MEAN),
    "gauss_newton_diagonal": (of_curvature(q.gauss_newton_diagonal), MEAN),
    "hessian_diagonal": (
        lambda e: q.hessian_diagonal(e.net, e.params, e.cache, e.Y, e.deltas),
        MEAN,
    ),
    "kronecker_factors": (of_curvature(q.kronecker_factors, kind="exact"), MEAN),
    "kfra_factors": (of_curvature(q.kfra_factors), MEAN),
    "hessian_product": (
        lambda e: q.hessian_product(e.net, e.params, e.cache, e.Y, e.deltas, e.V),
        MEAN,
    ),
    "gauss_newton_product": (
        lambda e: q.gauss_newton_product(e.net, e.params, e.cache, e.Y, e.V),
        MEAN,
    ),
    "empirical_fisher_product": (
        lambda e: q.empirical_fisher_product(e.net, e.cache, e.deltas, e.V),
        MEAN,
    ),
    "largest_eigenvalue": (largest_eigenvalue, MEAN),
    "delta_rms": (lambda e: q.delta_rms(e.deltas), MEAN),
    "delta_ratios": (lambda e: q.delta_ratios(e.deltas), MEAN),
    "cosines": (lambda e: q.cosines(e.deltas), PAIRS),
    "stuck": (lambda e: q.stuck(e.net, e.cache, 0.24), MEAN),
    "random_feedback": (feedback, MEAN),
    "feedback_alignment": (by_rule(lambda e: q.feedback_alignment(feedback(e))), LAST),
    "direct_feedback": (
        by_rule(lambda e: q.direct_feedback(feedback(e, direct=True), e.deltas[-1])),
        LAST,
    ),
    "sign_symmetric": (by_rule(lambda e: q.sign_symmetric), LAST),
    "alignment_angles": (angles, MEAN),
    "observed": (
        lambda e: q.observed(e.net, "squared_norms")(e.cache, e.deltas, e.params),
        LAST,
    ),
    "value_and_grad": (
        lambda e: q.value_and_grad(e.net, e.params, e.X, e.Y, also=("second_moment",)),
        MEAN,
    ),
}


def public() -> set[str]:
    return {name for name, x in vars(q).items() if name[0].islower() and callable(x)}


def test_every_quantity_states_its_law() -> None:
    assert set(TABLE) == public() - {"sampled_delta"}  # which a batch of another size draws anew
    assert "gram" in public()


COLUMNS = {"once": np.arange(B), "twice": np.tile(np.arange(B), 2), "permuted": ORDER}


@oracles.compiled
def _everything(e: Example) -> dict[str, Any]:
    return {name: f(e) for name, (f, _) in TABLE.items()}


@functools.cache
def found(batch: str) -> dict[str, Any]:
    """All quantities of a batch, of it twice over, and of it in another order"""
    X, Y = (x[:, COLUMNS[batch]] for x in numpy_data(SIZES, B, NET.loss.name))
    arrays = numpy_params(SIZES), X, Y, numpy_params(SIZES, seed=3)
    with jax.enable_x64(True):
        of_batch: dict[str, Any] = as_numpy(_everything(of_arrays(NET, *as_jax(arrays))))
    return of_batch


def by_law(law: Any, change: str, value: Any) -> Any:
    """Part by part, where parts have laws of their own"""
    if isinstance(law, Law):
        return jax.tree.map(getattr(law, change), value)
    return tuple(by_law(own, change, part) for own, part in zip(law, value, strict=True))


@pytest.mark.parametrize("name", TABLE)
def test_twice_over(name: str) -> None:
    _, law = TABLE[name]
    assert_same(found("twice")[name], by_law(law, "twice", found("once")[name]), 1e-12)


@pytest.mark.parametrize("name", TABLE)
def test_in_another_order(name: str) -> None:
    _, law = TABLE[name]
    assert_same(found("permuted")[name], by_law(law, "permuted", found("once")[name]), 1e-12)


def agree(got: Any, expected: Any) -> bool:
    shapes = jax.tree.map(np.shape, got) == jax.tree.map(np.shape, expected)
    return shapes and deviation(got, expected) <= 1e-12


MISTAKES = {
    "a mean is no sum": ("second_moment", SUM),
    "a sum is no mean": ("clipped_sum", (MEAN, LAST)),
    "a pair is no example": ("gram", LAST),
    "an example is no pair": ("squared_norms", FIRST._replace(factor=2.0)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_another_law_would_be_found(mistake: str) -> None:
    name, law = MISTAKES[mistake]
    assert not agree(found("twice")[name], by_law(law, "twice", found("once")[name]))


@pytest.mark.parametrize("name", [n for n, (_, law) in TABLE.items() if law in (LAST, PAIRS)])
def test_an_order_that_is_lost_would_be_found(name: str) -> None:
    assert deviation(found("permuted")[name], found("once")[name]) > 1e-3
