"""The bound of the laws holds for right gradients of every scale, and for no more than rounding."""

from typing import Any

import numpy as np
import pytest
from student import ACTIVATIONS, Student, arguments

from verify.laws import check_laws

RIGHT = Student()


def drawn(seed: int, dtype: str, spread: int) -> Any:
    """Well and ill scaled; with equal examples, and with features far from 0"""
    rng = np.random.default_rng(seed)
    params, X, Y = arguments(B=int(rng.choice([1, 2, 7, 300])), seed=seed)
    scales = rng.choice([0.3, 1]) * 2.0 ** rng.integers(-spread, spread + 1, 3)
    params = tuple({"W": s * p["W"], "b": p["b"]} for s, p in zip(scales, params, strict=True))
    equal = X[:, :1] + 0 * X
    X = rng.choice([4.0**-spread, 1, 2.0**spread]) * [X, X + 3, equal, np.round(X)][seed % 4]
    Y = (1 - 1e-3) * Y + 1e-3 / 3
    return (
        tuple({k: x.astype(dtype) for k, x in layer.items()} for layer in params),
        X.astype(dtype),
        Y.astype(dtype),
    )


def cross_entropy(A: Any, Y: Any) -> Any:
    """Of A that is no smaller than the dtype's smallest normal number"""
    return -np.sum(Y * np.log(np.maximum(A, np.finfo(A.dtype).tiny))) / Y.shape[1]


@pytest.mark.parametrize(("dtype", "spread"), [("float64", 4), ("float32", 4), ("float16", 1)])
def test_no_false_alarm(dtype: str, spread: int) -> None:
    f, args = (
        Student(cost=cross_entropy).value_and_grad,
        (drawn(s, dtype, spread) for s in range(20)),
    )
    reports = [check_laws(f, a, activations=ACTIVATIONS, seed=seed) for seed, a in enumerate(args)]
    wrong = [str(report) for report in reports if report.verdict == "wrong"]
    assert not wrong, wrong[0]
    errors = [f.comparison.error for r in reports for f in r.findings if not f.comparison.fault]
    assert 0.01 < max(errors) < 0.5


@pytest.mark.parametrize(("dtype", "by"), [("float64", 1e-12), ("float32", 1e-3)])
def test_what_is_more_than_rounding_is_found(dtype: str, by: float) -> None:
    """One example of 30 counts a little more than the others"""

    def delta(A: Any, Y: Any) -> Any:
        return (A - Y) * (1 + by * (np.arange(Y.shape[1]) == 0)).astype(A.dtype)

    student = Student(delta=delta)
    for seed in range(5):
        args = arguments(B=30, seed=seed, dtype=dtype)
        assert check_laws(student.value_and_grad, args, seed=seed).verdict == "wrong"
