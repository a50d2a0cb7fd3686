"""Arrays of NumPy that a function may change, but should not."""

from collections.abc import Sequence

import numpy as np

from verify.derivatives.evidence import copied
from verify.derivatives.programs import Leaves

IN_PLACE = "it is changed in place; work on a copy, as in x = x.copy()"


def copies(arrays: Leaves) -> Leaves:
    return [copied(x) for x in arrays]


def differing(names: Sequence[str], before: Leaves, after: Leaves) -> list[str]:
    """The names of those arrays of NumPy that are no longer what they were"""
    return [
        called
        for called, x, y in zip(names, before, after, strict=True)
        if isinstance(x, np.ndarray) and not np.array_equal(x, y, equal_nan=x.dtype.kind in "fc")
    ]
