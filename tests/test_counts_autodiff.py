"""What the backward pass written out costs beside `jax.value_and_grad`, counted and not timed.

A step of SGD on each side, 784-256-128-10, B = 64, by jax 0.10.2 for the CPU; `jnp` is the usual
program, jax.nn.log_softmax and jnp.tanh; `cost` is autodiff of `pure_nn.cost`:

                       bytes accessed                 temporary             transcendentals
                 pure_nn      cost      jnp    pure_nn    cost      jnp   pure_nn  cost    jnp
    relu         6417768   6466960  6399944     163840  163840   163840       704    704    704
    leaky_relu   6417768   6466960  6399944     163840  163840   163840       704    704    704
    identity     6121320   6173584  6106568      98304   98304    98312       704    704    704
    sigmoid      6417768   6468496  6401480     163840   98304    98304     49856  25280  25280
    tanh         6712680   7256464  6401480     163840  330240    98304     49856  49856  25280

The prices: the digits of softmax, 7 numbers read or written for each of its entries; those of σ′
and tanh′, one exp for each unit, and one more array that is kept. In `value_and_grad` alone, whose
gradients nothing reads, the 1/B is one pass over them, which a step takes as a part of its update.
"""

import functools
from collections.abc import Callable
from typing import Any

import counting
import jax
import jax.numpy as jnp
import optax
import pytest
from counting import HIDDEN, NETWORKS, B, Counts, counts

import pure_nn
from pure_nn import training
from pure_nn.activations import _exp_of_twice

SGD = optax.sgd(0.1)
SHARP = ("relu", "leaky_relu", "identity")  # g′ without an exp
SMOOTH = ("sigmoid", "tanh")
SOFTMAX = 7 * 4  # bytes for each entry
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "identity": lambda Z: Z,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
}
VALUES_AND_GRADS: dict[str, Callable[..., Any]] = {
    "pure_nn": lambda hidden, net, *arrays: pure_nn.value_and_grad(net, *arrays),
    "cost": lambda hidden, net, *arrays: jax.value_and_grad(pure_nn.cost, 1)(net, *arrays),
    "jnp": lambda hidden, net, *arrays: jax.value_and_grad(usual_cost, 1)(hidden, *arrays),
}
networks = pytest.mark.parametrize("sizes", NETWORKS, ids=lambda sizes: "-".join(map(str, sizes)))


def usual_cost(hidden: str, params: Any, X: Any, Y: Any) -> Any:
    A = X
    for layer in params[:-1]:
        A = FUNCTIONS[hidden](layer["W"] @ A + layer["b"])
    Z = params[-1]["W"] @ A + params[-1]["b"]
    return jnp.mean(-jnp.sum(Y * jax.nn.log_softmax(Z, axis=0), axis=0))


def named(hidden: str) -> pure_nn.Activation | str:
    """With the derivative of jax.nn at the kink"""
    return pure_nn.relu(at_zero=0.0) if hidden == "relu" else hidden


@functools.cache
def gradient(name: str, sizes: tuple[int, ...], hidden: str) -> Counts:
    net = counting.network(sizes, named(hidden))
    return counts(functools.partial(VALUES_AND_GRADS[name], hidden, net), *counting.shapes(sizes))


@functools.cache
def step(name: str, sizes: tuple[int, ...], hidden: str) -> Counts:
    net = counting.network(sizes, named(hidden))

    def by_hand(params: Any, X: Any, Y: Any) -> Any:
        return training.step(net, params, SGD.init(params), X, Y, optimizer=SGD)

    def by_autodiff(params: Any, X: Any, Y: Any) -> Any:
        J, grads = VALUES_AND_GRADS[name](hidden, net, params, X, Y)
        updates, state = SGD.update(grads, SGD.init(params), params)
        return optax.apply_updates(params, updates), state, J

    program = by_hand if name == "pure_nn" else by_autodiff
    return counts(program, *counting.shapes(sizes))


def units(sizes: tuple[int, ...]) -> int:
    """Hidden ones, for all examples"""
    return sum(sizes[1:-1]) * B


@pytest.mark.parametrize("hidden", HIDDEN)
@networks
def test_the_same_products(sizes: tuple[int, ...], hidden: str) -> None:
    assert step("pure_nn", sizes, hidden).products == step("jnp", sizes, hidden).products
    assert step("pure_nn", sizes, hidden).products == step("cost", sizes, hidden).products


@pytest.mark.parametrize("hidden", HIDDEN)
@networks
def test_a_step_moves_no_more_bytes(sizes: tuple[int, ...], hidden: str) -> None:
    found = step("pure_nn", sizes, hidden).bytes
    assert found <= step("cost", sizes, hidden).bytes


@pytest.mark.parametrize("hidden", SHARP)
@networks
def test_the_price_of_the_digits_of_softmax(sizes: tuple[int, ...], hidden: str) -> None:
    found = step("pure_nn", sizes, hidden).bytes
    assert found <= step("jnp", sizes, hidden).bytes + SOFTMAX * sizes[-1] * B


@pytest.mark.parametrize("hidden", HIDDEN)
def test_the_price_of_the_mean_of_gradients_that_nothing_reads(hidden: str) -> None:
    """One reading and one writing of each"""
    found = gradient("pure_nn", NETWORKS[1], hidden).bytes
    read_and_written = 2 * 4 * counting.parameters(NETWORKS[1])
    assert found <= gradient("cost", NETWORKS[1], hidden).bytes + read_and_written


@pytest.mark.parametrize("count", [gradient, step])
@pytest.mark.parametrize("other", ["cost", "jnp"])
@pytest.mark.parametrize("hidden", SHARP)
@networks
def test_no_more_memory_and_no_more_exps(
    sizes: tuple[int, ...], hidden: str, other: str, count: Callable[..., Counts]
) -> None:
    found, theirs = count("pure_nn", sizes, hidden), count(other, sizes, hidden)
    assert found.temporary <= theirs.temporary
    assert 0 < found.transcendentals <= theirs.transcendentals


@pytest.mark.parametrize("count", [gradient, step])
@pytest.mark.parametrize("hidden", SMOOTH)
@networks
def test_the_price_of_the_digits_of_saturated_units(
    sizes: tuple[int, ...], hidden: str, count: Callable[..., Counts]
) -> None:
    """Two arrays are kept where autodiff keeps A, and one more exp is taken of each unit."""
    found, theirs = count("pure_nn", sizes, hidden), count("jnp", sizes, hidden)
    assert found.temporary <= 2 * theirs.temporary
    assert found.transcendentals == theirs.transcendentals + units(sizes)


# what must be counted


def second_exp(Z: Any, A: Any) -> Any:
    """tanh′, of which XLA makes two exps"""
    E = _exp_of_twice(Z)
    return 4 / (E + 2 + 1 / E)


@networks
def test_a_second_exp_and_a_third_residual_would_be_counted(sizes: tuple[int, ...]) -> None:
    wasteful = pure_nn.Activation("tanh", pure_nn.tanh().g, second_exp, range=(-1.0, 1.0))
    program = functools.partial(pure_nn.value_and_grad, counting.network(sizes, wasteful))
    found, theirs = counts(program, *counting.shapes(sizes)), gradient("jnp", sizes, "tanh")
    assert found.transcendentals == theirs.transcendentals + 2 * units(sizes)
    assert found.temporary > 2 * theirs.temporary


@networks
def test_a_pass_over_the_parameters_would_be_counted(sizes: tuple[int, ...]) -> None:
    net = counting.network(sizes, named("relu"))

    def penalized(params: Any, X: Any, Y: Any) -> Any:
        return training.step(net, params, SGD.init(params), X, Y, optimizer=SGD, l2=0.1)

    found = counts(penalized, *counting.shapes(sizes)).bytes
    assert found > step("cost", sizes, "relu").bytes
    assert found > step("jnp", sizes, "relu").bytes + SOFTMAX * sizes[-1] * B
