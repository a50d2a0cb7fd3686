"""Of k equal layers in one entry each quantity is that of the k, one after the other."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from helpers import as_jax, assert_same, deviation, numpy_data, numpy_params
from quantity import Example, of_arrays

import pure_nn
from pure_nn import quantities as q
from verify import oracles

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("x64")]

NET = pure_nn.Network(("tanh", "sigmoid", "sigmoid", "sigmoid", "softmax"))
SIZES, B, KEY = (3, 4, 4, 4, 4, 3), 6, 7


@functools.cache
def examples() -> tuple[Example, Example]:
    """Layers 2, 3 and 4 each in an entry of its own, and in one"""
    with jax.enable_x64(True):
        params, V = as_jax((numpy_params(SIZES), numpy_params(SIZES, seed=3)))
        X, Y = as_jax(numpy_data(SIZES, B, ""))
        stack, of_V = (pure_nn.stack(x, NET) for x in (params, V))
        return of_arrays(NET, params, X, Y, V), of_arrays(NET, stack, X, Y, of_V)


def by_layer(value: Any) -> Any:
    """The entries of a stack one by one: what stands in the middle has an axis more"""
    first, middle, last = value
    return (first, *(jax.tree.map(lambda x, i=i: x[i], middle) for i in range(3)), last)


def same(value: Any) -> Any:
    return value


def per_example(value: q.PerExample) -> q.PerExample:
    return q.PerExample(by_layer(value.layers), value.all)


def of_cache(f: Callable[..., Any]) -> Callable[[Example], Any]:
    return lambda e: f(e.net, e.cache, e.deltas)


def of_curvature(f: Callable[..., Any], **how: Any) -> Callable[[Example], Any]:
    return lambda e: f(e.net, e.params, e.cache, e.Y, **how)


def sampled(e: Example) -> Any:
    return q.kronecker_factors(e.net, e.params, e.cache, e.Y, key=jax.random.key(KEY))


def scaled(e: Example) -> Any:
    """Examples as many times as they come"""
    times = jnp.arange(1.0, B + 1)
    return (None, *(d * times for d in e.deltas[1:]))


def clipped_by_layer(e: Example) -> Any:
    """Each layer of a stack by itself, all at the C of their entry"""
    return q.clipped_sum(e.net, e.cache, e.deltas, [0.02] * len(e.params)).sum


def stuck(e: Example) -> Any:
    """2 in the place of NaN, of softmax"""
    return jax.tree.map(lambda x: jnp.nan_to_num(x, nan=2.0), q.stuck(e.net, e.cache, 0.24))


TABLE: dict[str, tuple[Callable[[Example], Any], Callable[[Any], Any]]] = {
    "individual_gradients": (of_cache(q.individual_gradients), by_layer),
    "squared_norms": (of_cache(q.squared_norms), per_example),
    "inner_products": (lambda e: q.inner_products(e.net, e.cache, e.deltas, e.V), per_example),
    "gram": (of_cache(q.gram), same),
    "tangent_kernel": (lambda e: q.tangent_kernel(e.net, e.params, e.cache), same),
    "clipped_sum": (lambda e: q.clipped_sum(e.net, e.cache, e.deltas, 1.0).sum, by_layer),
    "clipped_sum by layer": (clipped_by_layer, by_layer),
    "second_moment": (of_cache(q.second_moment), by_layer),
    "variance": (of_cache(q.variance), by_layer),
    "signal_to_noise": (of_cache(q.signal_to_noise), by_layer),
    "noise_scale": (of_cache(q.noise_scale), same),
    "gauss_newton_diagonal": (of_curvature(q.gauss_newton_diagonal), by_layer),
    "kronecker_factors": (of_curvature(q.kronecker_factors, kind="exact"), by_layer),
    "kronecker_factors, sampled": (sampled, by_layer),
    "kronecker_factors, empirical": (
        of_curvature(q.kronecker_factors, kind="empirical"),
        by_layer,
    ),
    "empirical_fisher_product": (
        lambda e: q.empirical_fisher_product(e.net, e.cache, e.deltas, e.V),
        by_layer,
    ),
    "delta_rms": (lambda e: q.delta_rms(e.deltas), same),
    "delta_ratios": (lambda e: q.delta_ratios(e.deltas), same),
    "cosines": (lambda e: q.cosines(e.deltas), by_layer),
    "stuck": (stuck, by_layer),
}


@oracles.compiled
def _everything(e: Example) -> dict[str, Any]:
    return {name: f(e) for name, (f, _) in TABLE.items()}


def turned(e: Example) -> Example:
    """The layers of the stack in the other order, each with the Δ of another"""
    first, middle, last = e.deltas[1:]
    return e._replace(deltas=(None, first, middle[::-1], last))


@functools.cache
def found(of: str) -> dict[str, Any]:
    one_by_one, stacked = examples()
    with jax.enable_x64(True):
        given = {"one by one": one_by_one, "stacked": stacked, "turned": turned(stacked)}[of]
        everything: dict[str, Any] = _everything(given)
    return everything


@pytest.mark.parametrize("name", TABLE)
def test_equals_layer_by_layer(name: str) -> None:
    _, unstacked = TABLE[name]
    assert_same(unstacked(found("stacked")[name]), found("one by one")[name], 1e-12)


OF_DELTAS = [name for name in TABLE if "diagonal" not in name and "stuck" not in name]
OF_DELTAS = [name for name in OF_DELTAS if "kernel" not in name and "kronecker" not in name]


@pytest.mark.parametrize("name", OF_DELTAS)
def test_another_order_of_the_layers_would_be_found(name: str) -> None:
    _, unstacked = TABLE[name]
    assert deviation(unstacked(found("turned")[name]), found("one by one")[name]) > 1e-3
