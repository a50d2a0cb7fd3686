"""After dropout each example's gradient is that of what was kept of it; the curvature refuses."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from helpers import as_jax, assert_values, deviation, numpy_data, numpy_params
from quantity import SIZES, Example, flat, like, of_arrays, per_example

import pure_nn
from pure_nn import quantities as q

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("x64")]

NET = pure_nn.Network(("tanh", "leaky_relu", "softmax"), dropout=(0.25, 0.4, 0.5))
B, RTOL, CLIP = 6, 1e-13, 1.0


def dropped() -> tuple[Example, Any]:
    """And the gradients (B, P), by autodiff of the cost of each column with its own masks"""
    rng, p = np.random.default_rng(5), zip(NET.dropout, SIZES[:-1], strict=True)
    masks = tuple(rng.uniform(size=(n, B)) >= share for share, n in p)
    params, V, data = numpy_params(SIZES), numpy_params(SIZES, 3), numpy_data(SIZES, B, "")
    params, X, Y, V = as_jax((params, *data, V))

    @jax.jit
    def of_one(x: Any, y: Any, D: Any) -> Any:
        columns = (x[:, None], y[:, None]), tuple(mask[:, None] for mask in D)
        (X, Y), masks = columns
        return jax.grad(lambda params: pure_nn.cost(NET, params, X, Y, masks=masks))(params)

    grads = jax.vmap(of_one, (1, 1, 1))(X, Y, masks)
    rows = np.concatenate([x.reshape(B, -1) for x in jax.tree.leaves(grads)], axis=1)
    return of_arrays(NET, params, X, Y, V, masks=masks), rows


def table(e: Example, grads: Any) -> dict[str, tuple[Any, Any]]:
    of, params = (e.net, e.cache, e.deltas), e.params
    c, V = np.minimum(1, CLIP / np.linalg.norm(grads, axis=1)), flat(e.V)
    squares = per_example(params, lambda g: np.sum(g**2, axis=1), grads)
    return {
        "individual_gradients": (q.individual_gradients(*of), like(params, grads)),
        "squared_norms": (q.squared_norms(*of), squares),
        "inner_products": (q.inner_products(*of, e.V).all, grads @ V),
        "gram": (q.gram(*of), grads @ grads.T),
        "clipped_sum": (q.clipped_sum(*of, CLIP).sum, like(params, c @ grads)),
        "second_moment": (q.second_moment(*of), like(params, np.mean(grads**2, axis=0))),
        "variance": (q.variance(*of), like(params, np.var(grads, axis=0))),
        "noise_scale": (q.noise_scale(*of).trace, np.sum(np.var(grads, axis=0, ddof=1))),
        "empirical_fisher_product": (
            q.empirical_fisher_product(*of, e.V),
            like(params, grads.T @ (grads @ V) / B),
        ),
    }


def test_equals_autodiff_and_undropped_units_would_be_found() -> None:
    e, grads = dropped()
    undropped = e._replace(cache=pure_nn.Cache(*e.cache))
    of_undropped = table(undropped, grads)
    for name, (got, expected) in table(e, grads).items():
        assert_values(got, np.asarray(expected) if name == "noise_scale" else expected, RTOL)
        assert deviation(of_undropped[name][0], expected) > 1e-2, name


REFUSED: dict[str, Callable[[Example], Any]] = {
    "kfra_factors": lambda e: q.kfra_factors(e.net, e.params, e.cache, e.Y),
    "hessian_diagonal": lambda e: q.hessian_diagonal(e.net, e.params, e.cache, e.Y, e.deltas),
    "hessian_product": lambda e: q.hessian_product(e.net, e.params, e.cache, e.Y, e.deltas, e.V),
    "gauss_newton_product": lambda e: q.gauss_newton_product(e.net, e.params, e.cache, e.Y, e.V),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_curvature_of_a_dropped_network_is_refused(name: str) -> None:
    e, _ = dropped()
    message = f"{name}: expected a cache without dropout; forward without key and masks"
    with pytest.raises(ValueError, match=message):
        REFUSED[name](e)
