"""Training with optax: one step, one epoch as one scan on the device, and the loop over epochs.

    from pure_nn import training

Every cost is the cost before the update that it belongs to.
"""

import functools
import numbers
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from pure_nn.border import checked
from pure_nn.network import Network, Params, value_and_grad

Carry = tuple[Params, optax.OptState]


@checked
def step(
    net: Network,
    params: Params,
    state: optax.OptState,
    X: Float[Array, "n_0 B"],
    Y: Float[Array, "n_L B"],
    *,
    optimizer: optax.GradientTransformation,
) -> tuple[Params, optax.OptState, Float[Array, ""]]:
    """One update by the gradients of J: params and state after it, and J before it.

    To compile it, `jax.jit(step, static_argnames="optimizer")`.

    TypeError: an optimizer that is none of optax.
    """
    _require_optimizer(optimizer)
    (params, state), J = _update(net, optimizer, (params, state), X, Y)
    return params, state, J


@checked
def epoch(
    net: Network,
    params: Params,
    state: optax.OptState,
    X: Float[Array, "n_0 m"],
    Y: Float[Array, "n_L m"],
    *,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    key: PRNGKeyArray,
) -> tuple[Params, optax.OptState, Float[Array, ""]]:
    """One step for each batch of the m examples in random order; the last batch is what is left.

        order = jax.random.permutation(key, m)
        J     = (1/m) Σ B·J over the batches

    Compiled once per optimizer and shapes: make the optimizer once. The buffers of params and
    state are donated: go on with those that come back.

    TypeError: an optimizer that is none of optax. ValueError: a batch size that is no integer
    from 1 to m.
    """
    _require_optimizer(optimizer)
    _require_batch_size(batch_size, X.shape[1])
    params, state, J = _epoch(net, optimizer, batch_size, (params, state), key, X, Y)
    return params, state, J


@checked
def fit(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 m"],
    Y: Float[Array, "n_L m"],
    *,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    epochs: int,
    key: PRNGKeyArray,
    after_epoch: Callable[[int, Params, Float[Array, ""]], object] | None = None,
) -> tuple[Params, Float[Array, " epochs"]]:
    """The params after `epochs` epochs, from those given, and the J of each epoch.

    Epoch i = 1, 2, … shuffles by `jax.random.fold_in(key, i)`, then calls
    `after_epoch(i, params, J)`, whose params live until the next epoch: copy what has to stay.
    Nothing here waits for the device, and so nothing looks at values: `pure_nn.data` refuses NaN
    where data enters, and a cost that turns NaN is in `costs`.

    TypeError: an optimizer that is none of optax. ValueError: a batch size that is no integer
    from 1 to m, a number of epochs that is no integer from 1 on.
    """
    _require_optimizer(optimizer)
    _require_batch_size(batch_size, X.shape[1])
    _require_epochs(epochs)
    params, state = jax.tree.map(jnp.copy, (params, optimizer.init(params)))
    costs = []
    for i in range(1, epochs + 1):
        order = jax.random.fold_in(key, i)
        params, state, J = _epoch(net, optimizer, batch_size, (params, state), order, X, Y)
        costs.append(J)
        if after_epoch is not None:
            after_epoch(i, params, J)
    return params, jnp.stack(costs)


def _update(
    net: Network, optimizer: optax.GradientTransformation, carry: Carry, X: Array, Y: Array
) -> tuple[Carry, Array]:
    params, state = carry
    J, grads = value_and_grad(net, params, X, Y)
    with jax.numpy_dtype_promotion("standard"):  # as optax needs, whatever holds outside
        updates, state = optimizer.update(grads, state, params)
    return (optax.apply_updates(params, updates), state), J


@functools.partial(jax.jit, static_argnames=("optimizer", "batch_size"), donate_argnames="carry")
def _epoch(
    net: Network,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    carry: Carry,
    key: PRNGKeyArray,
    X: Array,
    Y: Array,
) -> tuple[Params, optax.OptState, Array]:
    rows_X, rows_Y = X.T, Y.T  # a batch is gathered faster from rows than from columns

    def batch(carry: Carry, i: Array) -> tuple[Carry, Array]:
        return _update(net, optimizer, carry, rows_X[i].T, rows_Y[i].T)

    m, rest = X.shape[1], X.shape[1] % batch_size
    order = jax.random.permutation(key, m)
    full_batches = order[: m - rest].reshape(-1, batch_size)
    carry, costs = jax.lax.scan(batch, carry, full_batches)
    total = batch_size * jnp.sum(costs)
    if rest:
        carry, J = batch(carry, order[m - rest :])
        total += rest * J
    return *carry, total / m


def _require_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, optax.GradientTransformation):
        raise TypeError(
            "optimizer: expected an optax.GradientTransformation, such as optax.adam(1e-3), "
            f"got {optimizer!r}"
        )


def _require_batch_size(batch_size: Any, m: int) -> None:
    if not isinstance(batch_size, numbers.Integral) or not 1 <= int(batch_size) <= m:
        raise ValueError(
            f"batch_size: expected an integer from 1 to {m}, the examples of X, got {batch_size!r}"
        )


def _require_epochs(epochs: Any) -> None:
    if not isinstance(epochs, numbers.Integral) or int(epochs) < 1:
        raise ValueError(f"epochs: expected an integer from 1 on, got {epochs!r}")
