"""From a configuration to the data, the network and the job that it asks for."""

import dataclasses
import hashlib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

import pure_nn
from experiments.engine.job import Job, Part
from experiments.engine.measures import Measures, classified, regressed
from experiments.runs import RefusedError
from experiments.tabular.config import BATCH, Config, keys, optimizer
from pure_nn import data
from pure_nn.data.preparation import Task
from pure_nn.network import Network, Params

Indices = npt.NDArray[np.integer[Any]]
OUTPUTS = {"classes": "softmax", "binary": "sigmoid", "regression": "identity"}
NOT_THE_RESULT = ("data", "out", "keep", "checkpoint_seconds", "verify")


class Problem(NamedTuple):
    """All that a run starts from."""

    job: Job
    params: Params
    training: Part
    validation: Part | None
    preparation: data.Preparation
    balance: dict[Any, int] | None

    @property
    def score(self) -> str:
        return "R2" if self.preparation.task == "regression" else "accuracy"

    @property
    def measure(self) -> Callable[[Network, Any, Part], Measures]:
        """The cost and that score"""
        return regressed if self.preparation.task == "regression" else classified

    def identity(self, config: Config) -> dict[str, Any]:
        """What must be the same for a checkpoint to go on from: settings, and bits of the data"""
        settings = {k: v for k, v in dataclasses.asdict(config).items() if k not in NOT_THE_RESULT}
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
        return {"config": listed, "data": _checksum(self.training, self.validation)}


def posed(config: Config) -> Problem:
    """RefusedError, or a ValueError of `pure_nn.data`: a table that cannot be used as asked"""
    table = data.table(data.read(config.data), config.target, config.features or None)
    target = np.asarray(table.target)
    task = data.task_of(target) if config.task == "auto" else config.task
    split, init, _ = keys(config)
    chosen, held_out = _split(config, split, target, task)
    preparation = _prepared(config, table, chosen, task)
    X = preparation.X(table.rows, config.dtype, table.lines)
    training, held = (
        _part(config, preparation, X[:, i], target[i]) if len(i) else None
        for i in (chosen, held_out)
    )
    assert training is not None, "no split leaves a part empty"
    net, sizes = network(config, preparation)
    params = pure_nn.init(init, sizes, config.init, dtype=config.dtype)
    balance = None if task == "regression" else data.class_balance(target[chosen])
    return Problem(_job(config, net, training), params, training, held, preparation, balance)


def _prepared(config: Config, table: data.Table, chosen: Indices, task: Task) -> data.Preparation:
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        return data.prepare(  # constant features are named where the problem is described
            table.rows[chosen],
            np.asarray(table.target)[chosen],
            names=table.names,
            task=task,
            standardize=config.standardize,
        )


def _split(
    config: Config, key: jax.Array, target: npt.NDArray[Any], task: Task
) -> tuple[Indices, Indices]:
    """What is trained on and what is held out: of every class a share, but never all of it"""
    m, share = len(target), config.validation
    if share == 0:
        return np.arange(m), np.arange(0)
    try:
        if task != "regression":
            return data.stratified_split(key, target, share, single="train")
        chosen, held_out = data.split(key, m, (1 - share, share))
    except ValueError:
        alone = "" if task == "regression" else ", no two of one class"
        raise RefusedError(
            f"--validation: expected a share with at least one example on either side, got {share} "
            f"of {m}{alone}; 0 holds none out"
        ) from None
    return chosen, held_out


def _part(
    config: Config,
    preparation: data.Preparation,
    X: npt.NDArray[Any],
    target: npt.NDArray[Any],
) -> Part:
    return Part(jnp.asarray(X), jnp.asarray(preparation.Y(target, config.dtype)))


def network(config: Config, preparation: data.Preparation) -> tuple[Network, tuple[int, ...]]:
    """And n[0] … n[L]"""
    hidden = [config.activation] * len(config.sizes)
    dropout = config.dropout if hidden else 0.0
    net = Network((*hidden, OUTPUTS[preparation.task]), dropout=dropout)
    n_L = len(preparation.classes) if preparation.task == "classes" else 1
    return net, (len(preparation.names), *config.sizes, n_L)


def _job(config: Config, net: Network, training: Part) -> Job:
    m = training.X.shape[1]
    batch_size = None if config.batch_size == BATCH and m < BATCH else config.batch_size
    if batch_size is not None and batch_size > m:
        raise RefusedError(
            f"--batch-size: expected at most {m}, the examples to train on, got {batch_size}; "
            "--batch-size None takes all at once"
        )
    return Job(
        net=net,
        optimizer=optimizer(config, m),
        epochs=config.epochs,
        batch_size=batch_size,
        l2=config.l2,
        compute_dtype=config.compute_dtype,
        patience=config.patience,
    )


def _checksum(*parts: Part | None) -> str:
    found = hashlib.sha256()
    for x in jax.tree.leaves(parts):
        found.update(f"{x.dtype}{x.shape}".encode() + np.asarray(x).tobytes())
    return found.hexdigest()
