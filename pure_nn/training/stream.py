"""An epoch over more examples than memory holds: read ahead in chunks, trained chunk by chunk."""

import functools
import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jaxtyping import Array, DTypeLike, Int, PRNGKeyArray

from pure_nn.border import checked
from pure_nn.network import Network, Params
from pure_nn.training.settings import (
    require_batch_size,
    require_epochs,
    require_key,
    require_order,
)
from pure_nn.training.steps import steps
from pure_nn.training.update import Observe


@runtime_checkable
class Examples(Protocol):
    """What is streamed, such as `pure_nn.data.Source`: X and Y of the examples that are named."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: npt.NDArray[Any], /) -> tuple[Any, Any]: ...


class Chunk(NamedTuple):
    """What `steps` takes for some steps of an epoch, of which `first` is the number of the first"""

    X: Any
    Y: Any
    batches: npt.NDArray[np.int32]
    first: int


def chunks(
    source: Examples,
    order: Int[np.ndarray, " m"],
    *,
    batch_size: int,
    chunk: int = 64,
    start: int = 0,
    ahead: int = 2,
) -> Iterator[Chunk]:
    """The examples of an epoch in their order, `chunk` batches at a time, from step `start` on.

    `ahead` chunks are read in threads of grain while the last one is in use; no more are in
    memory. A last smaller batch is a chunk of its own.

    ImportError: grain is not installed.
    """
    require_epochs("chunk", chunk)
    require_epochs("ahead", ahead)
    grain = _grain()
    read = _Chunks(source, order, _parts(len(order), batch_size, chunk, start), batch_size)
    options = grain.ReadOptions(num_threads=min(ahead, 4), prefetch_buffer_size=ahead)
    iterator = iter(grain.MapDataset.source(read).to_iter_dataset(options)) if len(read) else None
    try:
        while iterator is not None and (found := next(iterator, None)) is not None:
            yield Chunk(*found)
            del found  # or it would be one more in memory
    finally:
        if iterator is not None:
            iterator.close()


@checked
def streamed_epoch(
    net: Network,
    params: Params,
    state: optax.OptState,
    source: Examples,
    *,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    key: PRNGKeyArray | None = None,
    order: Int[Array, " m"] | None = None,
    chunk: int = 64,
    ahead: int = 2,
    l2: float = 0.0,
    compute_dtype: DTypeLike | None = None,
    observe: Observe | None = None,
) -> tuple[Any, ...]:
    """What `epoch` gives for all examples of `source`, bit for bit, with a few chunks in memory.

        order = jax.random.permutation(key, m)   unless it is given

    `chunk` batches are one compiled call; `ahead` more are read meanwhile. In memory at a time:
    ahead + 2 chunks, and 4 bytes per example for the order. As in `epoch`, the buffers of params
    and state are donated.

    ImportError: grain is not installed. Else as `epoch`.
    """
    m = len(source)
    require_batch_size(batch_size, m)
    require_key(net, batch_size, key, order)
    by = {"optimizer": optimizer, "l2": l2, "compute_dtype": compute_dtype, "observe": observe}
    drop = jax.random.fold_in(key, 1) if key is not None and any(net.dropout) else None
    shuffled = np.asarray(_order(m, key, order))
    costs, seen = [], []
    for X, Y, batches, first in chunks(
        source, shuffled, batch_size=batch_size, chunk=chunk, ahead=ahead
    ):
        found = steps(net, params, state, X, Y, batches=batches, key=drop, first=first, **by)
        params, state = found[:2]
        costs.append(found[2])
        seen.append(found[3:])
    J = _mean(batch_size, m, jnp.concatenate(costs))
    return params, state, J, *jax.tree.map(lambda *x: jnp.concatenate(x), *seen)


def _order(m: int, key: Array | None, order: Array | None) -> Array:
    if order is not None:
        return require_order("order", order, (m,), m)
    assert key is not None, "asked for where the epoch was checked"
    return jax.random.permutation(key, m)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _mean(batch_size: int, m: int, costs: Array) -> Array:
    """J of an epoch from the J of its batches, in the order of additions of `epoch`"""
    full = m // batch_size
    total = batch_size * jnp.sum(costs[:full])
    if m % batch_size:
        total += m % batch_size * costs[-1]
    return total / m


class _Chunks:
    """The chunks of an epoch by number, as grain reads them"""

    def __init__(
        self, source: Examples, order: npt.NDArray[Any], parts: list[range], batch_size: int
    ) -> None:
        self._source, self._order = source, order
        self._parts, self._batch_size = parts, batch_size

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        part, B = self._parts[number], self._batch_size
        X, Y = self._source[self._order[part.start : part.stop]]
        batches = np.arange(len(part), dtype=np.int32).reshape(-1, min(B, len(part)))
        return X, Y, batches, part.start // B


def _parts(m: int, batch_size: int, chunk: int, start: int) -> list[range]:
    """Where each chunk begins and ends in the order"""
    full = m - m % batch_size
    size = chunk * batch_size
    parts = [range(i, min(i + size, full)) for i in range(start * batch_size, full, size)]
    return parts + [range(full, m)] * (full < m and start * batch_size <= full)


def _grain() -> Any:
    try:
        return importlib.import_module("grain")
    except ModuleNotFoundError as error:
        raise ImportError(
            "streaming needs grain to read ahead; install it: pip install 'pure_nn[data]'"
        ) from error
