"""No NaN and no infinity for |Z| up to 1e4, the right cost there, and no NaN swallowed."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import ACTIVATIONS, PAIRS, as_jax, example, pairs

import pure_nn

mpmath = pytest.importorskip("mpmath")
EXTREMES = [0.0, -0.0, 1e-30, -1.0, 17.0, -40.0, 89.0, -104.0, 745.0, 1e4, -1e4]
COLUMNS = np.array(list(itertools.product(EXTREMES, repeat=2))).T
Z = np.concatenate([COLUMNS, np.resize(EXTREMES, (1, COLUMNS.shape[1]))])
TARGETS = {
    "one-hot": np.eye(3)[:, np.arange(Z.shape[1]) % 3],
    "bits": np.random.default_rng(0).integers(0, 2, Z.shape).astype(float),
    "soft": np.random.default_rng(1).uniform(size=Z.shape),
}
by_hand = jax.jit(pure_nn.value_and_grad)


def minus_log_sigmoid(z: Any, i: int) -> tuple[Any, Any]:
    """−log A and −log(1 − A) of unit i."""
    return mpmath.log1p(mpmath.exp(-z[i])), mpmath.log1p(mpmath.exp(z[i]))


def minus_log_softmax(z: Any, i: int) -> tuple[Any, Any]:
    others = mpmath.fsum(mpmath.exp(x) for k, x in enumerate(z) if k != i)
    return mpmath.log1p(others / mpmath.exp(z[i])), mpmath.log1p(mpmath.exp(z[i]) / others)


LOGS = {"sigmoid": minus_log_sigmoid, "softmax": minus_log_softmax}
COST = {
    "binary_cross_entropy": lambda y, minus_log_A, rest: y * minus_log_A + (1 - y) * rest,
    "cross_entropy": lambda y, minus_log_A, rest: y * minus_log_A,
}
RIGHT = [pytest.param(g, loss, id=f"{g}-{loss}") for g, loss in PAIRS if loss in COST]


def exact_losses(output: str, loss: str, X: Any, Y: Any) -> list[float]:
    columns = zip(np.asarray(X, float).T.tolist(), np.asarray(Y, float).T.tolist(), strict=True)
    with mpmath.workdps(40):
        return [
            float(mpmath.fsum(COST[loss](y[i], *LOGS[output](z, i)) for i in range(3)))
            for z, y in ((list(map(mpmath.mpf, z)), list(map(mpmath.mpf, y))) for z, y in columns)
        ]


def passes_through(output: str, loss: str, dtype: str, n: int = 3) -> Any:
    """A network of one layer whose Z is its X."""
    params = ({"W": np.eye(n), "b": np.zeros((n, 1))},)
    return pure_nn.Network((output,), loss), as_jax(params, dtype)


def finite(tree: Any) -> bool:
    return all(np.all(np.isfinite(np.asarray(x, np.float64))) for x in jax.tree.leaves(tree))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pairs
def test_cost_and_gradients_are_finite(output: str, loss: str, dtype: str) -> None:
    """So is every Δ, as ∂J/∂b is their sum."""
    net, params = passes_through(output, loss, dtype)
    for Y in as_jax(list(TARGETS.values()), dtype):
        assert finite(by_hand(net, params, as_jax(Z, dtype), Y))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy", "squared_error"])
def test_a_softmax_of_one_unit_is_finite(loss: str, dtype: str) -> None:
    """It is 1 whatever Z is: only Y = 0 in binary cross-entropy costs log 0."""
    net, params = passes_through("softmax", loss, dtype, n=1)
    X = as_jax(Z[:1], dtype)
    assert finite(by_hand(net, params, X, jnp.ones_like(X)))
    assert finite(by_hand(net, params, X, as_jax(TARGETS["bits"][:1], dtype))[1])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_hidden_layers_are_finite(hidden: str, dtype: str) -> None:
    output = {"W": np.array([[1e-3, -1e-3, 1e-3]]), "b": np.zeros((1, 1))}
    params = (*passes_through("softmax", "cross_entropy", dtype)[1], as_jax(output, dtype))
    X, Y = as_jax((Z, TARGETS["bits"][:1]), dtype)
    assert finite(by_hand(pure_nn.Network((hidden, "sigmoid")), params, X, Y))


def test_the_chain_rule_is_not_finite_there() -> None:
    net, params = passes_through("sigmoid", "binary_cross_entropy", "float32")
    X, Y = as_jax((Z, TARGETS["soft"]), "float32")
    cache = pure_nn.forward(net, params, X)
    assert finite(pure_nn.output_delta(net, cache, Y))
    assert not finite(pure_nn.output_delta(net, cache, Y, form="chain"))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("output", "loss"), RIGHT)
def test_cross_entropies_are_right(output: str, loss: str, dtype: str, kind: str) -> None:
    net, params = passes_through(output, loss, dtype)
    X, Y = as_jax((Z, TARGETS[kind]), dtype)
    got, limits = pure_nn.losses(net, params, X, Y), jnp.finfo(dtype)
    expected = exact_losses(output, loss, X, Y)
    rtol, atol = 8 * float(limits.eps), float(limits.tiny)
    np.testing.assert_allclose(got, expected, rtol, atol)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
def test_certainty_that_is_right_costs_nothing(loss: str) -> None:
    """From A alone, as for a user's own activation: 0 log 0 is 0."""
    A = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    value = getattr(pure_nn, loss)().value(A, A, A, pure_nn.identity())
    assert value.tolist() == [0, 0]


@pytest.mark.parametrize("where", ["X", "Y"])
@pairs
def test_NaN_reaches_the_cost_of_its_example(output: str, loss: str, where: str) -> None:
    net, params, X, Y = example(output, loss, L=1, dtype="float32")
    arrays: Any = {"X": X, "Y": Y}
    arrays[where] = arrays[where].at[0, 2].set(jnp.nan)
    losses = pure_nn.losses(net, params, **arrays)
    assert np.isnan(losses).tolist() == [False, False, True, False, False]
    assert np.isnan(by_hand(net, params, **arrays)[0])


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_NaN_passes_every_activation(hidden: str) -> None:
    g, x = pure_nn.Network((hidden,), "squared_error").activations[0], jnp.array([[jnp.nan], [1.0]])
    assert np.isnan(g.g(x)[0, 0])
    assert np.isnan(g.pull(x, x, x)[0, 0])


@pytest.mark.parametrize("low", [-np.inf, -3e38])
def test_softmax_of_what_is_masked(low: float) -> None:
    g, loss, Z = pure_nn.softmax(), pure_nn.cross_entropy(), jnp.array([[1.0], [low], [1.0]])
    one_hot = jnp.array([[1.0], [0.0], [0.0]])
    np.testing.assert_allclose(g.g(Z)[:, 0], [0.5, 0, 0.5], rtol=1e-6)
    np.testing.assert_allclose(loss.delta(Z, g.g(Z), one_hot, g)[:, 0], [-0.5, 0, 0.5], rtol=1e-6)
    assert np.all(np.isfinite(jax.jacobian(g.g)(Z)))
