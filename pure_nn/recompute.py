"""J and its gradients in one call."""

from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn.dropout import Masks
from pure_nn.l2 import Lambda, penalized
from pure_nn.network import backward, cost_of, forward
from pure_nn.structure import Network, Params


def value_and_grad(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    weights: Float[Array, " B"] | None = None,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
    l2: Lambda = 0.0,
) -> tuple[Float[Array, ""], Params]:
    """J and its gradients: what `jax.value_and_grad` of `cost` gives, by hand."""
    cache = forward(net, params, X, key=key, masks=masks)
    grads, _ = backward(net, params, cache, Y, weights=weights, l2=l2)
    return penalized(cost_of(net, cache, Y, weights), params, l2), grads
