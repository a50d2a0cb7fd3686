"""The matrix products of a step alone: in XLA, in OpenBLAS through NumPy, in oneDNN by PyTorch.

XLA compiles them into one program; the others are called for one product at a time.
"""

import importlib
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.contenders.others import require_numpy
from experiments.benchmarks.problem import Contender, Problem, Running


def _factors(problem: Problem) -> list[tuple[Any, Any]]:
    """One array of a shape serves all products that read it, as W, A and Δ serve several"""
    rng, made = np.random.default_rng(0), dict[tuple[int, ...], Any]()
    cast = np.float64 if problem.dtype == "float64" else np.float32

    def one(*shape: int) -> Any:
        return made.setdefault(shape, rng.normal(size=shape).astype(cast))

    return [(one(n, k), one(k, m)) for n, k, m in problem.products]


def in_xla(problem: Problem) -> Running:
    given = [
        (jnp.asarray(a, problem.dtype), jnp.asarray(b, problem.dtype)) for a, b in _factors(problem)
    ]

    products = jax.jit(lambda factors: [jnp.matmul(a, b) for a, b in factors])
    found: list[Any] = []

    def call() -> None:
        found[:] = products(given)

    return Running(call, lambda: jax.block_until_ready(found))


def of_the_peak(problem: Problem) -> Running:
    """The first product as often as a step has products, each a program of its own"""
    P, Q = (jnp.asarray(x, problem.dtype) for x in _factors(problem)[0])
    product, found = jax.jit(jnp.matmul), list[Any]()

    def call() -> None:
        found[:] = [product(P, Q) for _ in problem.products]

    return Running(call, lambda: jax.block_until_ready(found))


def in_openblas(problem: Problem) -> Running:
    require_numpy(problem)
    factors = _factors(problem)
    outs = [np.empty((len(a), b.shape[1]), a.dtype) for a, b in factors]
    return Running(
        lambda: [np.matmul(a, b, out=c) for (a, b), c in zip(factors, outs, strict=True)]
    )


def in_onednn(problem: Problem) -> Running:
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(os.cpu_count() or 1)
    dtype = getattr(torch, problem.dtype)
    factors = [[torch.tensor(x).to(dtype) for x in pair] for pair in _factors(problem)]
    outs = [torch.empty(len(a), b.shape[1], dtype=dtype) for a, b in factors]
    return Running(lambda: [torch.mm(a, b, out=c) for (a, b), c in zip(factors, outs, strict=True)])


XLA, OPENBLAS, ONEDNN = "products, XLA", "products, NumPy", "products, PyTorch"
PEAK = "one product, XLA"
FLOORS = (Contender(XLA, in_xla), Contender(OPENBLAS, in_openblas), Contender(ONEDNN, in_onednn))
OF_THE_PEAK = Contender(PEAK, of_the_peak)
