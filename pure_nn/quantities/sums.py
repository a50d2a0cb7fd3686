"""Sums over the examples: clipped, squared, and what they say of how much the examples differ.

gᵢ = ΔᵢAᵢᵀ (and Δᵢ for b) is never formed: each quantity is a product of matrices, as step 3 is.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn import dense
from pure_nn.precision import widen
from pure_nn.quantities.examples import squared_norms
from pure_nn.quantities.layers import Layers, PerExample, of_layers
from pure_nn.structure import Cache, FromOne, Network

Clip = float | Float[Array, ""]


class Clipped(NamedTuple):
    """Σᵢ cᵢgᵢ like the params; cᵢ of every example, or of every layer; and ‖gᵢ‖² before"""

    sum: Layers
    factors: tuple[Array, ...]
    squared_norms: PerExample


def clipped_sum(
    net: Network,
    cache: Cache,
    deltas: FromOne,
    clip: Clip | Sequence[Clip],
    *,
    weights: Float[Array, " B"] | None = None,
) -> Clipped:
    """Σᵢ cᵢgᵢ,  cᵢ = wᵢ min(1, C/‖gᵢ‖): a sum, B times a mean; one example moves it by wᵢC at most

    From one backward pass, as (c ∘ Δ)Aᵀ. w is 1 unless `weights`, such as 0 for an example that was
    not drawn, say otherwise; what is not finite stays so. With one C for each entry of params, W
    and b of a layer are clipped together by C[ℓ]/‖gᵢ[ℓ]‖, of an entry of k layers each by itself:
    one example moves all by √Σ k[ℓ]C[ℓ]². Abadi et al., Deep learning with differential privacy,
    CCS 2016; in one pass, Bu, Wang, Zha & Karypis, arXiv:2210.00038 (2022).

    ValueError: a C that is not positive and finite, other than one or as many as entries.
    """
    C, norms = positive_clips(clip, len(cache.A) - 1), squared_norms(net, cache, deltas)
    if not isinstance(C, tuple):
        c = [_factors(C, norms.all)] * (len(cache.A) - 1)
    else:
        of_layer = [of["W"] + of["b"] for of in norms.layers]
        c = [_factors(C_l, squared) for C_l, squared in zip(C, of_layer, strict=True)]
    c = c if weights is None else [jnp.broadcast_to(widen(weights), x.shape) * x for x in c]
    scaled = (None, *map(_columns_times, c, deltas[1:]))
    return Clipped(of_layers(net, cache, scaled, dense.sums), tuple(c), norms)


def positive_clips(clip: Any, L: int | None) -> Any:
    """C or a tuple with the C of each entry of params, of which there are L if that is known"""
    several = isinstance(clip, Sequence) and not isinstance(clip, str)
    given = tuple(map(_positive, clip)) if several else (_positive(clip),)
    if several and len(given) != (L or len(given)):
        raise ValueError(f"clip: expected one norm, or {L}, one for each layer, got {len(given)}")
    return given if several else given[0]


def _positive(C: Any) -> Any:
    """A number, or one that is traced"""
    if isinstance(C, jax.core.Tracer) and C.shape == ():
        return C
    try:
        number = math.nan if isinstance(C, bool) else float(C)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError(f"clip: expected a norm to clip at, positive and finite, got {C!r}")
    return number


def _factors(C: Any, squared: Array) -> Array:
    """min(1, C/‖g‖), 1 where g = 0"""
    norm = jnp.sqrt(jnp.where(squared == 0, 1, squared))
    return jnp.where(squared == 0, 1, jnp.minimum(1, C / norm))


def _columns_times(c: Float[Array, "*of B"], Δ: Float[Array, "*k n B"]) -> Array:
    each = jnp.broadcast_to(c, (*Δ.shape[:-2], c.shape[-1]))
    return jnp.expand_dims(each, -2) * widen(Δ)


def second_moment(net: Network, cache: Cache, deltas: FromOne) -> Layers:
    """(1/B) Σᵢ gᵢ² = (1/B) (Δ ∘ Δ)(A ∘ A)ᵀ, entry by entry: a mean, whatever B is"""
    return of_layers(net, cache, deltas, _second_moment)


def _second_moment(A: Array, Δ: Array) -> dict[str, Array]:
    return mean_sums(jnp.square(A), jnp.square(Δ))


def variance(net: Network, cache: Cache, deltas: FromOne) -> Layers:
    """(1/B) Σᵢ (gᵢ − ḡ)², entry by entry: a mean of gᵢ that carry no 1/B; of g/B it is 1/B² of it

    gᵢ² − ḡ² would cancel where examples agree. With a = A − Ā and d = Δ − Δ̄, rows less their mean,

        gᵢ − ḡ = Āᵢd + Δ̄a + (da − mean of da)

    is as small as what the examples differ by; but for an entry that few examples have, as of ReLU,
    its terms are larger than gᵢ². Of the two forms each entry has the one whose terms are smaller.
    Never below 0.

    ValueError: one example alone, which differs from nothing.
    """
    if cache.A[0].shape[1] < 2:
        raise ValueError("variance: expected two examples or more, got one, which has none")
    return of_layers(net, cache, deltas, _variance)


def _variance(A: Array, Δ: Array) -> dict[str, Array]:
    """E[(Ād + Δ̄a + da)²] − E[da]², multiplied out, so that each term is one product"""
    A_mean, D_mean = (jnp.mean(x, axis=1, keepdims=True) for x in (A, Δ))
    a, d, A_mean = A - A_mean, Δ - D_mean, A_mean.T
    aa, dd = jnp.square(a), jnp.square(d)
    of_a, of_d = (jnp.mean(x, axis=1, keepdims=True) for x in (aa, dd))
    da, daa, dda, ddaa = (mean_sums(y, x)["W"] for x in (d, dd) for y in (a, aa))
    crossed = A_mean * D_mean * da, D_mean * daa, A_mean * dda
    squares = jnp.square(A_mean) * of_d + jnp.square(D_mean) * of_a.T
    size = squares + 2 * sum(map(jnp.abs, crossed)) + ddaa
    centred = squares + 2 * sum(crossed) + ddaa - jnp.square(da)
    moment, mean = _second_moment(A, Δ)["W"], mean_sums(A, Δ)["W"]
    W = jnp.where(moment < size, moment - jnp.square(mean), centred)
    return {"W": jnp.maximum(W, 0), "b": of_d}


def mean_sums(A: Array, Δ: Array) -> dict[str, Array]:
    """(1/B) ΔAᵀ and the mean over the columns of Δ"""
    return {name: x / A.shape[1] for name, x in dense.sums(A, Δ).items()}


def signal_to_noise(net: Network, cache: Cache, deltas: FromOne) -> Layers:
    """ḡ²/variance, entry by entry: whatever B is; NaN where g is 0 for all, ∞ where all agree

    ValueError: one example alone.
    """
    means, spread = of_layers(net, cache, deltas, mean_sums), variance(net, cache, deltas)
    found: Layers = jax.tree.map(lambda mean, v: jnp.square(mean) / v, means, spread)
    return found
