"""`verify.check_gradient` as a judge: with the network, and without."""

import functools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from pure_nn.network import Network
from verify.checking.gradient import check_gradient
from verify.report import Report
from verify.selftest.engines import Explanation, Said, by_diagnosis
from verify.selftest.task import Task, columns
from verify.selftest.trial import Gradient

PHRASES = {
    "lost an axis": "keepdims lost",
    "is one number": "one scalar",
    "of all its entries": "one scalar",
    "alone is wrong": "one entry",
    " alone": "one line",
    "is zero": "zero",
    "NaN": "not finite",
    "times what it should be": "factor is",
    "is missing": "L2 missing",
    "one too many": "L2 doubled",
    "applied to b": "L2 on b",
    "clipped": "clipped",
    "lower precision": "precision",
    "order": "rearranged",
}  # of sentences that name no kind


def with_network(task: Task, gradient: Gradient) -> Said:
    """Told by the same words as the diagnosis where it is that"""
    report = _checked(task, gradient, task.network())
    if report.mistakes:
        found = by_diagnosis(task, gradient)
        if report.mistakes[0] == found.text:
            return Said(report.verdict, found.first, found.kinds, found.text)
    return _said(report)


def without_network(task: Task, gradient: Gradient) -> Said:
    return _said(_checked(task, gradient, None))


def _said(report: Report) -> Said:
    kinds: tuple[Explanation, ...] = (tuple(map(_kinds, report.mistakes)),)
    return Said(report.verdict, _first(report), kinds if report.mistakes else (), str(report))


def _kinds(sentence: str) -> frozenset[str]:
    return frozenset(
        {f"factor {sentence}"} | {kind for part, kind in PHRASES.items() if part in sentence}
    )


def _first(report: Report) -> str:
    """The leaf that the backward pass comes to first, of those that are wrong"""
    wrong = {finding.comparison.where for finding in report.findings if finding.verdict == "wrong"}
    found = [re.fullmatch(r"([Wb])\[(\d+)\]", where) for where in wrong]
    order = sorted((-int(at[2]), -ord(at[1]), f"d{at[0]}") for at in found if at)
    return f"{order[0][2]}[{-order[0][0]}]" if order else ""


def _checked(task: Task, gradient: Gradient, net: Network | None) -> Report:
    dW, db = gradient
    hand = tuple({"W": dW[k].T, "b": db[k].T} for k in sorted(dW))
    args = (_params(task), task.X.T, task.Y.T)
    with jax.enable_x64(task.dtype == np.float64):
        return check_gradient(
            _cost(task),
            lambda *args: hand,
            args,
            net=net,
            oracles=(),
            zeros_ok=True,
            seed=task.seed,
        )


def _params(task: Task) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"W": np.ascontiguousarray(task.W[k].T), "b": np.ascontiguousarray(task.b[k].T)}
        for k in sorted(task.W)
    )


def _cost(task: Task) -> Any:
    """The same function for tasks of one design, so that JAX compiles it once"""
    masks = tuple((k, mask.tobytes(), mask.shape) for k, mask in task.masks.items())
    return _written(task.network(), task.l2, masks, str(task.dtype))


@functools.cache
def _written(net: Network, l2: float, masks: Any, dtype: str) -> Any:
    M = columns({k: np.frombuffer(data, dtype).reshape(shape) for k, data, shape in masks})

    def cost(params: Any, X: Any, Y: Any) -> Any:
        A, Z, l = X, X, 0
        for l, (layer, g) in enumerate(zip(params, net.activations, strict=True), 1):
            Z = layer["W"] @ A + layer["b"]
            A = g.g(Z) * M[l].astype(dtype) if l in M else g.g(Z)
        J = jnp.mean(net.loss.value(Z, A, Y, net.activations[-1]))
        return J + sum(l2 / 2 * jnp.sum(layer["W"] ** 2) for layer in params)

    return cost


def forget() -> None:
    """What was compiled for a design that is done with: half a gigabyte"""
    _written.cache_clear()
    jax.clear_caches()
