"""Epoch by epoch, over images that each epoch moves anew."""

import dataclasses
import hashlib
from collections.abc import Callable

import jax
import numpy as np

import pure_nn
from experiments.engine.diverged import what_went_wrong
from experiments.engine.job import Job, Part, copied, start
from experiments.engine.loop import Diverged, Loop, Metrics
from experiments.engine.measures import classified
from experiments.mnist.config import Config, optimizer, steps
from experiments.mnist.files import Images
from experiments.mnist.shifts import Moved
from experiments.runs import StoppedError
from pure_nn.checkpoint import Folder, State
from pure_nn.training.interrupt import Interrupt

NOT_THE_RESULT = ("data", "download", "large", "verify", "out")


def begin(config: Config, images: Images) -> State:
    """The state before the first epoch, and what must be the same to go on from a checkpoint."""
    init, run = jax.random.split(jax.random.key(config.seed))
    params = pure_nn.init(init, config.sizes, config.init)
    settings = {k: v for k, v in dataclasses.asdict(config).items() if k not in NOT_THE_RESULT}
    found = hashlib.sha256(np.asarray(images.X).tobytes() + np.asarray(images.Y).tobytes())
    extra = {"config": settings | {"sizes": list(config.sizes)}, "data": found.hexdigest()}
    return start(_job(config, images), params, run, extra)


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
    fresh = begin(config, images)
    state = folder.latest(fresh) or copied(fresh)
    moved = Moved(images, config.shift)
    judged = None if validation is None else Part(*validation)
    while state.epoch < config.epochs:
        job, examples = _one_epoch(_job(config, images), state, moved)
        loop = Loop(job, examples, judged, classified, folder, seen, stop)
        try:
            state, done = loop.run(state)
        except Diverged as error:
            said = what_went_wrong(error, folder.latest(fresh), job, examples, folder.path)
            raise StoppedError(f"{said}; try a smaller --learning-rate") from None
        if not done:
            raise StoppedError(
                f"saved at step {state.position} of epoch {state.epoch + 1}; go on with: mnist "
                f"--resume {folder.path.parent}"
            )
    return state


def _job(config: Config, images: Images) -> Job:
    rate = optimizer(config.learning_rate, steps(config, images.X.shape[1]))
    return Job(config.network, rate, config.epochs, config.batch_size, config.l2)


def _one_epoch(job: Job, state: State, moved: Moved) -> tuple[Job, Moved]:
    """The job up to the end of the epoch, and the images as it sees them"""
    key = jax.random.fold_in(state.key, state.epoch + 1)
    until = dataclasses.replace(job, epochs=state.epoch + 1)
    return until, moved.by(jax.random.fold_in(key, 2))
