"""Quantities beside J and its gradients, in one compiled step: chosen by name, else free.

J, grads, found = quantities.value_and_grad(net, params, X, Y, also=("squared_norms",))
training.fit(…, observe=quantities.observed(net, "delta_rms", "noise_scale"))
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn import network
from pure_nn.dropout import Masks
from pure_nn.l2 import Lambda, penalized
from pure_nn.quantities import curvature, examples, noise, state, sums
from pure_nn.structure import Cache, FromOne, Network, Params

OF_DELTAS: dict[str, Callable[[Network, Cache, FromOne], Any]] = {
    "squared_norms": examples.squared_norms,
    "gram": examples.gram,
    "second_moment": sums.second_moment,
    "variance": sums.variance,
    "signal_to_noise": sums.signal_to_noise,
    "noise_scale": noise.noise_scale,
    "delta_rms": lambda net, cache, deltas: state.delta_rms(deltas),
    "delta_ratios": lambda net, cache, deltas: state.delta_ratios(deltas),
    "cosines": lambda net, cache, deltas: state.cosines(deltas),
    "stuck": lambda net, cache, deltas: state.stuck(net, cache),
}
OF_PARAMS: dict[str, Callable[..., Any]] = {
    "gauss_newton_diagonal": curvature.gauss_newton_diagonal,
    "kronecker_factors": curvature.kronecker_factors,
}


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

    ValueError: a name of none of them.
    """
    _require(names, list(OF_DELTAS))
    return Observed(net, names)


def value_and_grad(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    also: Sequence[str],
    weights: Float[Array, " B"] | None = None,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
    l2: Lambda = 0.0,
    draw: PRNGKeyArray | None = None,
) -> tuple[Float[Array, ""], Params, dict[str, Any]]:
    """J, its gradients, and the quantities named by `also`, from the same cache and Δs

    Quantities are of 𝓛, without `weights` and L2. `draw` is the key for targets that curvature is
    sampled by; without it, the curvature at the output is exact, n[L] backward passes more.

    ValueError: a name of none of them, what the network does not admit.
    """
    _require(also, [*OF_DELTAS, *OF_PARAMS])
    cache = network.forward(net, params, X, key=key, masks=masks)
    J = penalized(network.cost_of(net, cache, Y, weights), params, l2)
    grads, deltas = network.backward(net, params, cache, Y, weights=weights, l2=l2)
    kind: curvature.Kind = "exact" if draw is None else "sampled"
    found = {
        name: OF_DELTAS[name](net, cache, deltas)
        if name in OF_DELTAS
        else OF_PARAMS[name](net, params, cache, Y, kind=kind, key=draw)
        for name in also
    }
    return J, grads, found


def _require(names: Sequence[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"also: expected some of {', '.join(known)}, got {name!r}")
