"""Runs that save one checkpoint after another, each killed at a random instant.

    python tests/killed.py FOLDER KILLS SEED

The packages are imported once; every run is a fork. It opens the folder, which has to be unlocked,
reads the latest state, which has to be whole and no older than what the run before it reported, and
goes on from there until it is killed. Prints how many runs were killed, how many of them while
they wrote, and the epoch of the last.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import orbax.checkpoint  # noqa: F401  # before the forks
from states import assert_same_state, like, numbered

from pure_nn.checkpoint import Folder

LONGEST = 1.0  # seconds from the opening to the kill: some saves, and the start of JAX


def run(path: Path, reported: int, pipe: int) -> None:
    """Until it is killed; each epoch that is saved goes into the pipe"""
    with Folder(path, keep=2) as folder:
        state = folder.latest(like(numbered(0)))
        epoch = 0 if state is None else state.epoch
        assert epoch >= reported, f"{reported} was saved, {epoch} is there"
        assert_same_state(state or numbered(0), numbered(epoch))
        for i in range(epoch + 1, epoch + 10_000):
            os.write(pipe, np.int64(i - 1).tobytes())
            folder.save(numbered(i), cost=float(np.cos(i)))


def killed(path: Path, reported: int, delay: float) -> int:
    """The last epoch that the run said was saved, before it was killed"""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run(path, reported, writing)
        finally:
            os._exit(1)
    os.close(writing)
    said = os.read(reading, 8)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, "it failed"
    said += os.read(reading, 1 << 16)
    os.close(reading)
    return int(np.frombuffer(said, np.int64)[-1])


def main(path: Path, kills: int, seed: int) -> None:
    rng, epoch, writing = random.Random(seed), 0, 0
    for _ in range(kills):
        epoch = killed(path, epoch, rng.uniform(0, LONGEST))
        writing += any(path.glob("*-partial")) or any(path.glob("*-old"))
    print(kills, writing, epoch)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
