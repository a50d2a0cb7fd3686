"""Mistakes that no catalogue holds: to be found in the right layer, and called unknown."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.selftest.in_output import with_targets
from verify.selftest.planted import Planted, both, hidden, of, several, top
from verify.selftest.student import Change, Work, gradients
from verify.selftest.task import Floats

Random = np.random.Generator


def at_random(change: Callable[[Random, Work, int, Floats], Any]) -> Change:
    """Drawn from the seed of the task, so that two calls agree"""
    return lambda w, k, right: change(np.random.default_rng((w.task.seed, k)), w, k, right)


def noisy(rng: Random, w: Work, k: int, right: Floats) -> Any:
    return right * (1 + 0.01 * rng.normal(size=right.shape))


def feedback(rng: Random, w: Work, k: int, right: Floats) -> Any:
    """D[k+1] carried down by fixed random weights, as feedback alignment does"""
    return w.D[k + 1] @ rng.normal(size=w.task.W[k + 1].T.shape)


def remasked(rng: Random, w: Work, k: int, right: Floats) -> Any:
    """Dropout drawn anew in the backward pass"""
    mask = rng.permuted(w.task.masks[k], axis=1)
    return w.D[k + 1] @ w.task.W[k + 1].T * mask


def shuffled(rng: Random, w: Work, k: int, right: Floats) -> Any:
    order = rng.permutation(w.task.B)
    return with_targets(lambda Y: Y[order])(w, k, right)


def weighted(rng: Random, w: Work, k: int, right: Floats) -> Any:
    """Each example by its own weight"""
    return right * rng.uniform(0.5, 2, (w.task.B, 1))


def reordered(rng: Random, w: Work, k: int, right: Floats) -> Any:
    return right[:, rng.permutation(right.shape[1])]


def before(rng: Random, w: Work, k: int) -> Any:
    """dW of another batch, with the same parameters"""
    X = rng.normal(size=w.task.X.shape).astype(w.task.dtype)
    return gradients(dataclasses.replace(w.task, X=X))[0][k]


def momentum(rng: Random, w: Work, k: int, right: Floats) -> Any:
    return 0.1 * right + 0.9 * before(rng, w, k)


def accumulated(rng: Random, w: Work, k: int, right: Floats) -> Any:
    return right + before(rng, w, k)


def stale(rng: Random, w: Work, k: int, right: Floats) -> Any:
    """Half of the units still have the gradient of the batch before"""
    return np.where(np.arange(right.shape[1]) % 2, right, before(rng, w, k))


def misaligned(w: Work, k: int, right: Floats) -> Any:
    """The errors of each example with the activations of the next"""
    return np.roll(w.A[k - 1], 1, axis=0).T @ w.D[k] * w.late


def clipped_by_example(w: Work, k: int, right: Floats) -> Any:
    norms = np.linalg.norm(right.astype(float), axis=1, keepdims=True)
    return right * np.minimum(1, np.median(norms) / np.maximum(norms, 1e-30))


def quantised(w: Work, k: int, right: Floats) -> Any:
    unit = np.max(np.abs(right)) / 20 or 1
    return np.round(right / unit) * unit


def lower(w: Work, k: int, right: Floats) -> Any:
    """Stored in the next lower precision"""
    return right.astype(np.float32 if right.dtype == np.float64 else np.float16)


def curvature(w: Work, k: int, right: Floats) -> Any:
    """g″ of tanh"""
    return -2 * w.G[k] * (1 - w.G[k] ** 2)


def more(least: int) -> Callable[[Work, int], bool]:
    """Examples"""
    return lambda w, k: w.task.B > least


def dropped(w: Work, k: int) -> bool:
    return k in w.task.masks


def spread(w: Work, k: int) -> bool:
    """On both sides of where a hard sigmoid bends"""
    return len(np.unique(np.abs(w.Z[k]) < 2.5)) == 2


def classes(w: Work, k: int) -> bool:
    return several(w, k) and top(w, k) and w.kind(k) == "softmax"


def regularised(w: Work, k: int) -> bool:
    return w.task.l2 > 0


STRANGERS = tuple(
    dataclasses.replace(mistake, stranger=True)
    for mistake in (
        Planted("1 % of noise", "dW", at_random(noisy)),
        Planted("random feedback weights", "carried", at_random(feedback), where=hidden),
        Planted("dropout drawn anew", "dA", at_random(remasked), ("mask redrawn",), dropped),
        Planted("targets shuffled", "D", at_random(shuffled), ("Y swapped",), both(top, more(2))),
        Planted(
            "targets smoothed",
            "D",
            with_targets(lambda Y: 0.9 * Y + 0.1 / Y.shape[1]),
            kinds=("Y smoothed",),
            where=classes,
        ),
        Planted("examples weighted", "D", at_random(weighted), ("examples",), more(2)),
        Planted("units in another order", "dW", at_random(reordered), ("rearranged",), several),
        Planted("momentum", "dW", at_random(momentum)),
        Planted("accumulated over batches", "dW", at_random(accumulated)),
        Planted("half of the units stale", "dW", at_random(stale), where=several),
        Planted("examples misaligned", "product", misaligned, ("A misaligned",), more(2)),
        Planted("clipped by example", "D", clipped_by_example, ("examples",), more(2)),
        Planted("quantised", "dW", quantised),
        Planted("stored in lower precision", "dW", lower, ("precision",)),
        Planted("signs alone", "dW", lambda w, k, right: np.sign(right), ("rearranged",)),
        Planted("centred", "dW", lambda w, k, right: right - np.mean(right)),
        Planted("g″ for g′", "slope", curvature, where=of("tanh")),
        Planted(
            "hard sigmoid's g′",
            "slope",
            lambda w, k, right: 0.2 * (np.abs(w.Z[k]) < 2.5),
            where=both(of("sigmoid", "tanh"), spread),
        ),
        Planted(
            "L1 for L2",
            "dW",
            lambda w, k, right: right + w.task.l2 * (np.sign(w.task.W[k]) - w.task.W[k]),
            where=regularised,
        ),
        Planted(
            "db of the median",
            "db",
            lambda w, k, right: np.median(w.D[k].astype(float), axis=0, keepdims=True),
            kinds=("picked",),
            where=more(2),
        ),
        Planted(
            "db of one example",
            "db",
            lambda w, k, right: w.D[k][:1] * w.late,
            kinds=("examples",),
            where=more(1),
        ),
    )
)
