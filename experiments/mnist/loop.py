"""Epoch by epoch, each in one compiled call, with a checkpoint after each."""

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pure_nn
from experiments.engine.loop import Metrics
from experiments.mnist.config import Config, optimizer, steps
from experiments.mnist.files import Images
from experiments.mnist.shifts import shifted
from experiments.runs import StoppedError
from pure_nn import training
from pure_nn.checkpoint import Folder, State
from pure_nn.training.interrupt import Interrupt

NOT_THE_RESULT = ("data", "download", "large", "verify", "out")


def begin(config: Config, images: Images) -> State:
    """The state before the first epoch, and what must be the same to go on from a checkpoint."""
    init, run = jax.random.split(jax.random.key(config.seed))
    params = pure_nn.init(init, config.sizes, config.init)
    rate = optimizer(config.learning_rate, steps(config, images.X.shape[1]))
    settings = {k: v for k, v in dataclasses.asdict(config).items() if k not in NOT_THE_RESULT}
    found = hashlib.sha256(np.asarray(images.X).tobytes() + np.asarray(images.Y).tobytes())
    extra = {"config": settings | {"sizes": list(config.sizes)}, "data": found.hexdigest()}
    return State(params, rate.init(params), run, 0, 0, np.zeros(0, np.float32), extra)


def run(
    config: Config,
    images: Images,
    validation: Images | None,
    folder: Folder,
    seen: Callable[[Metrics], None],
    stop: Interrupt,
) -> State:
    """The state after the last epoch, from the last checkpoint on if there is one.

    StoppedError: a signal, a cost that is not finite.
    """
    start = begin(config, images)
    state = folder.latest(start) or _copied(start)
    while state.epoch < config.epochs:
        clock = time.perf_counter()
        state, J = _epoch(config, images, state)
        if not math.isfinite(J):
            raise StoppedError(
                f"the cost of epoch {state.epoch} is {J}; try a smaller --learning-rate; the "
                f"checkpoint before it is in {folder.path}"
            )
        seen(_metrics(config, state, J, images, validation, time.perf_counter() - clock))
        folder.save(state)  # last, as metrics after the checkpoint are dropped when a run goes on
        if stop and state.epoch < config.epochs:
            raise StoppedError(f"saved after epoch {state.epoch}; go on from there by --resume")
    return state


def _epoch(config: Config, images: Images, state: State) -> tuple[State, float]:
    key = jax.random.fold_in(state.key, state.epoch + 1)
    params, opt_state, J = training.epoch(
        config.network,
        state.params,
        state.opt_state,
        shifted(jax.random.fold_in(key, 2), images.X, config.shift),
        images.Y,
        optimizer=optimizer(config.learning_rate, steps(config, images.X.shape[1])),
        batch_size=config.batch_size,
        key=key,
        l2=config.l2,
    )
    return state._replace(params=params, opt_state=opt_state, epoch=state.epoch + 1), float(J)


def _metrics(
    config: Config, state: State, J: float, images: Images, judged: Images | None, seconds: float
) -> Metrics:
    found: tuple[Any, Any] = (None, None)
    if judged is not None:
        evaluation = training.evaluate(config.network, state.params, *judged)
        found = float(evaluation.cost), float(evaluation.accuracy)
    return Metrics(state.epoch, J, *found, seconds, images.X.shape[1] / seconds)


def _copied(state: State) -> State:
    """With buffers of its own, which the first epoch takes."""
    params, opt_state = jax.tree.map(jnp.copy, (state.params, state.opt_state))
    return state._replace(params=params, opt_state=opt_state)
