"""The rows of quantities in any arithmetic m that carries bounds, part by part as by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pure_nn.network import Network
from verify.bounds import curvature as of_curvature
from verify.bounds import quantities as bounds
from verify.bounds import recipe
from verify.bounds import state as of_state
from verify.definitions import BELOW, CLIP, NET

Passed = tuple[Network, Any, Any, Any]  # and params, what a pass left, Y


def recipe_of(of: Callable[..., Any]) -> Callable[..., Any]:
    """Of an arithmetic, all that the recipe leaves, the pairs of A and Δ, and the other arrays"""

    def of_arithmetic(m: Any, params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
        found = recipe.network(m, NET, params, X, Y)
        return of(m, found, bounds.pairs(found), params, Y, V, F)

    return of_arithmetic


def examples(m: Any, found: Any, of: Any, params: Any, Y: Any, V: Any, F: Any) -> Any:
    return (
        bounds.individual(of),
        bounds.squared_norms(of),
        bounds.inner_products(m, of, V),
        bounds.gram(of),
        bounds.tangent_kernel(m, NET, params, found),
        of_state.cosines(of),
    )


def sums(m: Any, found: Any, of: Any, params: Any, Y: Any, V: Any, F: Any) -> Any:
    norms: Any = bounds.squared_norms(of).all
    first, second = norms[:1,], norms[1:2,]
    moment = bounds.second_moment(of)
    return (
        bounds.clipped_sum(of, CLIP),
        moment,
        bounds.variance(of),
        bounds.signal_to_noise(of),
        bounds.noise_scale(of),
        bounds.two_batch_noise_scale(first, second, 3, 8),
        moment,
    )


def curvature(m: Any, found: Any, of: Any, params: Any, Y: Any, V: Any, F: Any) -> Any:
    passes, Δ = of_curvature.roots(m, NET, params, found, Y), [d for _, d in of]
    return (
        *bending(m, (NET, params, found, Y), passes, V),
        of_curvature.factors(found, passes),
        of_curvature.factors(found, [Δ]),
        of_curvature.kfra(m, NET, params, found, Y),
        of_curvature.empirical_fisher_product(m, of, V),
    )


def bending(m: Any, of: Passed, passes: Any, V: Any) -> Any:
    return (
        of_curvature.diagonal(of[2], passes),
        of_curvature.hessian_diagonal(m, *of),
        of_curvature.gauss_newton_product(m, *of, V),
        of_curvature.hessian_product(m, *of, V),
    )


def state(m: Any, found: Any, of: Any, params: Any, Y: Any, V: Any, F: Any) -> Any:
    top = found.deltas[-1]
    back = [*F, *F, np.sign(params[1]["W"]).T]
    others = [bounds.down(m, NET, params, found, bounds.wide(top), (M,)) for M in back]
    return (
        of_state.rms(of),
        of_state.ratios(of),
        of_state.cosines(of),
        of_state.stuck(m, NET, found, BELOW),
        [(None, *map(m.stored, Δ)) for Δ in others],
        of_state.angles(of, others[0]),
        of_state.largest_eigenvalue(m, params[0]["W"]),
    )
