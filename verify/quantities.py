"""What A and Δ give besides the gradient beside autodiff's, on networks of two unlike layers.

A row proves several functions, as they share what autodiff is asked for: `vmap` of `jax.grad`,
`jax.jacrev` and `jax.hessian`, from which each quantity follows by its definition.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pure_nn
from pure_nn import quantities as q
from pure_nn.network import Network
from pure_nn.precision import widen
from verify import definitions, recipes
from verify.bounds import curvature, recipe
from verify.cases import Arrays, Case, drawing
from verify.definitions import BELOW, CLIP, NET, SIZES, B


def all_quantities() -> Iterator[Case]:
    """Of one row the name has all functions that it proves."""
    for names, (by_hand, reference, of_recipe) in QUANTITIES.items():
        in_any = recipes.recipe_of(of_recipe)
        yield Case(names, by_hand, reference, in_any, _draw, many_digits=False)
    for name, net in definitions.OTHERS.items():
        yield _of_other(net, f"{', '.join(BENDING)}: {name}")


def _of_other(net: Network, name: str) -> Case:
    """The curvature of a network whose output and loss are others"""

    def by_hand(params: Any, X: Any, Y: Any, V: Any) -> Any:
        cache = pure_nn.forward(net, params, X)
        deltas = pure_nn.backward(net, params, cache, Y)[1]
        return _bending((net, params, cache, Y), deltas, V)

    def of_recipe(m: Any, params: Any, X: Any, Y: Any, V: Any) -> Any:
        of = net, params, recipe.network(m, net, params, X, Y), Y
        return recipes.bending(m, of, curvature.roots(m, *of), V)

    def draw(rng: np.random.Generator) -> Arrays:
        params, X, Y, _ = drawing(net, SIZES, B)(rng)
        return params, X, Y, _direction(rng, params)

    reference = functools.partial(definitions.bending, net)
    return Case(name, by_hand, reference, of_recipe, draw, many_digits=False)


def _draw(rng: np.random.Generator) -> Arrays:
    """params, X, Y, a direction V, and feedback matrices F[2]"""
    params, X, Y, _ = drawing(NET, SIZES, B)(rng)
    V = _direction(rng, params)
    return params, X, Y, V, (rng.normal(size=params[1]["W"].T.shape),)


def _direction(rng: np.random.Generator, params: Any) -> Any:
    return jax.tree.map(lambda x: rng.normal(size=x.shape), params)


# by hand


def _passed(params: Any, X: Any, Y: Any) -> tuple[Any, Any]:
    cache = pure_nn.forward(NET, params, X)
    return cache, pure_nn.backward(NET, params, cache, Y)[1]


def _examples(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    cache, deltas = of = _passed(params, X, Y)
    return (
        q.individual_gradients(NET, *of),
        q.squared_norms(NET, *of),
        q.inner_products(NET, *of, V),
        q.gram(NET, *of),
        q.tangent_kernel(NET, params, cache),
        q.observed(NET, "cosines")(cache, deltas, params)["cosines"],
    )


def _sums(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    of = _passed(params, X, Y)
    norms = q.squared_norms(NET, *of).all
    return (
        q.clipped_sum(NET, *of, CLIP),
        q.second_moment(NET, *of),
        q.variance(NET, *of),
        q.signal_to_noise(NET, *of),
        q.noise_scale(NET, *of),
        q.two_batch_noise_scale(norms[0], norms[1], 3, 8),
        q.value_and_grad(NET, params, X, Y, also=("second_moment",))[2]["second_moment"],
    )


def _curvature(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    cache, deltas = _passed(params, X, Y)
    of = NET, params, cache, Y
    return (
        *_bending(of, deltas, V),
        q.kronecker_factors(*of, kind="exact"),
        q.kronecker_factors(*of, kind="empirical"),
        q.kfra_factors(*of),
        q.empirical_fisher_product(NET, cache, deltas, V),
    )


def _bending(of: recipes.Passed, deltas: Any, V: Any) -> Any:
    return (
        q.gauss_newton_diagonal(*of),
        q.hessian_diagonal(*of, deltas),
        q.gauss_newton_product(*of, V),
        q.hessian_product(*of, deltas, V),
    )


def _state(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    cache, deltas = _passed(params, X, Y)
    rules = q.feedback_alignment(F), q.direct_feedback(F, deltas[-1]), q.sign_symmetric
    others = [pure_nn.backpropagate(NET, params, cache, deltas[-1], rule=rule) for rule in rules]
    W, key = widen(params[0]["W"]), jax.random.key(0)
    found = q.largest_eigenvalue(lambda v: jnp.matmul(W, jnp.matmul(W.T, v)), W[:, 0], key)
    return (
        q.delta_rms(deltas),
        q.delta_ratios(deltas),
        q.cosines(deltas),
        q.stuck(NET, cache, BELOW),
        others,
        q.alignment_angles(NET, cache, deltas, others[0]),
        found.value,
    )


BENDING = "gauss_newton_diagonal", "hessian_diagonal", "gauss_newton_product", "hessian_product"
QUANTITIES: dict[str, tuple[Callable[..., Any], ...]] = {
    "individual_gradients, squared_norms, inner_products, gram, tangent_kernel, observed": (
        _examples,
        definitions.examples,
        recipes.examples,
    ),
    "clipped_sum, second_moment, variance, signal_to_noise, noise_scale, "
    "two_batch_noise_scale, value_and_grad": (_sums, definitions.sums, recipes.sums),
    f"{', '.join(BENDING)}, kronecker_factors, kfra_factors, empirical_fisher_product": (
        _curvature,
        definitions.curvature,
        recipes.curvature,
    ),
    "delta_rms, delta_ratios, cosines, stuck, feedback_alignment, direct_feedback, "
    "sign_symmetric, alignment_angles, largest_eigenvalue": (
        _state,
        definitions.state,
        recipes.state,
    ),
}
