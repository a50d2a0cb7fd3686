"""One step, and many steps as one scan over batches that the caller names."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, DTypeLike, Float, Int, PRNGKeyArray

from pure_nn.border import checked
from pure_nn.dropout import Masks
from pure_nn.network import Network, Params
from pure_nn.training.settings import Indices, made, require_batches
from pure_nn.training.update import Carry, How, Observe, lowered, update


@checked
def step(
    net: Network,
    params: Params,
    state: optax.OptState,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    optimizer: optax.GradientTransformation,
    key: PRNGKeyArray | None = None,
    masks: Masks | None = None,
    l2: float = 0.0,
    compute_dtype: DTypeLike | None = None,
    observe: Observe | None = None,
) -> tuple[Any, ...]:
    """One update by the gradients of J: params and state after it, and J before it.

    `key` or `masks` say what dropout drops. With `observe`, what it returns of (cache, deltas,
    grads) is the fourth value. To compile it, `jax.jit(step, static_argnames=("optimizer",))`,
    with each of l2, compute_dtype and observe that is given.

    TypeError: an optimizer that is none of optax.
    """
    how = made(net, optimizer, l2, compute_dtype, observe)
    (params, state), (J, seen) = update(how, (params, state), X, Y, key, masks)
    return (params, state, J) if observe is None else (params, state, J, seen)


@checked
def steps(
    net: Network,
    params: Params,
    state: optax.OptState,
    X: Float[Array, "n_0 m"],
    Y: Float[Array, "n_L m"],
    *,
    optimizer: optax.GradientTransformation,
    batches: Int[Indices, "k B"],
    key: PRNGKeyArray | None = None,
    first: int | Int[Array, ""] = 0,
    l2: float = 0.0,
    compute_dtype: DTypeLike | None = None,
    observe: Observe | None = None,
) -> tuple[Any, ...]:
    """One step for each row of `batches`, which holds the examples of its batch: k costs.

    Step i drops by fold_in(key, first + i). With `observe`, what it returned at each step is the
    fourth value. Compiled once per settings and shapes; the buffers of params and state are
    donated: go on with those that come back.

    TypeError: an optimizer that is none of optax, batches that are no integers. ValueError:
    batches without two axes, an example that is not there.
    """
    how = made(net, optimizer, l2, compute_dtype, observe)
    batches = require_batches(batches, X.shape[1])
    carry, costs, seen = _steps(how, (params, state), X, Y, batches, key, first)
    return (*carry, costs) if observe is None else (*carry, costs, seen)


@functools.partial(jax.jit, static_argnames="how", donate_argnames="carry")
def _steps(
    how: How, carry: Carry, X: Array, Y: Array, batches: Array, key: Array | None, first: Any
) -> tuple[Carry, Array, Any]:
    rows = lowered(how, X.T), lowered(how, Y.T)
    carry, (costs, seen) = scanned(how, carry, rows, batches, key, first)
    return carry, costs, seen


def scanned(
    how: How,
    carry: Carry,
    rows: tuple[Array, Array],
    batches: Array,
    key: Array | None,
    first: Any = 0,
) -> tuple[Carry, Any]:
    """One update for each batch of examples, which are in rows."""

    def one(carry: Carry, batch: tuple[Array | None, Array]) -> tuple[Carry, Any]:
        return gathered(how, carry, rows, batch[1], key, batch[0])

    numbers = None if key is None else first + jnp.arange(len(batches))
    return jax.lax.scan(one, carry, (numbers, batches))


def gathered(
    how: How, carry: Carry, rows: tuple[Array, Array], batch: Array, key: Array | None, i: Any
) -> tuple[Carry, Any]:
    """Update i, on one batch of the rows"""
    X, Y = (r[batch].T for r in rows)
    return update(how, carry, X, Y, None if key is None else jax.random.fold_in(key, i))
