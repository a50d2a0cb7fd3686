"""The course's photographs of cats and of others: 209 for training and 50 for test, 64 × 64 × 3."""

from pathlib import Path

from experiments.published.recipe import Examples, examples
from pure_nn import data

FILES = ("cats/train_catvnoncat.h5", "cats/test_catvnoncat.h5")


def load(folder: Path) -> tuple[Examples, Examples]:
    """For training and for test: each image flattened by rows, and divided by 255."""
    train, test = (
        _part(folder / file, kind) for file, kind in zip(FILES, ("train", "test"), strict=True)
    )
    return train, test


def _part(path: Path, kind: str) -> Examples:
    arrays = data.read(path)
    images, labels = (arrays[f"{kind}_set_{letter}"] for letter in "xy")
    return examples(images.reshape(len(images), -1) / 255, labels)
