"""The machine line: cores, what a large matrix product reaches, versions."""

import importlib.metadata
import os
import platform
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

N, TRIES = 2048, 5
PACKAGES = ("jax", "numpy", "optax", "equinox", "flax", "torch", "scikit-learn")


def line(found: dict[str, Any]) -> str:
    cores, where = found["cores"], found["device"]
    peaks = ", ".join(f"{name} {x:.0f}" for name, x in found["peak_gflops"].items())
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{where}, {cores} cores, {platform.system()} {platform.machine()}; {N}³ product in "
        f"float32, GFLOP/s: {peaks}; Python {platform.python_version()}, {versions}"
    )


def described() -> dict[str, Any]:
    (device,) = jnp.zeros(()).devices()
    return {
        "device": f"{device.platform} {device.device_kind}",
        "cores": os.cpu_count(),
        "peak_gflops": peaks(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
    }


def peaks() -> dict[str, float]:
    """GFLOP/s of a large product, the best of some tries, in XLA and in NumPy"""
    x = np.random.default_rng(0).normal(size=(N, N)).astype(np.float32)
    product, on_device = jax.jit(jnp.matmul), jnp.asarray(x)
    ways = {
        "XLA": lambda: jax.block_until_ready(product(on_device, on_device)),
        "NumPy": lambda: np.matmul(x, x),
    }
    return {
        name: 2 * N**3 / min(_seconds(way) for _ in range(TRIES)) / 1e9
        for name, way in ways.items()
    }


def _seconds(f: Any) -> float:
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
