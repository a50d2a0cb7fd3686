"""How many digits the functions keep, in ULPs of the exact value, beside what people write.

What people write is jax.nn and optax, and `jax.grad` of them. All is compiled, and counts wherever
the exact value is a normal number of the dtype. 16-bit types compute in float32 and round once,
which is 1 ULP.
"""

import dataclasses
import functools
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jaxtyping import Array

from pure_nn.network import Network
from verify import oracles, sweeps
from verify.errors import Exact, in_units, ulp, unit_roundoff

DTYPES = ("float64", "float32", "bfloat16", "float16")
Errors = npt.NDArray[np.float64]
Names = Container[str] | None  # None: all of them


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """The worst error of one function in one dtype, in ULPs unless the name says otherwise."""

    name: str
    dtype: str
    limit: float
    inputs: int
    error: float
    at: str
    usual: float

    @property
    def ok(self) -> bool:
        return self.inputs > 0 and self.error <= self.limit


def _row(name: str, dtype: str, limit: float, parts: list[tuple[Any, Errors, Errors]]) -> Accuracy:
    """Of several (inputs or their name, our errors, the usual ones)."""
    where, ours, _ = max(parts, key=lambda part: np.max(part[1]))
    at = where if isinstance(where, str) else f"z = {where[np.argmax(ours)]!s}"
    inputs, usual = sum(e.size for _, e, _ in parts), max(np.max(e) for _, _, e in parts)
    limit = 1.0 if jnp.dtype(dtype).itemsize < 4 and "soft Y" not in name else limit
    return Accuracy(name, dtype, limit, inputs, float(np.max(ours)), at, float(usual))


def _among(name: str, names: Names) -> bool:
    return names is None or name in names


# functions of one number


@dataclasses.dataclass(frozen=True)
class Scalar:
    """A function of z: ours, what people write, and the exact one by a module m."""

    name: str
    limit: float
    ours: Callable[[Array], Array]
    usual: Callable[[Array], Array]
    exact: Callable[[Any, Any], Any]


def scalars(dtype: str, every: int = 1, *, names: Names = None) -> list[Accuracy]:
    """g, g′, g″ and the hard-target Δ of sigmoid, at every so many inputs of the sweep."""
    with jax.enable_x64(dtype == "float64"):
        return list(_scalars(dtype, every, [f for f in SCALARS if _among(f.name, names)]))


def _scalars(dtype: str, every: int, chosen: Sequence[Scalar]) -> Iterator[Accuracy]:
    z = sweeps.scalars(dtype)[::every]
    for f in chosen:
        exact = oracles.exact(f.exact, sweeps.flushed(z))
        unit = ulp(exact, dtype)
        ours, usual = (in_units(jax.jit(h)(z), exact, unit) for h in (f.ours, f.usual))
        yield _row(f.name, dtype, f.limit, [(z, ours, usual)])


def _activation(name: str, exact: Callable[..., Any], exact_prime: Callable[..., Any]) -> Any:
    g = Network((name,), "squared_error").activations[0]

    def usual(z: Array) -> Array:
        return oracles.activation(g, z)

    def g_prime(z: Array) -> Array:
        return g.g_prime(z, g.g(z))

    prime = Scalar(f"{name}′", 4.0, g_prime, jax.vmap(jax.grad(usual)), exact_prime)
    return Scalar(name, 5.0, g.g, usual, exact), prime


def _second(name: str, exact: Callable[..., Any]) -> Scalar:
    g = Network((name,), "squared_error").activations[0]

    def usual(z: Array) -> Array:
        return oracles.activation(g, z)

    def g_second(z: Array) -> Array:
        return g.g_second(z, g.g(z))

    return Scalar(f"{name}″", 8.0, g_second, jax.vmap(jax.grad(jax.grad(usual))), exact)


def _hard_target(y: int, exact: Callable[..., Any]) -> Scalar:
    net = Network(("sigmoid",))

    def delta(z: Array) -> Array:
        Z, g = z[None, :], net.activations[0]
        return jnp.squeeze(net.loss.delta(Z, g.g(Z), jnp.full_like(Z, y), g), 0)

    def loss(z: Array) -> Array:
        usual: Array = optax.sigmoid_binary_cross_entropy(z, jnp.full_like(z, y))
        return usual

    return Scalar(f"sigmoid Δ, y = {y}", 4.0, delta, jax.vmap(jax.grad(loss)), exact)


SCALARS: tuple[Scalar, ...] = (
    *_activation("sigmoid", oracles.sigmoid, oracles.sigmoid_prime),
    _hard_target(0, oracles.sigmoid),
    _hard_target(1, lambda z, m: -oracles.sigmoid(-z, m)),
    *_activation("tanh", oracles.tanh, oracles.tanh_prime),
    *_activation("relu", oracles.leaky_relu(0.0), oracles.leaky_relu_prime(0.0)),
    *_activation("leaky_relu", oracles.leaky_relu(0.01), oracles.leaky_relu_prime(0.01)),
    *_activation("identity", oracles.leaky_relu(1.0), oracles.leaky_relu_prime(1.0)),
    _second("sigmoid", lambda z, m: -oracles.sigmoid_prime(z, m) * oracles.tanh(z / 2, m)),
    _second("tanh", lambda z, m: -2 * oracles.tanh(z, m) * oracles.tanh_prime(z, m)),
)


# functions of a column of logits

ONE_HOT, SOFT, SIGMOID = "softmax Δ, one-hot Y", "softmax Δ, soft Y", "sigmoid Δ, soft Y"
COLUMNS = {"softmax": 8.0, ONE_HOT: 8.0, SOFT: 16.0, SIGMOID: 16.0}
NETS = {ONE_HOT: Network(("softmax",)), SOFT: Network(("softmax",)), SIGMOID: Network(("sigmoid",))}
Batch = tuple[Array, dict[str, Array]]  # logits, and the targets of each row


def columns(
    dtype: str, batches: int, classes: tuple[int, ...], *, names: Names = None
) -> list[Accuracy]:
    """A and the one-hot Δ of softmax; Δ of soft targets in u(A·1ᵀY + Y), as A − Y cancels."""
    with jax.enable_x64(dtype == "float64"):
        parts = _columns(dtype, batches, classes)
    return [
        _row(name, dtype, COLUMNS[name], parts[name]) for name in COLUMNS if _among(name, names)
    ]


def _columns(dtype: str, batches: int, classes: tuple[int, ...]) -> dict[str, Any]:
    parts: dict[str, Any] = {name: [] for name in COLUMNS}
    for kind, Z, labels in sweeps.columns(dtype, batches, classes):
        one_hot, soft = sweeps.targets(Z, labels)
        batch = Z, {ONE_HOT: one_hot, SOFT: soft, SIGMOID: soft}
        ours, usual = _of_each(_ours, batch), _of_each(_usual, batch)
        for name, (exact, unit) in _exact(*batch, dtype).items():
            errors = (in_units(of[name], exact, unit) for of in (ours, usual))
            parts[name].append((kind, *errors))
    return parts


@functools.partial(jax.jit, static_argnums=0)
def _of_each(f: Callable[[Batch], dict[str, Array]], batches: Any) -> dict[str, Array]:
    found: dict[str, Array] = jax.lax.map(f, batches)
    return found


def _ours(batch: Batch) -> dict[str, Array]:
    def delta(net: Network, Y: Array) -> Array:
        g = net.activations[0]
        return net.loss.delta(Z, g.g(Z), Y, g)

    Z, targets = batch
    A = NETS[SOFT].activations[0].g(Z)
    return {"softmax": A} | {name: delta(NETS[name], Y) for name, Y in targets.items()}


def _usual(batch: Batch) -> dict[str, Array]:
    def loss(Z: Array, net: Network, Y: Array) -> Array:
        return jnp.sum(oracles.losses(net.loss, net.activations[0], Z, Y))

    Z, targets = batch
    deltas = {name: jax.grad(loss)(Z, NETS[name], Y) for name, Y in targets.items()}
    return {"softmax": jax.nn.softmax(Z, axis=0)} | deltas


def _exact(Z: Any, targets: Any, dtype: str) -> dict[str, tuple[Exact, Errors]]:
    """The exact value of each row, and the unit of its errors."""
    A, delta, soft = oracles.exact(oracles.softmax, Z, targets[ONE_HOT], targets[SOFT])
    a, sigmoid = oracles.exact(oracles.sigmoid_soft, Z, targets[SIGMOID])
    Y = targets[SOFT].astype(np.float64)
    return {
        "softmax": (A, ulp(A, dtype)),
        ONE_HOT: (delta, ulp(delta, dtype)),
        SOFT: (soft, _u_times(A[0] * Y.sum(axis=1, keepdims=True) + Y, dtype)),
        SIGMOID: (sigmoid, _u_times(a[0] + Y, dtype)),
    }


def _u_times(x: Errors, dtype: str) -> Errors:
    return np.maximum(unit_roundoff(dtype) * x, float(jnp.finfo(dtype).smallest_normal))
