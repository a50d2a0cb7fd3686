"""An epoch: one scan over the shuffled examples, and the last, smaller batch with its own B."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, DTypeLike, Float, Int, PRNGKeyArray

from pure_nn.border import checked
from pure_nn.network import Network, Params
from pure_nn.training.settings import Indices, made, require_batch_size, require_key, require_order
from pure_nn.training.steps import gathered, scanned
from pure_nn.training.update import Carry, How, Observe, lowered, update


@checked
def epoch(
    net: Network,
    params: Params,
    state: optax.OptState,
    X: Float[Array, "n_0 m"],
    Y: Float[Array, "n_L m"],
    *,
    optimizer: optax.GradientTransformation,
    batch_size: int | None = None,
    key: PRNGKeyArray | None = None,
    order: Int[Indices, " m"] | None = None,
    l2: float = 0.0,
    compute_dtype: DTypeLike | None = None,
    observe: Observe | None = None,
) -> tuple[Any, ...]:
    """One step for each batch of the m examples in random order; the last batch is what is left.

        order = jax.random.permutation(key, m)   unless it is given
        J     = (1/m) Σ B·J over the batches

    Without a batch size, one step on all examples as they stand. Step i drops by
    fold_in(fold_in(key, 1), i). With `observe`, what it returned at each step is the fourth value.

    Compiled once per settings and shapes: make the optimizer once. The buffers of params and
    state are donated: go on with those that come back.

    TypeError: an optimizer that is none of optax. ValueError: a batch size that is no integer
    from 1 to m, an order of other examples, no key where one is needed.
    """
    m = X.shape[1]
    how = made(net, optimizer, l2, compute_dtype, observe)
    require_batch_size(batch_size, m)
    require_key(net, batch_size, key, order)
    order = None if order is None else require_order("order", order, (m,), m)
    carry, J, seen = _epoch(how, batch_size, (params, state), key, order, X, Y)
    return (*carry, J) if observe is None else (*carry, J, seen)


@functools.partial(jax.jit, static_argnames=("how", "batch_size"), donate_argnames="carry")
def _epoch(
    how: How,
    batch_size: int | None,
    carry: Carry,
    key: Array | None,
    order: Array | None,
    X: Array,
    Y: Array,
) -> tuple[Carry, Array, Any]:
    return one_epoch(how, batch_size, carry, key, order, arranged(how, batch_size, X, Y))


def arranged(how: How, batch_size: int | None, X: Array, Y: Array) -> tuple[Array, Array]:
    """In columns for one step on all, else in rows, from which a batch is gathered faster."""
    if batch_size is None:
        return lowered(how, X), lowered(how, Y)
    return lowered(how, X.T), lowered(how, Y.T)


def one_epoch(
    how: How,
    batch_size: int | None,
    carry: Carry,
    key: Array | None,
    order: Array | None,
    data: tuple[Array, Array],
) -> tuple[Carry, Array, Any]:
    """What `epoch` says, of data as arranged"""
    drop = jax.random.fold_in(key, 1) if key is not None and any(how.net.dropout) else None
    if batch_size is None:
        return _whole(how, carry, drop, data)
    m = len(data[0])
    if order is None:
        assert key is not None, "asked for where the epoch was checked"
        order = jax.random.permutation(key, m)
    rest = m % batch_size
    full = order[: m - rest].reshape(-1, batch_size)
    carry, (costs, seen) = scanned(how, carry, data, full, drop)
    total = batch_size * jnp.sum(costs)
    if rest:
        carry, (J, more) = gathered(how, carry, data, order[m - rest :], drop, len(full))
        total += rest * J
        seen = jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), seen, more)
    return carry, total / m, seen


def _whole(
    how: How, carry: Carry, drop: Array | None, data: tuple[Array, Array]
) -> tuple[Carry, Array, Any]:
    key = None if drop is None else jax.random.fold_in(drop, 0)
    carry, (J, seen) = update(how, carry, *data, key)
    return carry, J, jax.tree.map(lambda x: x[None], seen)
