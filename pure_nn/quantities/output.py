"""The curvature of the loss at the output: ∂²𝓛/∂Z[L]² of one example, as a product and as roots.

    softmax, cross-entropy              (1ᵀY)(diag(A) − AAᵀ)
    sigmoid, binary cross-entropy       diag(σ′)
    sigmoid, cross-entropy              diag(Y ∘ σ′)
    any other g, 𝓛                      through A:  J diag(∂²𝓛/∂A²) J,  J = ∂A/∂Z

The last is the Gauss-Newton part, to which the Hessian adds ∂𝓛/∂A times the bend of g; it wants
∂²𝓛/∂A², which squared error and both cross-entropies have here. J is symmetric: diagonal, or that
of softmax.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn.activations import sigmoid, softmax
from pure_nn.losses import binary_cross_entropy, cross_entropy, squared_error
from pure_nn.precision import widen
from pure_nn.softmax_digits import softmax_parts
from pure_nn.stacked import top
from pure_nn.structure import Cache, Network
from pure_nn.types import Activation, Loss

Columns = Float[Array, "n B"]
SECOND: dict[Loss, Callable[[Array, Array], Array]] = {
    squared_error(): lambda A, Y: jnp.ones_like(A),
    cross_entropy(): lambda A, Y: _over_square(Y, A),
    binary_cross_entropy(): lambda A, Y: _over_square(Y, A) + _over_square(1 - Y, 1 - A),
}
SOFT, SHARP = ("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")
SIMPLE = (SOFT, SHARP, ("sigmoid", "cross_entropy"))  # of which 𝓛(Z) bends by itself


def _over_square(Y: Array, A: Array) -> Array:
    """Y/A², 0 where Y is, however small A"""
    return jnp.where(Y == 0, 0, Y / jnp.where(Y == 0, 1, jnp.square(A)))


def pair(net: Network) -> tuple[str, str]:
    """The output and the loss; "" for an output of a user's own, whatever its name

    ValueError: a loss whose ∂²𝓛/∂A² is not known here, as of a user's own.
    """
    g, loss = net.activations[-1], net.loss
    if loss not in SECOND:
        known = ", ".join(of.name for of in SECOND)
        own = ", of your own" * any(loss.name == of.name for of in SECOND)
        raise ValueError(
            f"net: expected a loss of pure_nn whose second derivative is known, {known}, "
            f"got {loss.name}{own}"
        )
    return (g.name if g in (softmax(), sigmoid()) else ""), loss.name


def curved(net: Network, cache: Cache, Y: Columns, V: Columns) -> Columns:
    """The Gauss-Newton curvature times a column V of each example"""
    Z, A, g = _output(net, cache)
    if pair(net) == SOFT:
        return jnp.sum(Y, axis=0, keepdims=True) * g.pull(Z, A, V)
    if pair(net) in SIMPLE:
        return _slope(net, Z, A, Y) * V
    return g.pull(Z, A, SECOND[net.loss](A, Y) * g.pull(Z, A, V))


def roots(net: Network, cache: Cache, Y: Columns) -> Float[Array, "C n B"]:
    """S of C = n[L] columns, ΣSSᵀ the curvature of each example: Δ[L] of as many backward passes"""
    Z, A, g = _output(net, cache)
    one = jnp.broadcast_to(jnp.eye(len(Z), dtype=Z.dtype)[:, :, None], (len(Z), *Z.shape))
    if pair(net) == SOFT:
        _, rest, _ = softmax_parts(Z)
        of_class = jnp.sqrt(A * jnp.sum(Y, axis=0, keepdims=True))[:, None, :]
        return of_class * jnp.where(one == 1, rest[None], -A[None])
    if pair(net) in SIMPLE:
        return one * jnp.sqrt(_slope(net, Z, A, Y))[None]
    bend = jnp.sqrt(SECOND[net.loss](A, Y))
    return jax.vmap(lambda e: g.pull(Z, A, bend * e))(one)


def sampled_delta(net: Network, cache: Cache, key: PRNGKeyArray) -> Columns:
    """Δ[L] of targets drawn from what the network predicts: y ~ A, or A + N(0, 1)

    Backpropagated, it gives the Δs of the sampled Fisher, of which `empirical_fisher_product` makes
    products with a direction. Whatever B is, one target an example.

    ValueError: an output and a loss that are no likelihood together.
    """
    Z, A, g = _output(net, cache)
    if pair(net) == SOFT:
        drawn = jax.random.categorical(key, Z, axis=0)
        return net.loss.delta(Z, A, jax.nn.one_hot(drawn, len(Z), axis=0, dtype=Z.dtype), g)
    if pair(net) == SHARP:
        drawn = jax.random.bernoulli(key, A).astype(Z.dtype)
        return net.loss.delta(Z, A, drawn, g)
    if net.loss == squared_error():
        return g.pull(Z, A, jax.random.normal(key, Z.shape, Z.dtype))
    raise ValueError(
        f"net: expected an output and a loss that are a likelihood, as softmax with cross_entropy, "
        f"sigmoid with binary_cross_entropy, or squared_error, got {g.name} with {net.loss.name}"
    )


def _slope(net: Network, Z: Columns, A: Columns, Y: Columns) -> Columns:
    """σ′, or Y ∘ σ′"""
    prime = net.activations[-1].g_prime(Z, A)
    return prime if pair(net) == SHARP else Y * prime


def _output(net: Network, cache: Cache) -> tuple[Columns, Columns, Activation]:
    return widen(top(cache.Z[-1])), widen(top(cache.A[-1])), net.activations[-1]
