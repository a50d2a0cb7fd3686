"""Quantities beside J and its gradients, in one compiled step: chosen by name, else free.

J, grads, found = quantities.value_and_grad(net, params, X, Y, also=("squared_norms",))
                                           also={"clipped_sum": {"clip": 1.0}, "gram": {}})
training.fit(…, observe=quantities.observed(net, "delta_rms", "noise_scale"))
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn import network
from pure_nn.border import checked
from pure_nn.checks import kind, one_key
from pure_nn.dropout import Masks
from pure_nn.l2 import Lambda, penalized
from pure_nn.quantities import curvature, examples, noise, products, state, sums
from pure_nn.structure import Cache, FromOne, Network, Params

OF_DELTAS: dict[str, Callable[..., Any]] = {
    "squared_norms": examples.squared_norms,
    "inner_products": examples.inner_products,
    "gram": examples.gram,
    "clipped_sum": sums.clipped_sum,
    "second_moment": sums.second_moment,
    "variance": sums.variance,
    "signal_to_noise": sums.signal_to_noise,
    "noise_scale": noise.noise_scale,
    "empirical_fisher_product": products.empirical_fisher_product,
    "delta_rms": lambda net, cache, deltas: state.delta_rms(deltas),
    "delta_ratios": lambda net, cache, deltas: state.delta_ratios(deltas),
    "cosines": lambda net, cache, deltas: state.cosines(deltas),
    "stuck": state.stuck,
}
OF_TARGETS: dict[str, Callable[..., Any]] = {
    "gauss_newton_diagonal": curvature.gauss_newton_diagonal,
    "kronecker_factors": curvature.kronecker_factors,
    "kfra_factors": curvature.kfra_factors,
    "gauss_newton_product": products.gauss_newton_product,
}
OF_BOTH: dict[str, Callable[..., Any]] = {
    "hessian_diagonal": curvature.hessian_diagonal,
    "hessian_product": products.hessian_product,
}
WITH_ARGUMENTS = ("inner_products", "clipped_sum", "empirical_fisher_product")
SAMPLED = ("gauss_newton_diagonal", "kronecker_factors")
Also = Sequence[str] | Mapping[str, Mapping[str, Any]]


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Observed:
    """A function of (cache, deltas, grads), equal to those of the same names: compiled once"""

    net: Network
    names: tuple[str, ...]

    def __call__(self, cache: Cache, deltas: FromOne, grads: Params) -> dict[str, Any]:
        return {name: OF_DELTAS[name](self.net, cache, deltas) for name in self.names}


def observed(net: Network, *names: str) -> Observed:
    """What `observe=` of training may be: the quantities of these names at each step, by name

    ValueError: a name of none of them, or of one that takes arguments. TypeError: no network.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net: expected a pure_nn.Network first, got {kind(net)}")
    _require("observed", names, [name for name in OF_DELTAS if name not in WITH_ARGUMENTS])
    return Observed(net, names)


def value_and_grad(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    also: Also,
    weights: Float[Array, " B"] | None = None,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
    l2: Lambda = 0.0,
    draw: PRNGKeyArray | None = None,
) -> tuple[Float[Array, ""], Params, dict[str, Any]]:
    """J, its gradients, and the quantities named by `also`, from the same cache and Δs

    `also` is the names, or a mapping from names to arguments: {"clipped_sum": {"clip": 1.0},
    "kronecker_factors": {"kind": "empirical"}}. Quantities are of 𝓛, without `weights` and L2.
    `draw` is the key for targets that diagonals and factors are sampled by; without it they are
    exact, n[L] backward passes more.

    ValueError: a name of none of them, what the network does not admit. TypeError: an argument that
    a quantity does not take, or one that it lacks.
    """
    arguments = _arguments(also, draw)
    cache = network.forward(net, params, X, key=key, masks=masks)
    J = penalized(network.cost_of(net, cache, Y, weights), params, l2)
    grads, deltas = network.backward(net, params, cache, Y, weights=weights, l2=l2)
    given = {
        **dict.fromkeys(OF_DELTAS, (net, cache, deltas)),
        **dict.fromkeys(OF_TARGETS, (net, params, cache, Y)),
        **dict.fromkeys(OF_BOTH, (net, params, cache, Y, deltas)),
    }
    every = OF_DELTAS | OF_TARGETS | OF_BOTH
    found = {name: checked(every[name])(*given[name], **of) for name, of in arguments.items()}
    return J, grads, found


def _arguments(also: Any, draw: PRNGKeyArray | None) -> dict[str, dict[str, Any]]:
    """Of each quantity that is named"""
    if isinstance(also, str):
        raise TypeError(f"also: expected several names, such as ({also!r},), got one")
    _require("also", also, [*OF_DELTAS, *OF_TARGETS, *OF_BOTH])
    found = {name: dict(also[name]) if isinstance(also, Mapping) else {} for name in also}
    for name in found.keys() & SAMPLED if draw is not None else ():
        found[name] = {"key": one_key("draw", draw), **found[name]}
    return found


def _require(where: str, names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: expected some of {', '.join(known)}, got {name!r}")
