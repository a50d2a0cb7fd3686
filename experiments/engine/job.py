"""What a run computes, and the calls that it is made of.

A run can stop after any call and go on from there to the same bits: a call is `training.steps`
over the next rows of the order of its epoch, wherever the calls before it ran.
"""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from pure_nn import training
from pure_nn.checkpoint import State
from pure_nn.network import Network, Params

FLOPS_PER_CALL = 2e9  # about a tenth of a second on two cores: so long a signal has to wait


class Part(NamedTuple):
    """X and Y of the training or of the validation examples."""

    X: Float[Array, "n_0 m"]
    Y: Float[Array, "n_L m"]


class Examples:
    """The training examples: a call takes its own from rows on the host, and no more of them.

    The steps of a call are the same to the bit as over all examples on the device.
    """

    def __init__(self, part: Part) -> None:
        self.m = part.X.shape[1]
        self._rows = [np.ascontiguousarray(np.asarray(x).T) for x in part]

    def taken(self, batches: Int[np.ndarray, "k B"]) -> tuple[Part, Int[np.ndarray, "k B"]]:
        """X and Y of the batches, and where each batch is in them"""
        flat = batches.reshape(-1)
        X, Y = (jnp.asarray(rows[flat].T) for rows in self._rows)
        return Part(X, Y), np.arange(len(flat)).reshape(batches.shape)


@dataclasses.dataclass(frozen=True)
class Job:
    """Equal jobs on equal data give the same bits."""

    net: Network
    optimizer: optax.GradientTransformation
    epochs: int
    batch_size: int | None = None
    l2: float = 0.0
    compute_dtype: str | None = None
    patience: int | None = None


class Call(NamedTuple):
    """Some steps in one compiled call: the examples of each, and how many steps come before."""

    batches: Int[np.ndarray, "k B"]
    first: int


def start(job: Job, params: Params, key: Array, extra: dict[str, Any]) -> State:
    """The state before the first epoch"""
    names = ("now",) if job.patience is None else ("now", "best")
    kept = {name: jax.tree.map(jnp.copy, params) for name in names}  # each with its own buffers
    nothing = np.zeros(0, np.float32)
    return State(kept, job.optimizer.init(params), key, 0, 0, nothing, extra)


def copied(state: State) -> State:
    """With buffers of its own, which the first call takes"""
    params, opt_state = jax.tree.map(jnp.copy, (state.params, state.opt_state))
    return state._replace(params=params, opt_state=opt_state)


def rest_of_epoch(job: Job, state: State, m: int) -> Iterator[Call]:
    """The calls from state.position to the end of the epoch, in the order of its key.

    order = permutation(fold_in(key, epoch), m), as in `training.fit`; the last batch is what is
    left, in a call of its own.
    """
    B = job.batch_size or m
    full, rest = divmod(m, B)
    order = _order(job, state, m)
    k = steps_per_call(state.params["now"], B)
    for i in range(state.position, full, k):
        some = order[i * B : min(i + k, full) * B]
        yield Call(some.reshape(-1, B), i)
    if rest and state.position <= full:
        yield Call(order[full * B :][None], full)


def advanced(job: Job, state: State, call: Call, examples: Examples) -> State:
    """The state after one call, whose costs are added to those of the epoch."""
    data, batches = examples.taken(call.batches)
    params, opt_state, costs = training.steps(
        job.net,
        state.params["now"],
        state.opt_state,
        *data,
        optimizer=job.optimizer,
        batches=batches,
        key=drop_key(job, state),
        first=call.first,
        l2=job.l2,
        compute_dtype=job.compute_dtype,
    )
    return state._replace(
        params={**state.params, "now": params},
        opt_state=opt_state,
        position=call.first + len(call.batches),
        costs=np.concatenate([state.costs, np.asarray(costs)]),
    )


def drop_key(job: Job, state: State) -> Array | None:
    """By which the steps of the epoch drop, as in `training.epoch`"""
    return _drop_key(state.key, state.epoch) if any(job.net.dropout) else None


def epoch_cost(job: Job, state: State, m: int) -> float:
    """J = (1/m) Σ B·J over the batches of a whole epoch"""
    B = job.batch_size or m
    sizes = np.full(len(state.costs), B)
    sizes[-1] = m - B * (len(sizes) - 1)
    return float(np.sum(sizes * state.costs.astype(np.float64)) / m)


def steps_per_call(params: Params, B: int) -> int:
    """As many as take FLOPS_PER_CALL, at 6 for each weight and example; at least one."""
    weights = sum(layer["W"].size for layer in params)
    return int(np.clip(FLOPS_PER_CALL / (6 * weights * B), 1, 1000))


def _order(job: Job, state: State, m: int) -> Int[np.ndarray, " m"]:
    if job.batch_size is None:
        return np.arange(m)
    return np.asarray(_shuffled(state.key, state.epoch, m))


@functools.partial(jax.jit, static_argnames="m")
def _shuffled(key: Array, epoch: Any, m: int) -> Array:
    return jax.random.permutation(jax.random.fold_in(key, epoch + 1), m)


@jax.jit
def _drop_key(key: Array, epoch: Any) -> Array:
    return jax.random.fold_in(jax.random.fold_in(key, epoch + 1), 1)
