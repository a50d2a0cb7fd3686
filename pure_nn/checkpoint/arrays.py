"""Arrays by name in a folder, written and read by orbax."""

import contextlib
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]


def write(folder: Path, arrays: Arrays) -> None:
    """Into a new folder, which gets its name once all is in it."""
    filled = {name: x for name, x in arrays.items() if x.size}  # orbax refuses empty ones
    with _checkpointer() as checkpointer:
        checkpointer.save(folder.absolute(), filled)


def read(folder: Path, empty: Arrays) -> dict[str, npt.NDArray[Any]]:
    """Those that were written; `empty` ones come from their shapes alone."""
    with _checkpointer() as checkpointer:
        found = checkpointer.restore(folder.absolute())
    return {name: np.asarray(x) for name, x in found.items()} | dict(empty)


@contextlib.contextmanager
def _checkpointer() -> Iterator[Any]:
    try:
        import orbax.checkpoint as ocp
    except ImportError as error:
        raise ImportError(
            "pure_nn.checkpoint needs orbax: pip install 'pure_nn[checkpoint]'"
        ) from error
    made = ocp.PyTreeCheckpointer(use_ocdbt=True, use_zarr3=True)
    with _silent(logging.getLogger("absl")), made as checkpointer:
        yield checkpointer


@contextlib.contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """What orbax raises it logs too, and after one write that fails it prints those in flight."""
    before = logger.disabled, sys.unraisablehook
    logger.disabled, sys.unraisablehook = True, _ignore
    try:
        yield
    except Exception:
        time.sleep(0.2)  # until those have failed as well
        raise
    finally:
        logger.disabled, sys.unraisablehook = before


def _ignore(of_a_callback: object) -> None:
    pass
