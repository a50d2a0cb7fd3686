"""Functions held out from the calibration: attention, normalisation, recurrence, and others."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from verify.checking.calibration import Design, Draw


def _attention(p: Any, X: Any, Y: Any) -> Any:
    q, k, v = (X @ p[name] for name in ("q", "k", "v"))
    A = jax.nn.softmax(q @ k.T / jnp.asarray(np.sqrt(q.shape[1]), X.dtype), axis=-1)
    return jnp.mean((A @ v - Y) ** 2)


def _normalised(p: Any, X: Any, Y: Any) -> Any:
    Z = X @ p["q"]
    mean, var = jnp.mean(Z, axis=-1, keepdims=True), jnp.var(Z, axis=-1, keepdims=True)
    return jnp.mean(((Z - mean) * jax.lax.rsqrt(var + 1) @ p["k"] - Y) ** 2)


def _recurrent(p: Any, X: Any, Y: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = jnp.tanh(x @ p["q"] + h @ p["k"])
        return h, h

    _, H = jax.lax.scan(step, jnp.zeros(X.shape[1], X.dtype), X)
    return jnp.mean((H @ p["v"] - Y) ** 2)


def _residual(p: Any, X: Any, Y: Any) -> Any:
    H = X + jax.nn.gelu(X @ p["q"])
    H = H + jax.nn.silu(H @ p["k"])
    return -jnp.mean(jnp.sum(jax.nn.softmax(Y) * jax.nn.log_softmax(H @ p["v"]), axis=-1))


def _logistic(p: Any, X: Any, Y: Any) -> Any:
    z = jnp.sum((X @ p["q"]) * p["k"][0], axis=-1)
    return jnp.mean(jax.nn.softplus(-z * jnp.sign(Y[:, 0]))) + jnp.sum(p["v"] ** 2) / 10


def _huber(p: Any, X: Any, Y: Any) -> Any:
    r = jnp.abs(jax.nn.relu(X @ p["q"]) @ p["k"] - Y @ p["v"])
    return jnp.mean(jnp.where(r < 1, r * r / 2, r - 0.5))


def _draw(n: int, rows: int) -> Draw:
    def draw(rng: np.random.Generator) -> Any:
        scale, data = rng.choice([0.1, 1, 2]), rng.choice([0.1, 1, 3])
        p = {name: rng.normal(0, scale / np.sqrt(n), (n, n)) for name in ("q", "k", "v")}
        return p, rng.normal(0, data, (rows, n)), rng.normal(size=(rows, n))

    return draw


def _by_jax(f: Any) -> dict[str, Any]:
    return {"jax.grad": jax.jit(jax.grad(f))}


FUNCTIONS = (_attention, _normalised, _recurrent, _residual, _logistic, _huber)
HELD_OUT: tuple[Design, ...] = tuple(
    Design(f, _by_jax(f), _draw(n, rows)) for f in FUNCTIONS for n, rows in ((4, 3), (16, 10))
)
