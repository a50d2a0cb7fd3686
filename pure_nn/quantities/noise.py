"""The gradient noise scale: how many examples a gradient is worth averaging.

B_simple = tr Σ/‖G‖², the variance of gᵢ over the squared norm of the true gradient, both estimated
without bias. McCandlish, Kaplan & Amodei, An empirical model of large-batch training,
arXiv:1812.06162 (2018), appendix A.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn import network
from pure_nn.quantities.examples import squared_norms
from pure_nn.quantities.layers import total
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
    """tr Σ = B/(B−1) (mean of ‖gᵢ‖² − ‖ḡ‖²),  ‖G‖² = ‖ḡ‖² − tr Σ/B; neither grows with B

    ValueError: one example alone.
    """
    B = cache.A[0].shape[1]
    if B < 2:
        raise ValueError("noise_scale: expected two examples or more, got one, which has no noise")
    of_each = jnp.mean(squared_norms(net, cache, deltas).all)
    mean = network.mean_gradients(net, cache, deltas)
    return from_norms(of_each, total(jax.tree.map(jnp.square, mean), 0), 1, B)


def from_norms(
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
