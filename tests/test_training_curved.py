"""K-FAC and the natural gradient: what they solve, beside the matrices written out."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from helpers import example
from jax.flatten_util import ravel_pytree

import pure_nn
from pure_nn import quantities, training
from pure_nn.quantities import Factors

DAMPING = 0.1


def state() -> Any:
    net, params, X, Y = example(L=2)
    _, grads, found = quantities.value_and_grad(net, params, X, Y, also=("kronecker_factors",))
    return net, params, (X, Y), grads, found["kronecker_factors"]


def inverted(factors: Any, grads: Any) -> list[Any]:
    """[dW db] of each layer between the two damped inverses, in NumPy"""
    found = []
    for (A, G), layer in zip(factors, grads, strict=True):
        pi = np.sqrt(np.trace(A) / len(A) / (np.trace(G) / len(G)))
        A, G = (x + s * np.sqrt(DAMPING) * np.eye(len(x)) for x, s in ((A, pi), (G, 1 / pi)))
        both = np.concatenate([layer["W"], layer["b"]], axis=1)
        found.append(np.linalg.solve(G, both) @ np.linalg.inv(A))
    return found


def beside(updates: Any) -> list[Any]:
    return [np.concatenate([layer["W"], layer["b"]], axis=1) for layer in updates]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_kfac_inverts_the_damped_factors(decay: float) -> None:
    """At the first step the average is that of one, whatever the decay"""
    _, params, _, grads, factors = state()
    optimizer = training.kfac(DAMPING, decay=decay)
    updates, _ = optimizer.update(grads, optimizer.init(params), params, factors=factors)
    for got, expected in zip(beside(updates), inverted(factors, grads), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


@pytest.mark.usefixtures("x64")
def test_kfac_averages_the_factors() -> None:
    _, params, _, grads, factors = state()
    optimizer = training.kfac(DAMPING, decay=0.75)
    twice = jax.tree.map(lambda x: 2 * x, factors)
    _, now = optimizer.update(grads, optimizer.init(params), params, factors=factors)
    updates, _ = optimizer.update(grads, now, params, factors=twice)
    average = jax.tree.map(lambda x: x * (0.75 * 0.25 + 2 * 0.25) / (1 - 0.75**2), factors)
    for got, expected in zip(beside(updates), inverted(average, grads), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


@pytest.mark.usefixtures("x64")
def test_kfac_inverts_at_every_second_step() -> None:
    _, params, _, grads, factors = state()
    optimizer = training.kfac(DAMPING, decay=0.0, every=2)
    now, found = optimizer.init(params), []
    for scale in (1.0, 5.0, 5.0):
        of_step = jax.tree.map(lambda x, scale=scale: scale * x, factors)
        updates, now = optimizer.update(grads, now, params, factors=of_step)
        found.append(ravel_pytree(updates)[0])
    assert jnp.array_equal(found[0], found[1])
    assert not jnp.allclose(found[1], found[2])


@pytest.mark.usefixtures("x64")
def test_kfac_goes_no_further_than_trusted() -> None:
    """Along the same way; a step that is short enough is left as it is"""
    _, params, _, grads, factors = state()

    def way(trust: float | None) -> Any:
        optimizer = training.kfac(DAMPING, trust=trust)
        found, _ = optimizer.update(grads, optimizer.init(params), params, factors=factors)
        return ravel_pytree(found)[0]

    free, flat = way(None), ravel_pytree(grads)[0]
    length = float(free @ flat)
    short = way(length / 9)
    np.testing.assert_allclose(short @ short / 2, free @ free / 18, rtol=1e-12)
    np.testing.assert_allclose(short * 3, free, rtol=1e-12)
    assert jnp.array_equal(way(1.01 * length), free)


@pytest.mark.usefixtures("x64")
def test_the_natural_gradient_solves_with_the_damped_fisher_matrix() -> None:
    net, params, (X, Y), grads, _ = state()
    cache, flat = pure_nn.forward(net, params, X), ravel_pytree(grads)[0]

    def times(V: Any) -> Any:
        return quantities.gauss_newton_product(net, params, cache, Y, V)

    optimizer = training.natural_gradient(DAMPING, iterations=200)
    updates, _ = optimizer.update(grads, optimizer.init(params), params, fisher_product=times)
    unflat = ravel_pytree(grads)[1]
    F = jax.vmap(lambda v: ravel_pytree(times(unflat(v)))[0])(jnp.eye(flat.size))
    expected = np.linalg.solve(F + DAMPING * np.eye(flat.size), flat)
    got = ravel_pytree(updates)[0]
    np.testing.assert_allclose(got, expected, rtol=1e-3)  # to the tolerance of cg
    assert not np.allclose(got, flat / DAMPING, rtol=0.1)


@pytest.mark.usefixtures("standard_promotion")
def test_steps_along_the_curvature_train() -> None:
    net, params, X, Y = example(L=2, dtype="float32")
    optimizer = optax.chain(training.kfac(0.1), optax.sgd(0.3))
    now, key, costs = optimizer.init(params), jax.random.key(1), []

    @jax.jit
    def step(params: Any, now: Any, key: Any) -> Any:
        J, grads, found = quantities.value_and_grad(
            net, params, X, Y, also=("kronecker_factors",), draw=key
        )
        factors = found["kronecker_factors"]
        updates, now = optimizer.update(grads, now, params, factors=factors)
        return optax.apply_updates(params, updates), now, J

    for i in range(40):
        params, now, J = step(params, now, jax.random.fold_in(key, i))
        costs.append(float(J))
    assert costs[-1] < 0.9 * costs[0]  # soft targets: their entropy stays


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_params_of_16_bits(dtype: str) -> None:
    """Updates have their dtype, and are near those of float32; in a loop, too"""
    net, params, X, Y = example(L=2, dtype="float32")

    def steps(given: Any, optimizer: Any) -> Any:
        params, X, Y = given

        def step(carry: Any, _: Any) -> Any:
            params, now = carry
            _, grads, found = quantities.value_and_grad(
                net, params, X, Y, also=("kronecker_factors",)
            )
            cache = pure_nn.forward(net, params, X)
            updates, now = optimizer.update(
                grads,
                now,
                params,
                factors=found["kronecker_factors"],
                fisher_product=lambda V: quantities.gauss_newton_product(net, params, cache, Y, V),
            )
            return (jax.tree.map(lambda p, u: p - u / 8, params, updates), now), None

        return jax.lax.scan(step, (params, optimizer.init(params)), length=2)[0][0]

    narrow = jax.tree.map(lambda x: x.astype(dtype), (params, X, Y))
    for optimizer in (training.kfac(0.1, trust=0.5), training.natural_gradient(0.1, iterations=3)):
        found, expected = (steps(of, optimizer) for of in (narrow, (params, X, Y)))
        assert {str(x.dtype) for x in jax.tree.leaves(found)} == {dtype}
        of_narrow, of_wide = (ravel_pytree(x)[0].astype("float32") for x in (found, expected))
        start = ravel_pytree(params)[0]
        assert jnp.linalg.norm(of_narrow - of_wide) < 0.2 * jnp.linalg.norm(of_wide - start)


# bad input

ONE = ({"W": jnp.ones((2, 3)), "b": jnp.ones((2, 1))},)
STACK = ({"W": jnp.ones((4, 2, 2)), "b": jnp.ones((4, 2, 1))},)
FACTORS = (Factors(jnp.eye(4), jnp.eye(2)),)
BAD: dict[str, tuple[Any, str]] = {
    "damping": (lambda: training.kfac(0.0), "damping: expected a positive number, got 0.0"),
    "trust": (lambda: training.kfac(1.0, trust=0.0), "trust: expected a positive number, got 0.0"),
    "decay": (lambda: training.kfac(1.0, decay=1.0), "decay: expected a share in [0, 1), got 1.0"),
    "every": (lambda: training.kfac(1.0, every=0), "every: expected a number of steps from 1 on"),
    "no end": (lambda: training.kfac(float("inf")), "damping: expected a positive number, got inf"),
    "stack": (lambda: training.kfac(1.0).init(STACK), "pass pure_nn.unstack(params)"),
    "factors": (
        lambda: training.kfac(1.0).update(ONE, training.kfac(1.0).init(ONE)),
        "factors: expected those of kronecker_factors at each update, got none; training.step",
    ),
    "few factors": (
        lambda: training.kfac(1.0).update(ONE, training.kfac(1.0).init(ONE), factors=()),
        "factors: expected those of 1 layers, got 0",
    ),
    "negative": (lambda: training.natural_gradient(-1.0), "damping: expected a positive number"),
    "iterations": (
        lambda: training.natural_gradient(1.0, iterations=0),
        "iterations: expected 1 or more, got 0",
    ),
    "product": (
        lambda: training.natural_gradient(1.0).update(ONE, optax.EmptyState()),
        "fisher_product: expected V ↦ FV at each update, got none",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_refused(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
