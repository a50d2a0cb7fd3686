"""The gradient noise scale: how many examples a gradient is worth averaging.

B_simple = tr Σ/‖G‖², the variance of gᵢ over the squared norm of the true gradient, both estimated
without bias. McCandlish, Kaplan & Amodei, An empirical model of large-batch training,
arXiv:1812.06162 (2018), appendix A.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.quantities.layers import of_layers, total
from pure_nn.quantities.sums import mean_sums
from pure_nn.structure import Cache, FromOne, Network


class NoiseScale(NamedTuple):
    """tr Σ and ‖G‖², which are to be averaged over steps apart: their ratio is biased"""

    trace: Float[Array, "*steps"]
    squared_norm: Float[Array, "*steps"]

    @property
    def ratio(self) -> Float[Array, "*steps"]:
        """B_simple = tr Σ/‖G‖², in examples; NaN, undefined, where the estimate of ‖G‖² is not
        above 0, as it may be where noise is all there is"""
        defined = self.squared_norm > 0
        return jnp.where(defined, self.trace / jnp.where(defined, self.squared_norm, 1), jnp.nan)

    def mean(self) -> "NoiseScale":
        """Over steps, each part by itself"""
        return NoiseScale(jnp.mean(self.trace), jnp.mean(self.squared_norm))


def noise_scale(net: Network, cache: Cache, deltas: FromOne) -> NoiseScale:
    """tr Σ = Σᵢ ‖gᵢ − ḡ‖²/(B − 1),  ‖G‖² = ‖ḡ‖² − tr Σ/B; neither grows with B

    Of norms, inner products and ḡ alone: with a = A − Ā, d = Δ − Δ̄ and M = (1/B) daᵀ = ḡ − Δ̄Āᵀ,

        Σᵢ ‖gᵢ − ḡ‖² = Σᵢ ‖dᵢAᵢᵀ + Δ̄aᵢᵀ‖² − B‖M‖²,  and for b Σᵢ ‖dᵢ‖²

    which, other than the mean of ‖gᵢ‖² less ‖ḡ‖², does not cancel where examples agree.

    ValueError: one example alone.
    """
    B = cache.A[0].shape[1]
    if B < 2:
        raise ValueError("noise_scale: expected two examples or more, got one, which has no noise")
    mean = of_layers(net, cache, deltas, mean_sums)
    trace = total(of_layers(net, cache, deltas, _spread, mean), 0) / (B - 1)
    return NoiseScale(trace, total(jax.tree.map(jnp.square, mean), 0) - trace / B)


def _spread(A: Array, Δ: Array, mean: dict[str, Array]) -> Array:
    """Σᵢ ‖gᵢ − ḡ‖² of W and b; the digits that M loses are squared, and of no account"""
    A_mean, D_mean = (jnp.mean(x, axis=1, keepdims=True) for x in (A, Δ))
    a, d = A - A_mean, Δ - D_mean
    (dd, aa, AA), (dD, aA) = map(_squares, (d, a, A)), (_inner(d, D_mean), _inner(a, A))
    W = dd * AA + jnp.sum(jnp.square(D_mean)) * aa + 2 * dD * aA
    M = mean["W"] - D_mean * A_mean.T
    return jnp.sum(W + dd) - A.shape[1] * jnp.sum(jnp.square(M))


def _squares(x: Array) -> Array:
    return _inner(x, x)


def _inner(x: Array, y: Array) -> Array:
    """Of each column"""
    return jnp.sum(x * y, axis=0)


def two_batch_noise_scale(
    small: Float[Array, "*steps"], big: Float[Array, "*steps"], B_small: int, B_big: int
) -> NoiseScale:
    """Of ‖g‖² for two batch sizes, as of devices and of their mean:

        tr Σ = (‖g_small‖² − ‖g_big‖²)/(1/B_small − 1/B_big)
        ‖G‖² = (B_big‖g_big‖² − B_small‖g_small‖²)/(B_big − B_small)

    ValueError: batch sizes other than 0 < B_small < B_big.
    """
    if not 0 < B_small < B_big:
        raise ValueError(f"B_small: expected 0 < B_small < B_big, got {B_small} and {B_big}")
    trace = (small - big) / (1 / B_small - 1 / B_big)
    return NoiseScale(trace, (B_big * big - B_small * small) / (B_big - B_small))
