"""Checkpoints: the state of a run on disk, whole or not at all, and back to the last bit.

    from pure_nn import checkpoint

    with checkpoint.Folder("runs/digits", keep=3) as folder:    # locked: one run at a time
        state = folder.latest(like=start) or start
        ...
        folder.save(state, cost=validation_cost)

    state = checkpoint.read("runs/digits", which="best")        # elsewhere, without the lock

The arrays are written by orbax, next to a manifest that holds the sha256 of every file. Only a
folder that is whole gets its name, and only then are older ones deleted. There is no pickle.
"""

from pure_nn.checkpoint.folder import Folder as Folder
from pure_nn.checkpoint.reading import read as read
from pure_nn.checkpoint.state import CheckpointError as CheckpointError
from pure_nn.checkpoint.state import DamagedError as DamagedError
from pure_nn.checkpoint.state import State as State
