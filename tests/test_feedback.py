"""Another rule may stand in the place of WᵀΔ: feedback alignment, sign symmetry, and its like."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import page
import pytest
from helpers import HIDDEN, SIZES, as_jax, as_numpy, assert_same, assert_values, example

import pure_nn

L, NAMES = 4, (*HIDDEN[4], "sigmoid")
RNG = np.random.default_rng(3)
FEEDBACK = {l: RNG.normal(size=(SIZES[L][l - 1], SIZES[L][l])) for l in range(2, L + 1)}
DIRECT = {l: RNG.normal(size=(SIZES[L][l - 1], SIZES[L][L])) for l in range(2, L + 1)}


def state() -> tuple[Any, Any, Any, Any]:
    net, params, X, Y = example(L=L)
    cache = pure_nn.forward(net, params, X)
    return net, params, cache, pure_nn.output_delta(net, cache, Y)


def deltas_with(matrices: list[Any], direct: bool = False) -> list[Any]:
    """Δ[1 … L] in NumPy with other matrices in the place of W[2 … L]ᵀ."""
    _, _, (Z, A), delta_L = as_numpy_state()
    deltas = [delta_L]
    for B, name, z, a in reversed(list(zip(matrices, NAMES, Z[1:L], A[1:L], strict=False))):
        dA = B @ (delta_L if direct else deltas[0])
        columns = [page.JACOBIAN[name](z[:, i], a[:, i]).T @ dA[:, i] for i in range(z.shape[1])]
        deltas.insert(0, np.stack(columns, axis=1))
    return deltas


def as_numpy_state() -> Any:
    net, params, (Z, A), delta_L = state()
    return net, as_numpy(params), ((None, *as_numpy(Z[1:])), as_numpy(A)), as_numpy(delta_L)


@pytest.mark.usefixtures("x64")
def test_feedback_alignment() -> None:
    net, params, cache, delta_L = state()
    got = pure_nn.backpropagate(
        net, params, cache, delta_L, rule=lambda l, layer, Δ: as_jax(FEEDBACK[l]) @ Δ
    )
    assert_values(list(got[1:]), deltas_with(list(FEEDBACK.values())), rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_direct_feedback() -> None:
    net, params, cache, delta_L = state()
    got = pure_nn.backpropagate(
        net, params, cache, delta_L, rule=lambda l, layer, Δ: as_jax(DIRECT[l]) @ delta_L
    )
    assert_values(list(got[1:]), deltas_with(list(DIRECT.values()), direct=True), rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_sign_symmetry_under_jit() -> None:
    net, params, cache, delta_L = state()

    def signs(l: int, layer: Any, Δ: Any) -> Any:
        return jnp.sign(layer["W"]).T @ Δ

    got = jax.jit(lambda *args: pure_nn.backpropagate(*args, rule=signs))(
        net, params, cache, delta_L
    )
    expected = deltas_with([np.sign(layer["W"]).T for layer in as_numpy(params)[1:]])
    assert_values(list(got[1:]), expected, rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_the_transpose_is_the_rule_of_the_page() -> None:
    net, params, cache, delta_L = state()
    page_rule = pure_nn.backpropagate(net, params, cache, delta_L)
    by_hand = pure_nn.backpropagate(
        net, params, cache, delta_L, rule=lambda l, layer, Δ: params[l - 1]["W"].T @ Δ
    )
    assert_same(by_hand[1:], page_rule[1:], rtol=1e-14)


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "no function": ("WᵀΔ", TypeError, "rule: expected a function of (l, layer, Δ), got str of 3"),
    "another shape": (
        lambda l, layer, Δ: Δ,
        ValueError,
        "rule at layer 4: expected shape (5, 5), 5 being the units of layer 3, got (3, 5)",
    ),
    "one row": (lambda l, layer, Δ: Δ[:1], ValueError, "expected shape (5, 5)"),
    "nothing": (lambda l, layer, Δ: None, TypeError, "rule at layer 4: expected a NumPy or JAX"),
    "integers": (
        lambda l, layer, Δ: jnp.ones((5, 5), int),
        TypeError,
        "rule at layer 4: expected one of float64, float32, bfloat16, float16, got int",
    ),
}


@pytest.mark.usefixtures("x64", "as_installed")
@pytest.mark.parametrize("what", WRONG)
def test_refused(what: str) -> None:
    rule, error, message = WRONG[what]
    with pytest.raises(error, match=re.escape(message)):
        pure_nn.backpropagate(*state(), rule=rule)
