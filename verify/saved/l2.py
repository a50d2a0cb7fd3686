"""λ, where the file does not state it."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from verify.saved.closeness import close
from verify.saved.readings import Reading


def with_l2(reading: Reading, tol: float) -> Reading | None:
    """With λ from dW − s ∂J/∂W = λW, where half of the layers have the same λ > 0"""
    μ = np.array(list(_multiples_of_W(reading, tol)))
    if not len(μ):
        return None
    λ = float(np.median(μ))
    same = np.sum(np.abs(μ - λ) <= 100 * tol * λ)
    most = λ > 0 and 2 * same >= len(reading.at.params)
    return dataclasses.replace(reading, l2=λ) if most else None


def _multiples_of_W(reading: Reading, tol: float) -> Iterator[float]:
    for l, (grads, layer) in enumerate(zip(reading.at.grads, reading.at.params, strict=True), 1):
        right, W = reading.scale * reading.page("dW", l), layer["W"]
        if grads["W"].shape == W.shape and W.size > 2 and np.any(W):
            rest = grads["W"] - right
            μ = float(np.sum(rest * W) / np.sum(W * W))
            size = max(np.max(np.abs(right)), np.max(np.abs(grads["W"])))
            if np.max(np.abs(rest)) > tol * size and close(grads["W"], right + μ * W, tol):
                yield μ
