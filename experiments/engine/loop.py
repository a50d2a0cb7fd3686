"""Call by call and epoch by epoch, from any state to the end."""

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.engine.job import Examples, Job, Part, advanced, epoch_cost, rest_of_epoch
from experiments.engine.measures import Measures
from pure_nn.checkpoint import Folder, State
from pure_nn.network import Network
from pure_nn.training.interrupt import Interrupt


@dataclasses.dataclass(frozen=True)
class Metrics:
    """One epoch: `cost` is its J, each batch before its own update; the validation is after it."""

    epoch: int
    cost: float
    validation_cost: float | None
    validation_score: float | None
    seconds: float
    examples_per_second: float


class Diverged(Exception):
    """A cost that is not finite; the checkpoint before it is kept."""

    def __init__(self, epoch: int, step: int, cost: float, what: str = "cost of") -> None:
        super().__init__(f"the {what} step {step} of epoch {epoch} is {cost}")
        self.epoch, self.step = epoch, step


@dataclasses.dataclass
class Loop:
    """A run in its folder: `seen` hears of every epoch, `stop` is asked after every call."""

    job: Job
    training: Examples
    validation: Part | None
    measure: Callable[[Network, Any, Part], Measures]
    folder: Folder
    seen: Callable[[Metrics], None]
    stop: Interrupt
    seconds_between_checkpoints: float = 30.0

    def run(self, state: State) -> tuple[State, bool]:
        """The last state, which is saved, and whether the run is done rather than stopped.

        Diverged: a cost that is not finite.
        """
        if not self.folder.checkpoints():
            self._save(state)
        self._saved_at = time.monotonic()
        while not self.done(state):
            state, whole = self._epoch(state)
            if not whole:
                self._save(state)
                return state, False
        self._save(state)
        return state, True

    def done(self, state: State) -> bool:
        late = self.job.patience is not None and state.extra.get("waited", 0) >= self.job.patience
        return state.epoch >= self.job.epochs or late

    def _epoch(self, state: State) -> tuple[State, bool]:
        """The state after the epoch, or after the call that somebody asked to stop at."""
        clock, m = time.perf_counter(), self.training.m
        begun = state.position
        for call in rest_of_epoch(self.job, state, m):
            after = advanced(self.job, state, call, self.training)
            _require_finite(after)
            state = after
            if self.stop:
                return state, False
            self._save_in_time(state)
        seconds = time.perf_counter() - clock
        steps = state.position - begun
        state = self._closed(state, seconds, m * steps / max(1, state.position))
        return state, not self.stop or self.done(state)

    def _closed(self, state: State, seconds: float, examples: float) -> State:
        """The state at the beginning of the next epoch, once this one is measured and told."""
        _require_finite_params(state)
        J = epoch_cost(self.job, state, self.training.m)
        found = self._judged(state)
        cost, score = (None, None) if found is None else found
        epoch = state.epoch + 1
        if cost is not None and not math.isfinite(cost):
            raise Diverged(epoch, state.position, cost, "validation cost after")
        self.seen(Metrics(epoch, J, cost, score, seconds, examples / max(seconds, 1e-9)))
        state = state._replace(epoch=epoch, position=0, costs=state.costs[:0])
        if self.job.patience is not None and found is not None:
            state = _with_best(state, found.cost)
        return state

    def _judged(self, state: State) -> Measures | None:
        if self.validation is None:
            return None
        return self.measure(self.job.net, state.params["now"], self.validation)

    def _save_in_time(self, state: State) -> None:
        if time.monotonic() - self._saved_at >= self.seconds_between_checkpoints:
            self._save(state)

    def _save(self, state: State) -> None:
        _require_finite_params(state)
        self.folder.save(state, cost=state.extra.get("best_cost"))
        self._saved_at = time.monotonic()


def _with_best(state: State, cost: float) -> State:
    if not cost < state.extra.get("best_cost", math.inf):
        waited = state.extra.get("waited", 0) + 1
        return state._replace(extra={**state.extra, "waited": waited})
    best = jax.tree.map(jnp.copy, state.params["now"])  # the buffers of `now` are used again
    extra = {**state.extra, "best_cost": cost, "best_epoch": state.epoch, "waited": 0}
    return state._replace(params={**state.params, "best": best}, extra=extra)


def _require_finite(state: State) -> None:
    bad = np.flatnonzero(~np.isfinite(state.costs))
    if len(bad):
        raise Diverged(state.epoch + 1, int(bad[0]) + 1, float(state.costs[bad[0]]))


def _require_finite_params(state: State) -> None:
    """So that the last checkpoint is one to go on from"""
    if not all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves(state.params["now"])):
        raise Diverged(state.epoch + 1, state.position, math.nan, "result of")
