"""Each quantity is, entry by entry in float64, what autodiff and its definition give."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from helpers import as_numpy, assert_values, deviation
from quantity import NETS, Autodiff, B, Example, autodiff, example, flat, like, per_example

from pure_nn import quantities as q

pytestmark = pytest.mark.usefixtures("x64")

HIDDEN_SOFTMAX = {"hidden softmax"}
BENDING = {"softmax, squared_error", "softmax, binary_cross_entropy"}  # whose J is not diagonal
RTOL = 1e-13


def clip_of(o: Autodiff) -> float:
    """So that some are clipped, and some are not"""
    return float(np.median(np.linalg.norm(o.grads, axis=1)))


def clips_of(o: Autodiff, params: Any) -> list[float]:
    """One for each layer"""
    layers = like(params, o.grads)
    return [float(np.median(np.sqrt(np.sum(rows(layer) ** 2, axis=1)))) for layer in layers]


def rows(layer: Any) -> Any:
    """(B, m) of W and b together"""
    return np.concatenate([x.reshape(len(x), -1) for x in layer.values()], axis=1)


def clipped(e: Example, o: Autodiff) -> q.Clipped:
    C, norms = clip_of(o), np.linalg.norm(o.grads, axis=1)
    c = np.minimum(1, C / norms)
    squares = per_example(e.params, lambda g: np.sum(g**2, axis=1), o.grads)
    return q.Clipped(like(e.params, c @ o.grads), (c,) * 3, squares)


def clipped_by_layer(e: Example, o: Autodiff) -> q.Clipped:
    of = zip(clips_of(o, e.params), like(e.params, o.grads), strict=True)
    c = tuple(np.minimum(1, C / np.linalg.norm(rows(layer), axis=1)) for C, layer in of)
    layers = zip(c, like(e.params, o.grads), strict=True)
    sums = tuple(
        {name: np.einsum("b,bij->ij", c_l, g) for name, g in layer.items()} for c_l, layer in layers
    )
    squares = per_example(e.params, lambda g: np.sum(g**2, axis=1), o.grads)
    return q.Clipped(sums, c, squares)


def noise(e: Example, o: Autodiff) -> q.NoiseScale:
    trace = np.sum(np.var(o.grads, axis=0, ddof=1))
    return q.NoiseScale(trace, np.sum(np.mean(o.grads, axis=0) ** 2) - trace / len(o.grads))


def factors(o: Autodiff, roots: Any) -> tuple[q.Factors, ...]:
    """Of S, (B, C, n) of each layer"""
    found = []
    for A, S in zip(o.A, roots, strict=False):
        A1 = np.concatenate([A, np.ones((len(A), 1))], axis=1)
        found.append(q.Factors(A1.T @ A1 / len(A), np.einsum("bcn,bcm->nm", S, S) / len(A)))
    return tuple(found)


def exact_factors(e: Example, o: Autodiff) -> tuple[q.Factors, ...]:
    values, vectors = np.linalg.eigh(o.bend)
    root = np.sqrt(np.maximum(values, 0))[:, None, :] * vectors
    return factors(o, [np.einsum("bin,bic->bcn", J, root) for J in o.slopes_below])


def angles(e: Example, o: Autodiff) -> Any:
    """Between the gradients, and those of which the example's weights are 1 … B"""
    ones = like(e.params, np.mean(o.grads, axis=0))
    others = like(e.params, np.mean(o.grads * weights(e)[:, None], axis=0))
    pairs = [(flat(one), flat(other)) for one, other in zip(ones, others, strict=True)]
    cosines = [x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in pairs]
    return np.degrees(np.arccos(cosines))


def weights(e: Example) -> Any:
    return np.arange(1.0, e.X.shape[1] + 1)


def weighted(e: Example) -> Any:
    return (None, *(d * weights(e)[None, :] for d in e.deltas[1:]))


def of_cache(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda e, o: f(e.net, e.cache, e.deltas)


TABLE: dict[str, tuple[Callable[..., Any], Callable[..., Any], set[str]]] = {
    "individual_gradients": (
        of_cache(q.individual_gradients),
        lambda e, o: like(e.params, o.grads),
        set(),
    ),
    "squared_norms": (
        of_cache(q.squared_norms),
        lambda e, o: per_example(e.params, lambda g: np.sum(g**2, axis=1), o.grads),
        set(),
    ),
    "inner_products": (
        lambda e, o: q.inner_products(e.net, e.cache, e.deltas, e.V),
        lambda e, o: inner_products(e, o),
        set(),
    ),
    "gram": (of_cache(q.gram), lambda e, o: o.grads @ o.grads.T, set()),
    "tangent_kernel": (
        lambda e, o: q.tangent_kernel(e.net, e.params, e.cache),
        lambda e, o: np.einsum("icp,jdp->icjd", o.of_Z, o.of_Z),
        set(),
    ),
    "clipped_sum": (
        lambda e, o: q.clipped_sum(e.net, e.cache, e.deltas, clip_of(o)),
        clipped,
        set(),
    ),
    "clipped_sum by layer": (
        lambda e, o: q.clipped_sum(e.net, e.cache, e.deltas, clips_of(o, e.params)),
        clipped_by_layer,
        set(),
    ),
    "second_moment": (
        of_cache(q.second_moment),
        lambda e, o: like(e.params, np.mean(o.grads**2, axis=0)),
        set(),
    ),
    "variance": (
        of_cache(q.variance),
        lambda e, o: like(e.params, np.var(o.grads, axis=0)),
        set(),
    ),
    "signal_to_noise": (
        of_cache(q.signal_to_noise),
        lambda e, o: like(e.params, np.mean(o.grads, axis=0) ** 2 / np.var(o.grads, axis=0)),
        set(),
    ),
    "noise_scale": (of_cache(q.noise_scale), noise, set()),
    "gauss_newton_diagonal": (
        lambda e, o: q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y),
        lambda e, o: like(e.params, np.diag(o.gauss_newton)),
        set(),
    ),
    "empirical Fisher diagonal": (
        lambda e, o: q.gauss_newton_diagonal(e.net, e.params, e.cache, e.Y, kind="empirical"),
        lambda e, o: like(e.params, np.mean(o.grads**2, axis=0)),
        set(),
    ),
    "hessian_diagonal": (
        lambda e, o: q.hessian_diagonal(e.net, e.params, e.cache, e.Y, e.deltas),
        lambda e, o: like(e.params, np.diag(o.hessian)),
        HIDDEN_SOFTMAX | BENDING,
    ),
    "kronecker_factors, exact": (
        lambda e, o: q.kronecker_factors(e.net, e.params, e.cache, e.Y, kind="exact"),
        exact_factors,
        set(),
    ),
    "kronecker_factors, empirical": (
        lambda e, o: q.kronecker_factors(e.net, e.params, e.cache, e.Y, kind="empirical"),
        lambda e, o: factors(o, [Δ[:, None, :] for Δ in o.deltas]),
        set(),
    ),
    "hessian_product": (
        lambda e, o: q.hessian_product(e.net, e.params, e.cache, e.Y, e.deltas, e.V),
        lambda e, o: like(e.params, o.hessian @ flat(e.V)),
        set(),
    ),
    "gauss_newton_product": (
        lambda e, o: q.gauss_newton_product(e.net, e.params, e.cache, e.Y, e.V),
        lambda e, o: like(e.params, o.gauss_newton @ flat(e.V)),
        set(),
    ),
    "empirical_fisher_product": (
        lambda e, o: q.empirical_fisher_product(e.net, e.cache, e.deltas, e.V),
        lambda e, o: like(e.params, o.grads.T @ (o.grads @ flat(e.V)) / len(o.grads)),
        set(),
    ),
    "delta_rms": (
        lambda e, o: q.delta_rms(e.deltas),
        lambda e, o: np.array([np.sqrt(np.mean(Δ**2)) for Δ in o.deltas]),
        set(),
    ),
    "delta_ratios": (
        lambda e, o: q.delta_ratios(e.deltas),
        lambda e, o: np.array(
            [np.sqrt(np.mean(Δ**2) / np.mean(o.deltas[-1] ** 2)) for Δ in o.deltas]
        ),
        set(),
    ),
    "cosines": (
        lambda e, o: q.cosines(e.deltas),
        lambda e, o: tuple(unit(Δ) @ unit(Δ).T for Δ in o.deltas),
        set(),
    ),
    "alignment_angles": (
        lambda e, o: q.alignment_angles(e.net, e.cache, e.deltas, weighted(e)),
        angles,
        set(),
    ),
}
CASES = [
    pytest.param(net, name, id=f"{name}-{net}")
    for name, (_, _, refused) in TABLE.items()
    for net in NETS
    if net not in refused
]


def inner_products(e: Example, o: Autodiff) -> q.PerExample:
    each = jax.tree.map(lambda g, v: np.einsum("bij,ij->b", g, v), like(e.params, o.grads), e.V)
    of_all: Any = o.grads @ flat(e.V)
    return q.PerExample(as_numpy(each), of_all)


def unit(Δ: Any) -> Any:
    return Δ / np.linalg.norm(Δ, axis=1, keepdims=True)


@pytest.mark.parametrize(("net", "name"), CASES)
def test_equals_autodiff(net: str, name: str) -> None:
    by_hand, expected, _ = TABLE[name]
    e, o = example(net), autodiff(net)
    assert_values(by_hand(e, o), expected(e, o), RTOL)


def entry_off(tree: Any) -> Any:
    """The largest entry of each leaf, by 1e-12"""
    return jax.tree.map(lambda x: x + 1e-12 * x * (np.abs(x) == np.max(np.abs(x))), as_numpy(tree))


def half_of_an_example(tree: Any) -> Any:
    """As a mean over B + 1"""
    return jax.tree.map(lambda x: x * B / (B + 1), as_numpy(tree))


@pytest.mark.parametrize("mistake", [entry_off, half_of_an_example], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", TABLE)
def test_a_mistake_would_be_found(name: str, mistake: Any) -> None:
    by_hand, expected, _ = TABLE[name]
    e, o = example("identity, squared_error"), autodiff("identity, squared_error")
    assert deviation(mistake(by_hand(e, o)), expected(e, o)) > RTOL


OF_TARGETS = ["gauss_newton_diagonal", "hessian_diagonal", "kronecker_factors, exact"]
OF_TARGETS += ["hessian_product", "gauss_newton_product"]


@pytest.mark.parametrize("name", OF_TARGETS)
def test_targets_taken_to_sum_to_one_would_be_found(name: str) -> None:
    by_hand, expected, _ = TABLE[name]
    e, o = example("softmax, cross_entropy"), autodiff("softmax, cross_entropy")
    normalised = e._replace(Y=e.Y / e.Y.sum(axis=0, keepdims=True))
    assert deviation(by_hand(normalised, o), expected(e, o)) > 1e-3


def test_the_largest_eigenvalue() -> None:
    """Of the Gauss-Newton matrix; and that of the Hessian is another"""
    e, o = example("softmax, cross_entropy"), autodiff("softmax, cross_entropy")
    found = q.largest_eigenvalue(
        lambda V: q.gauss_newton_product(e.net, e.params, e.cache, e.Y, V),
        e.params,
        jax.random.key(0),
        iterations=400,
    )
    values, vectors = np.linalg.eigh(o.gauss_newton)
    v = flat(found.vector)
    assert_values(found.value, np.asarray(values[-1]), 1e-12)
    assert_values(v * np.sign(v @ vectors[:, -1]), vectors[:, -1], 1e-9)
    assert float(found.residual) <= 1e-9 * values[-1]
    assert abs(float(found.value) - np.linalg.eigvalsh(o.hessian)[-1]) > 1e-3
