"""Where a run first left the finite numbers: its steps computed once more, and looked at."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, DTypeLike, Float, Int, PRNGKeyArray

from pure_nn.border import checked
from pure_nn.network import Network, Params
from pure_nn.structure import Cache, FromOne
from pure_nn.training.settings import (
    made,
    require_batch_size,
    require_batches,
    require_key,
    require_order,
)
from pure_nn.training.steps import gathered
from pure_nn.training.update import Carry, How, lowered

static = functools.partial(dataclasses.field, metadata={"static": True})


class NonFinite(NamedTuple):
    """The first quantity that is not finite, as in "Z[2] at step 17 (3 of 128 entries)".

    Steps count from 1; 0 is what was passed in. The layer of X and Y is 0, that of J and of the
    optimizer's state None. With stacked parameters a layer is an entry of params.
    """

    name: str
    layer: int | None
    step: int
    entries: int
    size: int

    def __str__(self) -> str:
        return self.where()

    def where(self, epoch: int | None = None) -> str:
        """The same with the epoch, as in "Z[2] at step 17 of epoch 3 (3 of 128 entries)" """
        of_epoch = "" if epoch is None else f" of epoch {epoch}"
        return f"{self.name} at step {self.step}{of_epoch} ({self.entries} of {self.size} entries)"


@checked
def locate_nonfinite(
    net: Network,
    params: Params,
    state: optax.OptState,
    X: Float[Array, "n_0 m"],
    Y: Float[Array, "n_L m"],
    *,
    optimizer: optax.GradientTransformation,
    batch_size: int | None = None,
    key: PRNGKeyArray | None = None,
    order: Int[Array, " m"] | None = None,
    l2: float = 0.0,
    compute_dtype: DTypeLike | None = None,
) -> NonFinite | None:
    """What was first not finite in the `epoch` of the same arguments; None where all was finite.

    A step is looked at in the order in which it is computed: X and Y, Z and A upwards, J, Δ
    downwards, ∂J/∂W and ∂J/∂b, then the new W and b, and the optimizer's state. Nothing that is
    passed in is donated.

    TypeError, ValueError: as those of `epoch`.
    """
    how, m = made(net, optimizer, l2, compute_dtype, _everything), X.shape[1]
    require_batch_size(batch_size, m)
    require_key(net, batch_size, key, order)
    drop = jax.random.fold_in(key, 1) if key is not None and any(net.dropout) else None
    if batch_size is None:
        order = jnp.arange(m)
    elif order is None:
        assert key is not None, "asked for above"
        order = jax.random.permutation(key, m)
    else:
        order = require_order("order", order, (m,), m)
    carry, first = (params, state), 0
    for batches in _batches(order, batch_size or m):
        carry, found = _searched(how, carry, X, Y, batches, drop, first)
        if found is not None:
            return found
        first += len(batches)
    return None


@checked
def locate_nonfinite_step(
    net: Network,
    params: Params,
    state: optax.OptState,
    X: Float[Array, "n_0 m"],
    Y: Float[Array, "n_L m"],
    *,
    optimizer: optax.GradientTransformation,
    batches: Int[Array, "k B"],
    key: PRNGKeyArray | None = None,
    first: int = 0,
    l2: float = 0.0,
    compute_dtype: DTypeLike | None = None,
) -> NonFinite | None:
    """The same for the `steps` of the same arguments, which count from first + 1."""
    how = made(net, optimizer, l2, compute_dtype, _everything)
    batches = require_batches(batches, X.shape[1])
    return _searched(how, (params, state), X, Y, batches, key, first)[1]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _Counted:
    """How many entries of a quantity are not finite: one number, or one for each step"""

    bad: Array
    name: str = static()
    layer: int | None = static()
    size: int = static()


def _everything(cache: Cache, deltas: FromOne, grads: Params) -> Any:
    return cache, deltas, grads


def _batches(order: Array, batch_size: int) -> list[Array]:
    """Those of one size, and the smaller one that is left"""
    full = len(order) - len(order) % batch_size
    parts = order[:full].reshape(-1, batch_size), order[full:].reshape(1, -1)
    return [part for part in parts if part.size]


def _searched(
    how: How, carry: Carry, X: Array, Y: Array, batches: Array, key: Array | None, first: int
) -> tuple[Carry, NonFinite | None]:
    given, carry, counted = jax.block_until_ready(_replayed(how, carry, X, Y, batches, key, first))
    for i, quantities in [(-1, given), *[(i, counted) for i in range(len(batches))]]:
        for q in quantities:
            bad = int(q.bad if i < 0 else q.bad[i])
            if bad:
                return carry, NonFinite(q.name, q.layer, first + i + 1, bad, q.size)
    return carry, None


@functools.partial(jax.jit, static_argnames="how")
def _replayed(
    how: How, carry: Carry, X: Array, Y: Array, batches: Array, key: Array | None, first: Any
) -> tuple[list[_Counted], Carry, list[_Counted]]:
    """What is not finite in what was passed in, and in every step; and what the steps end with."""
    rows = lowered(how, X.T), lowered(how, Y.T)
    fresh = how.optimizer.init(carry[0])

    def one(carry: Carry, batch: tuple[Array, Array]) -> tuple[Carry, list[_Counted]]:
        carry, (J, (cache, Δ, grads)) = gathered(how, carry, rows, batch[1], key, batch[0])
        data = [_count("X", 0, cache.A[0]), _count("Y", 0, rows[1][batch[1]])]
        within = [*data, *_pass(cache, J, Δ), *_layers("∂J/∂{}[{}]", grads)]
        return carry, [*within, *_after(carry, fresh)]

    numbers = first + jnp.arange(len(batches))
    return _after(carry, fresh), *jax.lax.scan(one, carry, (numbers, batches))


def _pass(cache: Cache, J: Array, Δ: FromOne) -> list[_Counted]:
    up, down = range(1, len(Δ)), range(len(Δ) - 1, 0, -1)
    forward = [_count(f"{n}[{l}]", l, getattr(cache, n)[l]) for l in up for n in ("Z", "A")]
    return [*forward, _count("J", None, J), *(_count(f"Δ[{l}]", l, Δ[l]) for l in down)]


def _layers(name: str, layers: Params) -> list[_Counted]:
    return [
        _count(name.format(n, l), l, layer[n]) for l, layer in enumerate(layers, 1) for n in "Wb"
    ]


def _after(carry: Carry, fresh: optax.OptState) -> list[_Counted]:
    """Of params and of the optimizer's state, where it does not begin as infinite"""
    params, state = carry
    leaves = zip(jax.tree_util.tree_leaves_with_path(state), jax.tree.leaves(fresh), strict=True)
    of_state = [
        _count(
            f"optimizer state{jax.tree_util.keystr(path)}", None, jnp.where(jnp.isfinite(x_0), x, 0)
        )
        for (path, x), x_0 in leaves
        if jnp.issubdtype(x.dtype, jnp.inexact)
    ]
    return [*_layers("{}[{}]", params), *of_state]


def _count(name: str, layer: int | None, x: Array) -> _Counted:
    return _Counted(jnp.sum(~jnp.isfinite(x)), name, layer, x.size)
