"""Which examples train and which test, drawn by a key, and how many there are of every class."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import jax
import numpy as np
import numpy.typing as npt
from jaxtyping import Int, PRNGKeyArray


def split(
    key: PRNGKeyArray, m: int, fractions: Sequence[float]
) -> tuple[Int[np.ndarray, " part"], ...]:
    """The examples 0 … m − 1 in the random order of `key`, cut into parts of these fractions.

    ValueError: fractions that are not positive or do not add up to 1, a part without examples.
    """
    if not all(f > 0 for f in fractions) or not math.isclose(sum(fractions), 1, abs_tol=1e-9):
        raise ValueError(
            f"fractions: expected positive ones that add up to 1, such as (0.8, 0.2), got "
            f"{tuple(fractions)}, together {sum(fractions):g}"
        )
    cuts = [round(m * sum(fractions[:i])) for i in range(len(fractions))]
    parts = np.split(np.asarray(jax.random.permutation(key, m), np.int64), cuts[1:])
    sizes = [len(part) for part in parts]
    if 0 in sizes:
        raise ValueError(
            f"fractions: expected at least one of the {m} examples in each part, got {sizes} by "
            f"{tuple(fractions)}; take more examples or larger fractions"
        )
    return tuple(parts)


def stratified_split(
    key: PRNGKeyArray,
    labels: npt.ArrayLike,
    test_fraction: float,
    *,
    single: Literal["refuse", "train"] = "refuse",
) -> tuple[Int[np.ndarray, " train"], Int[np.ndarray, " test"]]:
    """The indices of the training and of the test examples, both in the random order of `key`.

    Of the n examples of every class, test_fraction · n are in the test, rounded, but at least one
    on either side. The one example of a class that has no other is refused, or trained on.

    ValueError: not one axis, no labels, a fraction outside (0, 1), a class with one example unless
    it is trained on, and then nothing to test on.
    """
    labels = one_per_example(labels)
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction: expected a fraction in (0, 1), got {test_fraction}")
    classes, class_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    _require_several_of(classes, sizes, single)
    order = np.asarray(jax.random.permutation(key, len(labels)), np.int64)
    in_test = np.zeros(len(labels), bool)
    for c, n in enumerate(sizes):
        shuffled = np.flatnonzero(class_of[order] == c)
        in_test[shuffled[: min(max(round(test_fraction * n), 1), n - 1)]] = True
    return order[~in_test], order[in_test]


def class_balance(labels: npt.ArrayLike) -> dict[Any, int]:
    """How many examples there are of every label, in the order of the labels.

    ValueError: not one axis, no labels.
    """
    classes, sizes = np.unique(one_per_example(labels), return_counts=True)
    return dict(zip(classes.tolist(), sizes.tolist(), strict=True))


def one_per_example(labels: npt.ArrayLike) -> npt.NDArray[Any]:
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(
            f"labels: expected shape (B,), one label per example, got {labels.shape}"
            + ("; write labels.ravel()" if labels.size and labels.size in labels.shape else "")
        )
    return labels


def _require_several_of(classes: npt.NDArray[Any], sizes: npt.NDArray[Any], single: str) -> None:
    """Two examples of every class, or of any class where single ones may be trained on."""
    if single not in ("refuse", "train"):
        raise ValueError(f"single: expected 'refuse' or 'train', got {single!r}")
    if sizes.max() < 2:
        raise ValueError(
            f"labels: expected two examples of a class, one for either side, got {len(classes)} "
            "classes of one example each"
        )
    if sizes.min() < 2 and single == "refuse":
        c = int(np.argmin(sizes))
        raise ValueError(
            f"labels: expected at least two examples of every class, one for either side, "
            f"got one of class {classes[c]}; single='train' trains on it"
        )
