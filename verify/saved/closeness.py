"""Whether two arrays are the same, to a few digits."""

import numpy as np

from verify.saved.values import F64


def close(got: F64, right: F64, tol: float) -> bool:
    """To `tol` times the largest entry; NaN never is"""
    if got.shape != right.shape:
        return False
    return bool(np.max(np.abs(got - right)) <= tol * np.max(np.abs(right)))
