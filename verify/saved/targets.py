"""X and Y as columns; labels as one-hot targets."""

import numpy as np

from verify.saved.values import F64, Saved


class Misfit(ValueError):
    """Shapes that do not fit in this layout, and may in another."""


def inputs(saved: Saved, n: int, layout: str) -> F64:
    """X as (n[0], B)"""
    X, name = saved.finite("X", saved.numbers("X")), saved.label("X")
    if X.ndim == 1:
        X = X.reshape(1, -1) if n == 1 else X.reshape(-1, 1)
    elif layout == "rows":
        X = X.T
    if X.ndim != 2 or len(X) != n:
        want = {"columns": f"({n}, B), an example in each column", "rows": f"(B, {n}), one per row"}
        raise Misfit(
            f"{name}: expected shape {want[layout]}, for {saved.label('W[1]')} with {n} inputs, "
            f"got {saved.raw('X').shape}"
        )
    if not X.shape[1]:
        raise ValueError(f"{name}: expected at least one example, got shape {saved.raw('X').shape}")
    return X


def outputs(saved: Saved, n: int, B: int, layout: str) -> tuple[F64, str]:
    """Y as (n[L], B), and what was assumed"""
    Y = saved.finite("Y", saved.numbers("Y"))
    if Y.ndim == 2 and (Y.T if layout == "rows" else Y).shape == (n, B):
        return Y.T if layout == "rows" else Y, ""
    if Y.size == n * B and 1 in (n, B) and max(Y.shape, default=1) == Y.size:
        return Y.reshape(n, B), ""
    if Y.shape in ((n, B), (B, n)):
        return Y if Y.shape == (n, B) else Y.T, "is stored with the other axis first than X"
    if Y.size == B and max(Y.shape, default=1) == B:
        return _one_hot(saved, Y.reshape(B), n)
    shapes = f"({n}, {B})" if layout == "columns" else f"({B}, {n})"
    raise Misfit(
        f"{saved.label('Y')}: expected shape {shapes}, for {n} output units and {B} examples in "
        f"{layout}, or {B} labels, got {Y.shape}"
    )


def _one_hot(saved: Saved, labels: F64, n: int) -> tuple[F64, str]:
    first = 1 if np.max(labels) == n and np.min(labels) >= 1 else 0
    index = labels - first
    if np.any(index != np.round(index)) or np.min(index) < 0 or np.max(index) >= n:
        raise ValueError(
            f"{saved.label('Y')}: expected labels 0 … {n - 1} (or 1 … {n}) for {n} output units, "
            f"got numbers from {np.min(labels):g} to {np.max(labels):g}"
        )
    counted = f"labels {first} … {n - 1 + first}"
    return np.eye(n)[:, index.astype(np.int64)], f"holds {counted}, taken as one-hot columns"
