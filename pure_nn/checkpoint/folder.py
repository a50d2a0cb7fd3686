"""A folder of checkpoints that one run writes: the last few and the best."""

import contextlib
import math
import os
import re
import shutil
from pathlib import Path
from types import TracebackType

from pure_nn.checkpoint import manifest
from pure_nn.checkpoint.lock import locked
from pure_nn.checkpoint.reading import Which, cost_of, first_whole, numbered, ordered, whole_cost
from pure_nn.checkpoint.saving import write
from pure_nn.checkpoint.state import CheckpointError, State, require_json

PARTIAL, OLD = "-partial", "-old"


class Folder:
    """The checkpoints of one run, to be used in a `with` statement, in which it is locked.

    The last `keep` stay and the one of the lowest cost. A new one is written beside them under
    another name, read back, and then given its own; only then does an older one go. A damaged one
    is neither overwritten nor deleted nor counted.

    CheckpointError: a folder in use by another run, or not to be written to. ValueError: a number
    to keep that is no integer from 1 on.
    """

    def __init__(self, path: str | Path, *, keep: int = 3) -> None:
        if not isinstance(keep, int) or keep < 1:
            raise ValueError(f"keep: expected an integer from 1 on, got {keep!r}")
        self.path, self._keep = Path(path), keep
        self._held = contextlib.ExitStack()
        self._known: dict[Path, float | None] = {}
        self._is_open = False

    def __enter__(self) -> "Folder":
        self._held.enter_context(locked(self.path))
        self._is_open = True
        for path in self.path.iterdir():
            if re.fullmatch(rf"\d{{8,}}({PARTIAL}|{OLD})", path.name):  # of a run that was killed
                shutil.rmtree(path, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        self._is_open = False
        self._held.close()

    def checkpoints(self) -> tuple[Path, ...]:
        """Oldest first"""
        return tuple(numbered(self.path))

    def latest(self, like: State, *, skip_damaged: bool = False) -> State | None:
        """The newest state, in the structure of `like`; None of a new folder.

        What `like.extra` holds must be the same in the checkpoint.

        DamagedError: with the file, and the newest one that is whole, unless such are to be
        skipped. CheckpointError: a checkpoint of another network, optimizer or format.
        """
        return self._read(like, "latest", skip_damaged)

    def best(self, like: State, *, skip_damaged: bool = False) -> State | None:
        """As `latest`, the state of the lowest cost, the earliest of equal ones."""
        return self._read(like, "best", skip_damaged)

    def save(self, state: State, *, cost: float | None = None) -> Path:
        """A new checkpoint, whole or not at all. `cost` is what the best is chosen by.

        CheckpointError: a full disk, a folder that cannot be written to, an `extra` that is not
        JSON. What was there before is as it was.
        """
        self._require_open()
        require_json(state.extra)
        before = self.checkpoints()
        name = f"{int(before[-1].name) + 1 if before else 1:08d}"
        partial, final = self.path / (name + PARTIAL), self.path / name
        try:
            write(partial, state, cost)
            os.rename(partial, final)
            manifest.sync(self.path)
        except (OSError, ValueError, RuntimeError) as error:
            raise CheckpointError(self._not_saved(name, error)) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        self._known[final] = cost_of(final)
        self._delete_old()
        return final

    def _read(self, like: State, which: Which, skip_damaged: bool) -> State | None:
        self._require_open()
        return first_whole(ordered(self.path, which, skip_damaged), like, skip_damaged)

    def _not_saved(self, name: str, error: Exception) -> str:
        others = [f for f in self.checkpoints() if self._cost(f) is not None]
        return (
            f"{self.path}: checkpoint {name} could not be written: {_reason(error)}; nothing "
            "was overwritten, "
            + (f"and {others[-1].name} before it is whole" if others else "there is none before it")
            + "; make room or give another folder, and go on from there"
        )

    def _cost(self, folder: Path) -> float | None:
        """What a whole one was saved with; None of a damaged one. The files are read once."""
        if folder not in self._known:
            self._known[folder] = whole_cost(folder)
        return self._known[folder]

    def _delete_old(self) -> None:
        """By renaming first, so that what has its name is whole."""
        costs = {f: J for f in self.checkpoints() if (J := self._cost(f)) is not None}
        best = min(costs, key=lambda f: costs[f])
        stay = {*list(costs)[-self._keep :], *[best] * math.isfinite(costs[best])}
        for folder in costs.keys() - stay:
            with contextlib.suppress(OSError):
                old = folder.with_name(folder.name + OLD)
                os.rename(folder, old)
                shutil.rmtree(old)

    def _require_open(self) -> None:
        if not self._is_open:
            raise CheckpointError(
                f"{self.path}: not locked; use it inside `with pure_nn.checkpoint.Folder(...) as "
                "folder:`"
            )


def _reason(error: Exception) -> str:
    """What the system said, where orbax only passes it on"""
    code = re.search(r"os_error_code='(\d+)'", str(error))
    return f"{error}" if code is None else os.strerror(int(code[1]))
