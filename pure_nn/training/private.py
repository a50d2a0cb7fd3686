"""Differentially private SGD: what is done to a clipped sum, and what privacy that spends.

    g̃ = (Σᵢ cᵢgᵢ + σC·N(0, I))/B      cᵢ = min(1, C/‖gᵢ‖), B the expected size of the batch

The sum is `pure_nn.quantities.clipped_sum`; the rest is a transformation of optax, to be chained
with any optimizer. Abadi et al., CCS 2016. The privacy spent is that of batches which hold each of
m examples with probability q = B/m, neighbours differing by one example, as dp-accounting has it.
"""

import contextlib
import functools
import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, PRNGKeyArray

from pure_nn.checks import one_key
from pure_nn.quantities.sums import positive_clips
from pure_nn.structure import like

SMALLEST = 0.01  # noise multiplier that noise_for gives


class NoiseState(NamedTuple):
    """The key of the next noise"""

    key: PRNGKeyArray


def noised_mean(
    clip: float | Sequence[float], noise: float, batch_size: float, key: PRNGKeyArray | None
) -> optax.GradientTransformation:
    """(Σ cᵢgᵢ + σC·N(0, I))/B of a clipped sum; σ is `noise`, the noise multiplier

    Of one C for each entry of params, C = √Σ k[ℓ]C[ℓ]², k the layers of the entry. Where the update
    is given params, what it gives has their structure and dtypes.

    ValueError: a clip or a batch size that is not positive, σ < 0, noise without a key.
    """
    C = positive_clips(clip, None)
    if not 0 < batch_size < math.inf:
        raise ValueError(f"batch_size: expected a positive number, got {batch_size}")
    if not 0 <= noise < math.inf:
        raise ValueError(f"noise: expected a noise multiplier from 0 on, got {noise}")
    if key is None and noise > 0:
        raise ValueError("key: expected one to draw the noise by, such as jax.random.key(0)")
    first = jax.random.key(0) if key is None else one_key("key", key)

    def init(params: optax.Params) -> NoiseState:
        return NoiseState(first)

    def update(sums: Any, state: NoiseState, params: Any = None) -> tuple[Any, NoiseState]:
        now, following = jax.random.split(state.key)
        leaves, tree = jax.tree.flatten(sums)
        keys = jax.random.split(now, len(leaves))
        scale = noise * (_moved(sums, C) if isinstance(C, tuple) else C)
        mean = [_noised(x, k, scale) / batch_size for x, k in zip(leaves, keys, strict=True)]
        return _as_params(jax.tree.unflatten(tree, mean), params), NoiseState(following)

    return optax.GradientTransformation(init, update)


def _as_params(mean: Any, params: Any) -> Any:
    if params is None:
        return mean
    return optax.tree.cast_like(like(params, mean), params)


def _moved(sums: Any, clips: tuple[float, ...]) -> float:
    """How far one example moves a sum at most"""
    if len(sums) != len(clips):
        raise ValueError(f"clip: expected one norm, or {len(sums)}, got {len(clips)}")
    layers = [len(of["W"]) if of["W"].ndim == 3 else 1 for of in sums]
    return math.sqrt(sum(k * C**2 for k, C in zip(layers, clips, strict=True)))


def _noised(x: Array, key: PRNGKeyArray, scale: float) -> Array:
    return x + jnp.asarray(scale, x.dtype) * jax.random.normal(key, x.shape, x.dtype)


def epsilon_spent(noise: float, rate: float, steps: int, delta: float) -> float:
    """ε of (ε, δ) after so many steps with noise multiplier σ and sampling rate q; ∞ for σ = 0

    ValueError: a rate outside (0, 1], steps below 0, δ outside (0, 1), σ below 0. ImportError:
    without dp-accounting, `pip install 'pure_nn[privacy]'`.
    """
    _require(rate, steps, delta)
    if not noise >= 0:
        raise ValueError(f"noise: expected a noise multiplier from 0 on, got {noise}")
    if noise == 0 or steps == 0:
        return math.inf if steps else 0.0
    dp = _accounting()
    with _without_warnings():
        spent = dp.rdp.RdpAccountant().compose(_event(noise, rate, steps))
        return float(spent.get_epsilon(delta))


def noise_for(epsilon: float, delta: float, rate: float, steps: int) -> float:
    """The smallest σ from 0.01 on, to 0.0001, with which so many steps spend no more than (ε, δ)

    ValueError: as `epsilon_spent`; ε that is not positive, or that no σ below 2³⁰ reaches.
    """
    if not epsilon > 0:
        raise ValueError(f"epsilon: expected a positive number, got {epsilon}")
    if epsilon_spent(SMALLEST, rate, steps, delta) <= epsilon:
        return SMALLEST
    dp, events = _accounting(), functools.partial(_event, rate=rate, steps=steps)
    begin = dp.LowerEndpointAndGuess(SMALLEST, 1.0)
    try:
        with _without_warnings():
            found = dp.calibrate_dp_mechanism(
                dp.rdp.RdpAccountant, events, epsilon, delta, begin, tol=1e-4
            )
    except dp.mechanism_calibration.NoBracketIntervalFoundError as error:
        raise ValueError(
            f"epsilon: {steps} steps at rate {rate} cannot stay within ({epsilon}, {delta}), "
            "whatever the noise; take fewer steps, a smaller rate, a larger ε or δ"
        ) from error
    return float(found)


def _require(rate: float, steps: int, delta: float) -> None:
    if not 0 < rate <= 1:
        raise ValueError(f"rate: expected the share of examples in a batch, in (0, 1], got {rate}")
    if steps < 0 or int(steps) != steps:
        raise ValueError(f"steps: expected a whole number from 0 on, got {steps}")
    if not 0 < delta < 1:
        raise ValueError(f"delta: expected a probability in (0, 1), got {delta}")


def _accounting() -> Any:
    """The package, with its accountant by Rényi divergences"""
    try:
        import dp_accounting.mechanism_calibration
        import dp_accounting.rdp
    except ImportError as error:
        raise ImportError(
            "the privacy spent needs dp-accounting: pip install 'pure_nn[privacy]'"
        ) from error
    return dp_accounting


def _event(noise: float, rate: float, steps: int) -> Any:
    dp = _accounting()
    return dp.SelfComposedDpEvent(dp.PoissonSampledDpEvent(rate, dp.GaussianDpEvent(noise)), steps)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Of orders that are left out of a minimum over orders, hundreds of lines: ε stays a bound"""
    log = logging.getLogger("absl")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
