"""A finished run, read back: its network, weights, preparation and settings."""

from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

import pure_nn
from experiments.runs import RefusedError
from experiments.tabular.leave import PREPARATION, WEIGHTS
from pure_nn import data, interop
from pure_nn.network import Network, Params


class Trained(NamedTuple):
    """What a run left to predict with."""

    net: Network
    params: Params
    preparation: data.Preparation

    def predict(self, rows: npt.ArrayLike) -> npt.NDArray[Any]:
        """Ŷ of rows as the table had them"""
        X = self.preparation.X(rows, self.params[0]["W"].dtype.name)
        return np.asarray(pure_nn.predict(self.net, self.params, jnp.asarray(X)))


def trained(folder: Path) -> Trained:
    """RefusedError: a folder that no finished run of `train` left."""
    for name in (PREPARATION, WEIGHTS):
        if not (folder / name).is_file():
            raise RefusedError(
                f"{folder}: expected {name}, which a finished run of train leaves; go on with a "
                f"stopped one with: train --resume {folder}"
            )
    net, params = interop.load_weights(folder / WEIGHTS)
    preparation = data.Preparation.from_json((folder / PREPARATION).read_text(encoding="utf-8"))
    return Trained(net, params, preparation)
