"""False alarms: right gradients, of a student and of pure_nn, in every dtype."""

import functools
from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pure_nn
from pure_nn.network import Network
from verify.selftest.designs import draw
from verify.selftest.engines import Engine
from verify.selftest.measure import Tally, ask
from verify.selftest.student import gradients
from verify.selftest.task import Task
from verify.selftest.trial import Gradient, finite


def of_student(engine: Engine, seeds: range, dtype: Any, design: int | None = None) -> Tally:
    """Right gradients that are called wrong; what overflows is left out."""
    tally = Tally()
    for seed in seeds:
        task = draw(seed, dtype, design)
        _count(tally, engine, task, gradients(task))
    return tally


def of_pure_nn(engine: Engine, seeds: range, dtype: Any, design: int) -> Tally:
    """The same of `pure_nn.value_and_grad`, which has no L2 term and no dropout"""
    tally = Tally()
    with jax.enable_x64(True):
        for seed in seeds:
            task = draw(seed, dtype, design).plain()
            _count(tally, engine, task, by_pure_nn(task))
    return tally


def by_pure_nn(task: Task) -> Gradient:
    params = [
        {"W": np.ascontiguousarray(task.W[k].T), "b": np.ascontiguousarray(task.b[k].T)}
        for k in sorted(task.W)
    ]
    _, grads = _compiled(task.network())(params, task.X.T, task.Y.T)
    dW, db = (
        {k: np.asarray(layer[name]).T for k, layer in enumerate(grads, 1)} for name in ("W", "b")
    )
    return dW, db


@functools.cache
def _compiled(net: Network) -> Any:
    return jax.jit(functools.partial(pure_nn.value_and_grad, net))


def _count(tally: Tally, engine: Engine, task: Task, gradient: Gradient) -> None:
    if not finite(gradient):
        tally.counts["overflown"] += 1
        return
    said = ask(engine, task, gradient)
    tally.counts += Counter({"right": 1, said.verdict: 1})
    if said.verdict not in ("ok", "inaccurate"):
        tally.note(f"right gradient: {task}\n{said.text}")


def dtype_of(name: str) -> Any:
    return jnp.dtype(name)
