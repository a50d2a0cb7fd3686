"""DP-SGD: the noise that is asked for, on a clipped sum, and the privacy that it spends."""

import math
import re
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import as_jax, example, numpy_params

import pure_nn
from pure_nn import quantities, training

KEY = jax.random.key(0)


def noised(noise: float, clip: float = 2.0, batch_size: float = 50.0) -> Any:
    """Of sums that are 1 everywhere"""
    transform = training.noised_mean(clip, noise, batch_size, KEY)
    sums = ({"W": jnp.ones((100, 90)), "b": jnp.ones((100, 1))},)
    return transform.update(sums, transform.init(sums))[0]


def test_without_noise_it_is_the_mean() -> None:
    (layer,) = noised(0.0)
    np.testing.assert_allclose(layer["W"], 1 / 50, rtol=1e-6)


def test_noise_is_normal_of_the_size_of_the_clip() -> None:
    """Mean within five standard errors, spread within 5 %"""
    noise = (noised(3.0)[0]["W"] * 50 - 1).ravel()
    assert abs(float(noise.mean())) < 5 * 6 / math.sqrt(noise.size)
    assert float(noise.std()) == pytest.approx(3.0 * 2.0, rel=0.05)


def test_each_step_and_each_leaf_has_noise_of_its_own() -> None:
    transform = training.noised_mean(1.0, 1.0, 1.0, KEY)
    sums = ({"W": jnp.zeros((3, 1)), "b": jnp.zeros((3, 1))},)
    one, state = transform.update(sums, transform.init(sums))
    other, _ = transform.update(sums, state)
    drawn = np.concatenate([x.ravel() for x in jax.tree.leaves((one, other))])
    assert len(set(drawn.tolist())) == 12


def test_of_one_clip_for_each_layer_the_noise_is_of_all() -> None:
    """√(2² + 3·1²), of one layer and of an entry of three"""
    sums = (
        {"W": jnp.zeros((100, 90)), "b": jnp.zeros((100, 1))},
        {"W": jnp.zeros((3, 90, 90)), "b": jnp.zeros((3, 90, 1))},
    )
    transform = training.noised_mean([2.0, 1.0], 3.0, 1.0, KEY)
    found, _ = transform.update(sums, transform.init(sums))
    for layer in found:
        assert float(layer["W"].std()) == pytest.approx(3.0 * math.sqrt(7), rel=0.05)
    with pytest.raises(ValueError, match="clip: expected one norm, or 2, got 1"):
        training.noised_mean([2.0], 3.0, 1.0, KEY).update(sums, transform.init(sums))


def test_one_example_moves_a_sum_by_no_more_than_that() -> None:
    """Each of the layers of an entry is clipped by itself: by √Σ kC² in all, and by no less"""
    net = pure_nn.Network((*["tanh"] * 4, "identity"))
    params = as_jax(numpy_params((4, 3, 3, 3, 3, 2)), "float32")
    stacked = pure_nn.stack(params, net)
    assert [of["W"].ndim for of in stacked] == [2, 3, 2]
    cache = pure_nn.forward(net, stacked, jnp.ones((4, 1)))
    _, deltas = pure_nn.backward(net, stacked, cache, jnp.full((2, 1), 9.0))
    clips = [1e-4 * (1 + i) for i in range(len(stacked))]
    moved = quantities.clipped_sum(net, cache, deltas, clips).sum
    size = math.sqrt(sum(float(jnp.sum(x**2)) for x in jax.tree.leaves(moved)))
    layers = [len(of["W"]) if of["W"].ndim == 3 else 1 for of in stacked]
    bound = math.sqrt(sum(k * C**2 for k, C in zip(layers, clips, strict=True)))
    assert size == pytest.approx(bound, rel=1e-5)
    assert bound > math.sqrt(sum(C**2 for C in clips))


@pytest.mark.usefixtures("standard_promotion")
def test_a_private_step_trains_with_any_optimizer() -> None:
    net, params, X, Y = example(L=2, dtype="float32")
    optimizer = optax.chain(
        training.noised_mean(1.0, 0.01, float(X.shape[1]), KEY), optax.adam(0.05)
    )
    state, costs = optimizer.init(params), []
    for _ in range(30):
        cache = pure_nn.forward(net, params, X)
        _, deltas = pure_nn.backward(net, params, cache, Y)
        found = quantities.clipped_sum(net, cache, deltas, 1.0)
        updates, state = optimizer.update(found.sum, state, params)
        params = optax.apply_updates(params, updates)
        costs.append(float(pure_nn.cost(net, params, X, Y)))
    assert costs[-1] < 0.9 * costs[0]  # soft targets: their entropy stays


# the privacy spent


def gaussian_epsilon(sigma: float, delta: float) -> float:
    """Of one Gaussian mechanism: 1/(2σ²) α of Rényi, by the best α (Mironov, CSF 2017)"""
    orders = np.linspace(1.01, 200, 20_000)
    return float(np.min(orders / (2 * sigma**2) + np.log(1 / delta) / (orders - 1)))


def test_epsilon_of_one_full_batch_is_within_that_of_renyi() -> None:
    pytest.importorskip("dp_accounting")
    found = training.epsilon_spent(2.0, 1.0, 1, 1e-5)
    assert 0.7 * gaussian_epsilon(2.0, 1e-5) < found <= gaussian_epsilon(2.0, 1e-5)


def test_more_noise_fewer_steps_and_smaller_batches_spend_less() -> None:
    pytest.importorskip("dp_accounting")
    spent = training.epsilon_spent(1.0, 0.1, 100, 1e-5)
    assert training.epsilon_spent(2.0, 0.1, 100, 1e-5) < spent
    assert training.epsilon_spent(1.0, 0.1, 50, 1e-5) < spent
    assert training.epsilon_spent(1.0, 0.05, 100, 1e-5) < spent


@pytest.mark.parametrize(("noise", "steps", "epsilon"), [(0.0, 1, math.inf), (0.0, 0, 0.0)])
def test_without_noise_there_is_no_privacy(noise: float, steps: int, epsilon: float) -> None:
    assert training.epsilon_spent(noise, 0.1, steps, 1e-5) == epsilon


@pytest.mark.parametrize("epsilon", [0.5, 8.0])
def test_the_noise_for_a_target_is_the_smallest(epsilon: float) -> None:
    pytest.importorskip("dp_accounting")
    noise = training.noise_for(epsilon, 1e-5, 0.05, 200)
    assert training.epsilon_spent(noise, 0.05, 200, 1e-5) <= epsilon
    assert training.epsilon_spent(0.99 * noise, 0.05, 200, 1e-5) > epsilon


# bad input

BAD: dict[str, tuple[Any, str]] = {
    "clip": (lambda: training.noised_mean(0.0, 1.0, 1.0, KEY), "clip: expected a norm to clip at"),
    "batch": (lambda: training.noised_mean(1.0, 1.0, -1.0, KEY), "batch_size: expected a positive"),
    "noise": (lambda: training.noised_mean(1.0, -1.0, 1.0, KEY), "noise: expected a noise multi"),
    "key": (lambda: training.noised_mean(1.0, 1.0, 1.0, None), "key: expected one to draw"),
    "spent": (lambda: training.epsilon_spent(-1.0, 0.5, 1, 0.1), "noise: expected a noise multi"),
    "rate": (lambda: training.epsilon_spent(1.0, 1.5, 1, 0.1), "rate: expected the share of"),
    "steps": (lambda: training.epsilon_spent(1.0, 0.5, -1, 0.1), "steps: expected a whole number"),
    "delta": (lambda: training.epsilon_spent(1.0, 0.5, 1, 1.0), "delta: expected a probability"),
    "epsilon": (lambda: training.noise_for(0.0, 1e-5, 0.1, 1), "epsilon: expected a positive"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_refused(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(("epsilon", "steps"), [(1e9, 1), (0.1, 0)])
def test_a_target_that_any_noise_reaches_gets_the_smallest(epsilon: float, steps: int) -> None:
    pytest.importorskip("dp_accounting")
    assert training.noise_for(epsilon, 1e-5, 0.5, steps) == 0.01


def test_orders_that_the_accountant_leaves_out_fill_no_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At this σ and q it warns of three, and does so again afterwards"""
    accounting = pytest.importorskip("dp_accounting")
    training.epsilon_spent(0.83, 0.05, 200, 1e-5)
    assert not caplog.records
    one = accounting.PoissonSampledDpEvent(0.05, accounting.GaussianDpEvent(0.83))
    accounting.rdp.RdpAccountant().compose(one).get_epsilon(1e-5)
    assert "Excluding this order" in caplog.text


def test_a_target_that_no_noise_reaches_is_refused() -> None:
    pytest.importorskip("dp_accounting")
    with pytest.raises(ValueError, match=r"100000000 steps at rate 1\.0 cannot stay within"):
        training.noise_for(1e-6, 1e-9, 1.0, 10**8)


def test_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(ImportError, match=re.escape("pip install 'pure_nn[privacy]'")):
        training.epsilon_spent(1.0, 0.1, 1, 1e-5)
