"""At kinks, ties and saturation jax.grad of every forward form is the page's derivative."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import page
import pytest
from helpers import ACTIVATIONS, pairs

import pure_nn

pytestmark = pytest.mark.usefixtures("x64")
ZEROS = np.array([0.0, -0.0])
POINTS = np.array([0.0, -0.0, 1.0, -1.0, 36.0, -36.0, 1e4, -1e4])
KINKS = [
    pytest.param(pure_nn.relu, {}, 1.0, id="relu"),
    pytest.param(pure_nn.relu, {"at_zero": 0.0}, 0.0, id="relu-as-jax.nn"),
    pytest.param(pure_nn.relu, {"at_zero": 0.5}, 0.5, id="relu-half"),
    pytest.param(pure_nn.leaky_relu, {}, 1.0, id="leaky_relu"),
    pytest.param(pure_nn.leaky_relu, {"a": 0.3}, 1.0, id="leaky_relu-0.3"),
]
TIES = np.array([[2.0, 0.0, -0.0, 1e4, -1e4, 3.0, 1e4], [2.0, 0.0, 0.0, 1e4, -1e4, 1.0, -1e4]])
THREE = np.concatenate([TIES, [[2.0, 1.0, 0.0, -1e4, -1e4, 1.0, 0.0]]])


def slope(g: pure_nn.Activation, z: Any) -> Any:
    """jax.grad of the forward form, point by point."""
    return jax.vmap(jax.grad(g.g))(jnp.asarray(z))


@pytest.mark.parametrize(("make", "constants", "at_zero"), KINKS)
def test_slope_at_the_kink(make: Any, constants: dict[str, float], at_zero: float) -> None:
    g, z = make(**constants), jnp.asarray(ZEROS)
    assert g.g_prime(z, g.g(z)).tolist() == [at_zero, at_zero]
    assert g.pull(z, g.g(z), 3 + z).tolist() == [3 * at_zero, 3 * at_zero]
    assert slope(g, z).tolist() == [at_zero, at_zero]
    assert g.g(z).tolist() == [0, 0]


@pytest.mark.parametrize(("make", "constants", "at_zero"), KINKS)
def test_slopes_beside_the_kink(make: Any, constants: dict[str, float], at_zero: float) -> None:
    g, z = make(**constants), jnp.array([-1e4, -1e-300, 1e-300, 1e4])
    below = {"relu": 0.0, "leaky_relu": constants.get("a", 0.01)}[g.name]
    assert g.g_prime(z, g.g(z)).tolist() == slope(g, z).tolist() == [below, below, 1.0, 1.0]
    assert g.g(z).tolist() == [below * -1e4, below * -1e-300, 1e-300, 1e4]


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"softmax"}))
def test_autodiff_of_the_forward_form_is_g_prime(name: str) -> None:
    g, z = pure_nn.Network((name,), "squared_error").activations[0], jnp.asarray(POINTS)
    expected = np.array([page.JACOBIAN[name](x, page.G[name](x))[0, 0] for x in POINTS[:6, None]])
    np.testing.assert_allclose(g.g_prime(z, g.g(z))[:6], expected, rtol=1e-14)
    np.testing.assert_allclose(slope(g, z), g.g_prime(z, g.g(z)), rtol=1e-12, atol=1e-15)


def test_autodiff_of_softmax_at_ties_is_its_jacobian() -> None:
    g = pure_nn.softmax()
    E = np.exp(THREE - THREE.max(axis=0))
    A = E / E.sum(axis=0)
    np.testing.assert_allclose(g.g(jnp.asarray(THREE)), A, rtol=1e-14)
    for z, a in zip(THREE.T, A.T, strict=True):
        jacobian = jax.jacobian(lambda z: g.g(z[:, None])[:, 0])(jnp.asarray(z))
        np.testing.assert_allclose(jacobian, np.diag(a) - np.outer(a, a), rtol=1e-14, atol=1e-17)


@pairs
def test_autodiff_of_the_loss_is_delta_at_kinks_ties_and_saturation(output: str, loss: str) -> None:
    net = pure_nn.Network((output,), loss)
    g, Z = net.activations[0], jnp.asarray(np.concatenate([THREE, POINTS[None, 1:]]))
    Y = jnp.asarray(np.random.default_rng(0).uniform(size=Z.shape))

    def total(Z: Any) -> Any:
        return jnp.sum(net.loss.value(Z, g.g(Z), Y, g))

    direct = net.loss.delta(Z, g.g(Z), Y, g)
    assert np.all(np.isfinite(direct))
    np.testing.assert_allclose(jax.grad(total)(Z), direct, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("y", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("zero", ZEROS)
def test_binary_cross_entropy_at_zero(zero: float, y: float) -> None:
    """dJ/dz = σ(0) − y: max(z, 0) + log1p(exp(−|z|)) would say −y."""
    g, loss, Y = pure_nn.sigmoid(), pure_nn.binary_cross_entropy(), jnp.full((1, 1), y)

    def J(z: Any) -> Any:
        return loss.value(z[None, None], g.g(z)[None, None], Y, g)[0]

    assert float(J(jnp.array(zero))) == pytest.approx(np.log(2), rel=1e-15)
    assert float(jax.grad(J)(jnp.array(zero))) == 0.5 - y
