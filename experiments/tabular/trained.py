"""A run, read back: its network, weights and preparation."""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

import pure_nn
from experiments.engine.job import Job, start
from experiments.runs import RefusedError
from experiments.tabular.asked import read_config
from experiments.tabular.config import optimizer
from experiments.tabular.leave import CHECKPOINTS, PREPARATION, WEIGHTS
from experiments.tabular.problem import network
from pure_nn import checkpoint, data, interop
from pure_nn.network import Network, Params


class Trained(NamedTuple):
    """What a run left to predict with."""

    net: Network
    params: Params
    preparation: data.Preparation

    def predict(self, rows: npt.ArrayLike, lines: Any = None) -> npt.NDArray[Any]:
        """Ŷ of rows as the table had them, in these lines of its file"""
        X = self.preparation.X(rows, self.params[0]["W"].dtype.name, lines)
        return np.asarray(pure_nn.predict(self.net, self.params, jnp.asarray(X)))


def trained(folder: Path) -> Trained:
    """RefusedError: a folder that no finished run of `train` left."""
    if not (folder / PREPARATION).is_file():
        raise RefusedError(f"{folder}: expected {PREPARATION}, which a run of train leaves")
    preparation = data.Preparation.from_json((folder / PREPARATION).read_text(encoding="utf-8"))
    if (folder / WEIGHTS).is_file():
        return Trained(*interop.load_weights(folder / WEIGHTS), preparation)
    return Trained(*_of_checkpoint(folder, preparation), preparation)


def _of_checkpoint(folder: Path, preparation: data.Preparation) -> tuple[Network, Params]:
    """Of a run that was stopped, or diverged: the best weights that it saved, else the newest"""
    config = read_config(folder)
    net, sizes = network(config, preparation)
    params = pure_nn.init(jax.random.key(0), sizes, config.init, dtype=config.dtype)
    job = Job(net, optimizer(config, 1), config.epochs, patience=config.patience)
    like = start(job, params, jax.random.key(0), {})
    state = checkpoint.read(folder / CHECKPOINTS, like, skip_damaged=True)
    used = f"what it saved in epoch {state.epoch + 1} is used"
    print(f"{folder} is not finished: {used}", file=sys.stderr)
    return net, state.params.get("best", state.params["now"])
