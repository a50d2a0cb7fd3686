"""Training over epochs, compiled, and seen by the caller between them."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, DTypeLike, Float, Int, PRNGKeyArray

from pure_nn.border import checked
from pure_nn.network import Network, Params
from pure_nn.training.epochs import arranged, one_epoch
from pure_nn.training.evaluation import Evaluation, evaluate
from pure_nn.training.settings import (
    Indices,
    made,
    require_batch_size,
    require_epochs,
    require_key,
    require_order,
)
from pure_nn.training.update import Carry, How, Observe


class Fitted(NamedTuple):
    """The parameters, and the cost of every epoch that was run."""

    params: Params
    costs: Float[Array, " epochs"]


class Progress(NamedTuple):
    """Where `fit` stands after an epoch; params and state live until the next one: copy what stays.

    `observed` is what `observe` returned, one entry per step of the epochs since the last report.
    """

    epoch: int
    params: Params
    state: optax.OptState
    cost: Float[Array, ""]
    validation: Evaluation | None
    observed: Any


@checked
def fit(
    net: Network,
    params: Params,
    X: Float[Array, "n_0 m"],
    Y: Float[Array, "n_L m"],
    *,
    optimizer: optax.GradientTransformation,
    epochs: int,
    batch_size: int | None = None,
    key: PRNGKeyArray | None = None,
    orders: Int[Indices, "epochs m"] | None = None,
    l2: float = 0.0,
    compute_dtype: DTypeLike | None = None,
    observe: Observe | None = None,
    validation: tuple[Float[Array, "n_0 v"], Float[Array, "n_L v"]] | None = None,
    patience: int | None = None,
    after_epoch: Callable[[Progress], object] | None = None,
    every: int = 1,
) -> Fitted:
    """The params after `epochs` epochs from those given, and the J of each epoch.

    Epoch i = 1, 2, … is `epoch` with the key fold_in(key, i), or in the order orders[i − 1].
    Without a batch size, every epoch is one step on all examples. Without `after_epoch` and
    `validation`, all epochs are one compiled call.

    After every `every` epochs `validation` is evaluated and `after_epoch(progress)` called; where
    that returns True, the run ends. With `patience`, it ends after so many evaluations without a
    lower cost, and the params are those of the lowest. Nothing here looks at values otherwise:
    `pure_nn.data` refuses NaN where data enters, and a cost that turns NaN is in `costs`.

    TypeError: an optimizer that is none of optax. ValueError: a batch size that is no integer
    from 1 to m, a number of epochs that is no integer from 1 on, no key where one is needed,
    patience without validation.
    """
    how = made(net, optimizer, l2, compute_dtype, observe)
    m = X.shape[1]
    require_batch_size(batch_size, m)
    require_epochs("epochs", epochs)
    require_epochs("every", every)
    require_key(net, batch_size, key, orders)
    orders = None if orders is None else require_order("orders", orders, (epochs, m), m)
    watching = after_epoch is not None or validation is not None
    watch = _Watch(net, validation, patience, after_epoch)
    carry, costs = jax.tree.map(jnp.copy, (params, optimizer.init(params))), []
    data = _arranged(how, batch_size, X, Y)
    block = every if watching else epochs
    for start in range(0, epochs, block):
        stop = min(start + block, epochs)
        now = _keys(key, start, stop), None if orders is None else orders[start:stop]
        carry, J, seen = _epochs(how, batch_size, stop - start, carry, *now, data)
        costs.append(J)
        if watching and watch.ends(stop, carry, J[-1], seen):
            break
    return Fitted(watch.chosen(carry[0]), jnp.concatenate(costs))


_arranged = jax.jit(arranged, static_argnames=("how", "batch_size"))  # once for all epochs


@functools.partial(jax.jit, static_argnames=("how", "batch_size", "n"), donate_argnames="carry")
def _epochs(
    how: How,
    batch_size: int | None,
    n: int,
    carry: Carry,
    keys: Array | None,
    orders: Array | None,
    data: tuple[Array, Array],
) -> tuple[Carry, Array, Any]:
    def one(carry: Carry, now: tuple[Array | None, Array | None]) -> tuple[Carry, Any]:
        carry, J, seen = one_epoch(how, batch_size, carry, *now, data)
        return carry, (J, seen)

    carry, (costs, seen) = jax.lax.scan(one, carry, (keys, orders), length=n)
    return carry, costs, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), seen)


def _keys(key: Array | None, start: int, stop: int) -> Array | None:
    """fold_in(key, i) for the epochs i = start + 1 … stop"""
    if key is None:
        return None
    return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(start + 1, stop + 1))


class _Watch:
    """What is done between epochs: evaluate, tell the caller, and end the run in time."""

    def __init__(
        self,
        net: Network,
        validation: tuple[Array, Array] | None,
        patience: int | None,
        after_epoch: Callable[[Progress], object] | None,
    ) -> None:
        if patience is not None:
            require_epochs("patience", patience)
            if validation is None:
                raise ValueError("patience: expected validation=(X, Y) to judge by, got none")
        self._net, self._validation, self._patience = net, validation, patience
        self._after_epoch = after_epoch
        self._best: tuple[float, Params] | None = None
        self._waited = 0

    def ends(self, epoch: int, carry: Carry, J: Array, seen: Any) -> bool:
        found = None
        if self._validation is not None:
            found = evaluate(self._net, carry[0], *self._validation)
        progress = Progress(epoch, *carry, J, found, seen)
        asked = self._after_epoch is not None and self._after_epoch(progress) is True
        late = self._patience is not None and self._is_late(progress)
        return asked or late

    def chosen(self, last: Params) -> Params:
        return last if self._best is None else self._best[1]

    def _is_late(self, progress: Progress) -> bool:
        assert progress.validation is not None, "patience comes with validation"
        cost = float(progress.validation.cost)
        if self._best is None or cost < self._best[0]:
            self._best, self._waited = (cost, jax.tree.map(jnp.copy, progress.params)), 0
        else:
            self._waited += 1
        return self._waited >= (self._patience or 0)
