"""The machine line: cores, what a large matrix product reaches, versions."""

import importlib
import importlib.metadata
import os
import platform
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

N, TRIES = 2048, 5
SETTINGS = ("XLA_FLAGS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PACKAGES = ("jax", "numpy", "optax", "equinox", "flax", "torch", "scikit-learn")


def line(found: dict[str, Any]) -> str:
    where = f"{found['device']}, {found['cores']} cores, {found['system']}"
    threads = ", ".join(f"{name} {x}" for name, x in found["threads"].items())
    peaks = ", ".join(f"{name} {x:.0f}" for name, x in found["peak_gflops"].items())
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        f"{where}; threads: {threads}; {N}³ product in float32, GFLOP/s: {peaks}; "
        f"Python {found['python']}, {versions}"
    )


def described() -> dict[str, Any]:
    (device,) = jnp.zeros(()).devices()
    return {
        "device": f"{device.platform} {device.device_kind}",
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": threads(),
        "peak_gflops": peaks(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
    }


def threads() -> dict[str, int | str]:
    """Cores that this process may use, threads of the libraries that are loaded, what users set"""
    may_use = len(getattr(os, "sched_getaffinity", lambda pid: range(os.cpu_count() or 1))(0))
    libraries: Any = importlib.import_module("threadpoolctl")  # which scikit-learn brings
    pools = {pool["internal_api"]: pool["num_threads"] for pool in libraries.threadpool_info()}
    settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    return {"usable cores": may_use, **pools, **settings}


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
