"""Where a cost first stopped being finite: a replay from the last checkpoint, to the same bits."""

from pathlib import Path

import jax.numpy as jnp

from experiments.engine.job import Examples, Job, advanced, drop_key, rest_of_epoch
from experiments.engine.loop import Diverged
from pure_nn.checkpoint import State
from pure_nn.training.nonfinite import locate_nonfinite_step


def what_went_wrong(
    error: Diverged, kept: State | None, job: Job, examples: Examples, folder: Path
) -> str:
    """Where it began, by a replay from the last checkpoint, and what is left in the folder"""
    if kept is None:
        return f"{error}; nothing was saved before it"
    found = first_nonfinite(job, kept, examples)
    where = f"; first not finite: {found}" if found else ""
    return f"{error}{where}; the last finite checkpoint, of epoch {kept.epoch}, is kept in {folder}"


def first_nonfinite(job: Job, state: State, examples: Examples) -> str | None:
    """As in "Z[2] at step 17 of epoch 3 (3 of 128 entries)"; None of a replay that stays finite."""
    while state.epoch < job.epochs:
        for call in rest_of_epoch(job, state, examples.m):
            data, batches = examples.taken(call.batches)
            found = locate_nonfinite_step(
                job.net,
                state.params["now"],
                state.opt_state,
                *data,
                optimizer=job.optimizer,
                batches=jnp.asarray(batches),
                key=drop_key(job, state),
                first=call.first,
                l2=job.l2,
                compute_dtype=job.compute_dtype,
            )
            if found is not None:
                return found.where(state.epoch + 1)
            state = advanced(job, state, call, examples)
        state = state._replace(epoch=state.epoch + 1, position=0, costs=state.costs[:0])
    return None
