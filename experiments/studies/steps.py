"""What studies that write their own step share: batches, many steps in one loop, and accuracy.

    state, seen = through(step, state, key, 100, net, data)      # step(state, key, net, data)

`step` gives the next state and what it saw. It is compiled once for each function: one that is
made for some settings is to be kept for them, by functools.cache.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

import pure_nn
from pure_nn.network import Params

Examples = tuple[Float[Array, "n_0 m"], Float[Array, "n_L m"]]
Batch = tuple[Float[Array, "n_0 B"], Float[Array, "n_L B"]]
Step = Callable[..., tuple[Any, Any]]


@functools.partial(jax.jit, static_argnames=("step", "steps"))
def through(step: Step, state: Any, key: PRNGKeyArray, steps: int, *given: Any) -> tuple[Any, Any]:
    """The state after so many steps, and what each of them saw"""

    def one(state: Any, key: PRNGKeyArray) -> tuple[Any, Any]:
        return step(state, key, *given)

    return jax.lax.scan(one, state, jax.random.split(key, steps))


def updated(
    optimizer: optax.GradientTransformation, grads: Params, state: tuple[Params, Any], **more: Any
) -> tuple[Params, Any]:
    """The params, and what the optimizer keeps, after its step"""
    params, memory = state
    with jax.numpy_dtype_promotion("standard"):  # as optax needs, whatever holds outside
        update = optax.with_extra_args_support(optimizer).update
        updates, memory = update(grads, memory, params, **more)
    return optax.apply_updates(params, updates), memory


def drawn(key: PRNGKeyArray, data: Examples, B: int) -> Batch:
    """B of the examples, each drawn from all: what the theory of noise takes a batch to be"""
    X, Y = data
    chosen = jax.random.randint(key, (B,), 0, X.shape[1])
    return X[:, chosen], Y[:, chosen]


def key_of(seed: int, what: int) -> PRNGKeyArray:
    """Of a run: one key for each thing that is drawn"""
    return jax.random.fold_in(jax.random.key(seed), what)


@jax.jit
def accuracy(net: pure_nn.Network, params: Params, data: Examples) -> Float[Array, ""]:
    """The share of examples that are right"""
    X, Y = data
    right = jnp.argmax(pure_nn.predict(net, params, X), axis=0) == jnp.argmax(Y, axis=0)
    return jnp.mean(right)
