"""Products of the curvature with a direction V, of the shapes of the params: no matrix is formed.

R{x} = d/dε x(θ + εV) at ε = 0, carried along with the recipe (Pearlmutter, Neural Computation 6,
1994):

    RZ[ℓ] = V[ℓ]A[ℓ-1] + v[ℓ] + W[ℓ]RA[ℓ-1],   RA[ℓ] = g′(Z[ℓ]) ∘ RZ[ℓ],   RA[0] = 0
    1.  RΔ[L] = ∂²𝓛/∂Z² RZ[L]
    2.  RdA[ℓ] = V[ℓ+1]ᵀΔ[ℓ+1] + W[ℓ+1]ᵀRΔ[ℓ+1]
        RΔ[ℓ] = g′(Z[ℓ]) ∘ RdA[ℓ] + g″(Z[ℓ]) ∘ dA[ℓ] ∘ RZ[ℓ]
    3.  (1/B) (RΔ[ℓ]A[ℓ-1]ᵀ + Δ[ℓ]RA[ℓ-1]ᵀ),   (1/B) Σ RΔ[ℓ]

Of J as it is without L2, which adds λV. Means over B.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn import dense, network
from pure_nn.activations import softmax
from pure_nn.precision import product, widen
from pure_nn.quantities import output
from pure_nn.quantities.curvature import require_plain
from pure_nn.quantities.examples import inner_products
from pure_nn.structure import Cache, FromOne, Network, Params, like
from pure_nn.types import Activation


def hessian_product(
    net: Network,
    params: Params,
    cache: Cache,
    Y: Float[Array, "n_L B"],
    deltas: FromOne,
    direction: Params,
) -> Params:
    """∂²J/∂θ² V, by the R-operator: a forward and a backward pass more

    ValueError: stacked or dropped layers, a loss whose second derivative is not known.
    """
    _require(net, params, cache, "hessian_product")
    RZ, RA = _forwards(net, params, cache, direction)
    L = len(params)
    RD = {L: _at_output(net, cache, Y, RZ[L], RA[L])}
    for l in range(L - 1, 0, -1):
        above, V = params[l], direction[l]
        dA = dense.pull(above, deltas[l + 1])
        RdA = dense.pull(V, deltas[l + 1]) + dense.pull(above, RD[l + 1])
        RD[l] = _pulled(net.activations[l - 1], cache, l, (dA, RdA), (RZ[l], RA[l]))
    return like(params, tuple(_products(cache, deltas, RD, RA, l) for l in range(1, L + 1)))


def gauss_newton_product(
    net: Network, params: Params, cache: Cache, Y: Float[Array, "n_L B"], direction: Params
) -> Params:
    """GGN V = (1/B) Σ Jᵀ H J V: RZ[L] forward, the output's curvature, steps 2 and 3 backward

    The Fisher product too, where output and loss are a likelihood.

    ValueError: stacked or dropped layers, a loss whose second derivative is not known.
    """
    _require(net, params, cache, "gauss_newton_product")
    RZ, _ = _forwards(net, params, cache, direction)
    HJV = output.curved(net, cache, Y, RZ[len(params)]).astype(cache.Z[-1].dtype)
    deltas = network.backpropagate(net, params, cache, HJV)
    return like(params, network.mean_gradients(net, cache, deltas))


def empirical_fisher_product(
    net: Network, cache: Cache, deltas: FromOne, direction: Params
) -> Params:
    """(1/B) Σᵢ gᵢ⟨gᵢ, V⟩: step 3, each example weighted by its inner product with V

    Of the Δs of the targets, or of targets that `sampled_delta` draws.
    """
    weights = inner_products(net, cache, deltas, direction).all
    return like(direction, network.mean_gradients(net, cache, deltas, weights))


def _forwards(
    net: Network, params: Params, cache: Cache, direction: Params
) -> tuple[dict[int, Array], dict[int, Array]]:
    """RZ[ℓ] and RA[ℓ]"""
    RZ, RA = {}, {0: jnp.zeros_like(widen(cache.A[0]))}
    for l, (layer, V, g) in enumerate(zip(params, direction, net.activations, strict=True), 1):
        A, W = cache.A[l - 1], widen(layer["W"])
        RZ[l] = product(widen(V["W"]), widen(A)) + widen(V["b"]) + product(W, RA[l - 1])
        RA[l] = g.pull(widen(cache.Z[l]), widen(cache.A[l]), RZ[l])  # its Jacobian is symmetric
    return RZ, RA


def _at_output(net: Network, cache: Cache, Y: Array, RZ: Array, RA: Array) -> Array:
    """RΔ[L]"""
    if output.pair(net) in output.SIMPLE:
        return output.curved(net, cache, Y, RZ)
    A, L = widen(cache.A[-1]), len(cache.A) - 1
    RdA = output.SECOND[net.loss](A, Y) * RA
    return _pulled(net.activations[-1], cache, L, (net.loss.dA(A, Y), RdA), (RZ, RA))


def _pulled(
    g: Activation, cache: Cache, l: int, of_A: tuple[Array, Array], forwards: tuple[Array, Array]
) -> Array:
    """R of dA pulled back through g; of softmax, of A ∘ (dA − 1ᵀ(A ∘ dA))"""
    (dA, RdA), (RZ, RA) = of_A, forwards
    Z, A = widen(cache.Z[l]), widen(cache.A[l])
    pulled = g.pull(Z, A, RdA)
    if g != softmax():
        return pulled + dA * g.g_second(Z, A) * RZ
    mean, R_mean = (jnp.sum(x * dA, axis=0, keepdims=True) for x in (A, RA))
    return pulled + RA * (dA - mean) - A * R_mean


def _products(
    cache: Cache, deltas: FromOne, RD: dict[int, Array], RA: dict[int, Array], l: int
) -> dict[str, Array]:
    A, B = widen(cache.A[l - 1]), cache.A[0].shape[1]
    of_D, of_A = dense.sums(A, RD[l]), dense.sums(RA[l - 1], widen(deltas[l]))
    return {"W": (of_D["W"] + of_A["W"]) / B, "b": of_D["b"] / B}


def _require(net: Network, params: Params, cache: Cache, name: str) -> None:
    require_plain(name, net, params, cache, softmax_too=True)
    output.pair(net)
