"""A run whose files may not grow beyond a limit half-way, as on a disk that is full.

    python tests/full_disk.py FOLDER

Prints the error of the checkpoint that did not fit, once the one before it is known to be whole,
nothing is left of the new one, and the next one is saved after there is room again.
"""

import resource
import sys
from pathlib import Path

import numpy as np
from states import assert_same_state, like, numbered

from pure_nn.checkpoint import CheckpointError, Folder, State

LIMIT = 20_000  # bytes of one file: the arrays need more, and what stands around them less


def large(i: int) -> State:
    noise = np.random.default_rng(i).normal(size=100_000)  # not to be compressed
    return numbered(i)._replace(costs=noise)


def main(path: Path) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Folder(path, keep=1) as folder:
        folder.save(large(1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, unlimited[1]))
        try:
            folder.save(large(2))
        except CheckpointError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert sorted(p.name for p in path.iterdir()) == ["00000001", "lock"]
        assert_same_state(folder.latest(like(large(0))) or large(0), large(1))
        assert folder.save(large(3)).name == "00000002"
        assert_same_state(folder.latest(like(large(0))) or large(0), large(3))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
