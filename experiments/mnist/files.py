"""MNIST from its four IDX files, gzipped or not, or what else a folder holds in their names."""

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from pure_nn import data
from pure_nn.data import DataError

SIDE, CLASSES = 28, 10
PIXELS = SIDE * SIDE
TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class Images(NamedTuple):
    """X with pixels in [0, 1], one image per column, and Y one-hot."""

    X: Float[Array, "n m"]
    Y: Float[Array, "10 m"]


def load(folder: Path, names: tuple[str, str]) -> Images:
    """FileNotFoundError: no such file. DataError: a damaged one, or other arrays than those of
    images of 28 × 28 bytes and as many labels from 0 to 9.
    """
    paths = [find(folder, name) for name in names]
    images, labels = (data.read(path)["data"] for path in paths)
    _require(paths[0], images, labels)
    X = data.columns(images.reshape(len(images), PIXELS)) / np.float32(255)
    try:
        Y = data.one_hot(labels, CLASSES)
    except ValueError as error:
        raise DataError(f"{paths[1]}: {error}") from None
    return Images(jnp.asarray(X), jnp.asarray(Y))


def find(folder: Path, name: str) -> Path:
    """The file of that name; other tools write its first dash as a point, or unpack it."""
    names = [f"{n}{end}" for n in (name, name.replace("-idx", ".idx")) for end in (".gz", "")]
    for path in (folder / name for name in names):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"expected {name}.gz, or {name}, in {folder}: give the folder that has it by --data, or "
        "fetch MNIST by --download FOLDER"
    )


def _require(path: Path, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> None:
    wanted = (len(labels), SIDE, SIDE)
    if images.dtype != np.uint8 or images.shape != wanted or labels.ndim != 1:
        raise DataError(
            f"{path}: expected images of {SIDE} × {SIDE} bytes, as many as there are labels, "
            f"{wanted}, got {images.dtype} {images.shape} and labels {labels.shape}"
        )
