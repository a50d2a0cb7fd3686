"""Three matrix products for every layer but the first's WᵀΔ, each taken once, and little else.

Beside the products, a compiled gradient takes at most 32 operations for every unit and example,
and one for every parameter, the 1/B; a step of SGD one more, for the update.
"""

import functools
from collections.abc import Callable
from typing import Any

import counting
import jax
import jax.numpy as jnp
import optax
import pytest
from counting import HIDDEN, NETWORKS, B, Products, counts, forward, pulls, recipe, sums

import pure_nn
from pure_nn import training

SGD = optax.sgd(0.1)
ELEMENTWISE = 32
SIZES = NETWORKS[1]
NET = counting.network(SIZES, "tanh")
L = len(SIZES) - 1
ALL = range(1, L + 1)
networks = pytest.mark.parametrize("sizes", NETWORKS, ids=lambda sizes: "-".join(map(str, sizes)))


def step(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
    return training.step(net, params, SGD.init(params), X, Y, optimizer=SGD)


PROGRAMS: dict[str, tuple[Callable[..., Any], int]] = {
    "value_and_grad": (pure_nn.value_and_grad, 1),
    "step": (step, 2),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("hidden", HIDDEN)
@networks
def test_three_products_for_every_layer(sizes: tuple[int, ...], hidden: str, name: str) -> None:
    f, per_parameter = PROGRAMS[name]
    program = functools.partial(f, counting.network(sizes, hidden))
    found = counts(program, *counting.shapes(sizes))
    elementwise = found.flops - counting.flops(recipe(sizes))
    assert counting.traced_products(program, *counting.shapes(sizes)) == 3 * len(sizes) - 4
    assert found.products == recipe(sizes)
    assert 0 < elementwise
    assert elementwise <= (
        ELEMENTWISE * sum(sizes[1:]) * B + per_parameter * counting.parameters(sizes)
    )


# each of these must be counted


def step_with_input_gradient(params: Any, X: Any, Y: Any) -> Any:
    """Takes W[1]ᵀΔ[1] for nothing, but in a way that the compiler cannot know"""
    _, deltas = pure_nn.backward(NET, params, pure_nn.forward(NET, params, X), Y)
    dX = pure_nn.input_gradient(NET, params, deltas)
    return step(NET, params, X, Y), 0 * jnp.sum(dX)


def gradients_twice(params: Any, X: Any, Y: Any) -> Any:
    """The second of the examples in reverse, which the compiler takes for others"""
    once = pure_nn.value_and_grad(NET, params, X, Y)
    again = pure_nn.value_and_grad(NET, params, X[:, ::-1], Y[:, ::-1])
    return jax.tree.map(jnp.add, once, again)


def test_the_gradient_of_the_inputs_would_be_counted() -> None:
    found = counts(step_with_input_gradient, *counting.shapes(SIZES))
    assert found.products - recipe(SIZES) == pulls(SIZES, 1)


def test_a_product_taken_twice_would_be_counted() -> None:
    found = counts(gradients_twice, *counting.shapes(SIZES))
    assert found.products - recipe(SIZES) >= sums(SIZES, *ALL)
    assert found.flops - counting.flops(recipe(SIZES)) > ELEMENTWISE * sum(SIZES[1:]) * B


def test_a_product_that_the_compiler_merges_would_be_counted() -> None:
    def twice(params: Any, X: Any, Y: Any) -> Any:
        return [pure_nn.value_and_grad(NET, params, X, Y) for _ in range(2)]

    assert counts(twice, *counting.shapes(SIZES)).products == recipe(SIZES)
    assert counting.traced_products(twice, *counting.shapes(SIZES)) == 2 * (3 * L - 1)


# what is not asked for


def passed(params: Any, X: Any, Y: Any) -> Any:
    """grads, deltas and ∂𝓛/∂X"""
    grads, deltas = pure_nn.backward(NET, params, pure_nn.forward(NET, params, X), Y)
    return grads, deltas, pure_nn.input_gradient(NET, params, deltas)


ASKED: dict[str, tuple[Callable[..., Any], Products]] = {
    "J": (lambda *a: pure_nn.value_and_grad(NET, *a)[0], forward(SIZES, *ALL)),
    "deltas[L]": (lambda *a: passed(*a)[1][L], forward(SIZES, *ALL)),
    "deltas": (lambda *a: passed(*a)[1], forward(SIZES, *ALL) + pulls(SIZES, *ALL[1:])),
    "grads of b": (
        lambda *a: [layer["b"] for layer in passed(*a)[0]],
        forward(SIZES, *ALL) + pulls(SIZES, *ALL[1:]),
    ),
    "grads[0]": (
        lambda *a: passed(*a)[0][0],
        forward(SIZES, *ALL) + pulls(SIZES, *ALL[1:]) + sums(SIZES, 1),
    ),
    "grads[-1]": (lambda *a: passed(*a)[0][-1], forward(SIZES, *ALL) + sums(SIZES, L)),
    "grads": (lambda *a: passed(*a)[0], recipe(SIZES)),
    "input_gradient": (lambda *a: passed(*a)[2], forward(SIZES, *ALL) + pulls(SIZES, *ALL)),
    "A[1]": (lambda params, X, _: pure_nn.forward(NET, params, X).A[1], forward(SIZES, 1)),
}


@pytest.mark.parametrize("name", ASKED)
def test_only_the_products_that_the_answer_needs(name: str) -> None:
    program, needed = ASKED[name]
    assert counts(program, *counting.shapes(SIZES)).products == needed


def test_no_logarithm_where_no_cost_is_asked_for() -> None:
    both, gradients = (
        counts(f, *counting.shapes(SIZES)).text
        for f in (functools.partial(pure_nn.value_and_grad, NET), ASKED["grads"][0])
    )
    assert " log-plus-one(" in both
    assert " log-plus-one(" not in gradients


def test_a_product_for_nothing_would_be_counted() -> None:
    def cost(params: Any, X: Any, Y: Any) -> Any:
        J, _ = pure_nn.value_and_grad(NET, params, X, Y)
        return J + 0 * jnp.sum(passed(params, X, Y)[1][1])

    found = counts(cost, *counting.shapes(SIZES)).products
    assert found - ASKED["J"][1] == pulls(SIZES, *ALL[1:])
