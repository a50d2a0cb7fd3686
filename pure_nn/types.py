"""Activation and Loss: pairs of equations as static values, hashable and equal by content.

Being static they pass through `jax.jit`, `vmap` and scan carries as part of a Network, and
equal ones compile once. Their functions are therefore module-level functions, not lambdas:
functions are equal only to themselves.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from pure_nn.precision import widen

Interval = tuple[float, float]
Entries = Float[Array, "*shape"]
EVERYWHERE: Interval = (-math.inf, math.inf)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, init=False, repr=False)
class Activation:
    """An activation g beside its derivative.

        A = g(Z, **constants)
        Δ = dA ∘ g′(Z),   g′(Z) = g_prime(Z, A, **constants)
        g″(Z) = g_second(Z, A, **constants), which curvature alone asks for

    16-bit arrays reach the functions as float32, and the result is rounded once. A g whose
    Jacobian is not diagonal subclasses this and replaces `pull`, the only method that the
    backward pass calls. `range` is the interval of the values of g, by which losses fit or not.

    TypeError: a function that cannot be called, a constant that is not a number.
    ValueError: a constant that is not finite, a range that is not an interval; where it is traced,
    a function whose result has another shape than Z.
    """

    name: str
    functions: tuple[Callable[..., Array] | None, ...]
    range: Interval
    constants: tuple[tuple[str, float], ...]

    def __init__(
        self,
        name: str,
        g: Callable[..., Array],
        g_prime: Callable[..., Array] | None,
        g_second: Callable[..., Array] | None = None,
        range: Interval = EVERYWHERE,
        **constants: float,
    ) -> None:
        _require_functions(name, g=g)
        stated = {k: f for k, f in (("g_prime", g_prime), ("g_second", g_second)) if f is not None}
        _require_functions(name, **stated)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "functions", (g, g_prime, g_second))
        object.__setattr__(self, "range", _interval(name, range))
        object.__setattr__(self, "constants", _finite_numbers(name, constants))

    def __init_subclass__(cls) -> None:
        jax.tree_util.register_static(cls)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.constants)})"

    def g(self, Z: Entries) -> Entries:
        """A = g(Z)"""
        return self._evaluate(0, Z).astype(Z.dtype)

    def g_prime(self, Z: Entries, A: Entries) -> Entries:
        """g′(Z), entry by entry"""
        return self._evaluate(1, Z, A).astype(Z.dtype)

    def g_second(self, Z: Entries, A: Entries) -> Entries:
        """g″(Z), entry by entry"""
        return self._evaluate(2, Z, A).astype(Z.dtype)

    def pull(self, Z: Entries, A: Entries, dA: Entries) -> Entries:
        """Δ = dA ∘ g′(Z)"""
        return (widen(dA) * self._evaluate(1, Z, A)).astype(Z.dtype)

    def _evaluate(self, order: int, *arrays: Array) -> Array:
        f = self.functions[order]
        if f is None:
            raise TypeError(f"{self.name} states no derivative of order {order} entry by entry")
        got = f(*map(widen, arrays), **dict(self.constants))
        _require_shape(self.name, ("g", "g_prime", "g_second")[order], got, arrays[0].shape)
        return got


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, init=False, repr=False)
class Loss:
    """A loss 𝓛, one value per example, beside its derivatives.

        𝓛     = value(Z, A, Y)       sums over the output units: (n[L], B) → (B,)
        ∂𝓛/∂A = dA(A, Y)
        Δ[L]  = direct[activation](Z, A, Y), where the two simplify; else dA pulled through g

    `from_Z[activation](Z, A, Y)` replaces `value` where Z gives 𝓛 without overflow. `domain` is
    the interval of A on which 𝓛 is defined. 16-bit arrays reach the functions as float32.

    TypeError: a function that cannot be called, a key that is no Activation.
    ValueError: a domain that is not an interval; where it is traced, a result of another shape.
    """

    name: str
    functions: tuple[Callable[..., Array], ...]
    domain: Interval
    direct: tuple[tuple[Activation, Callable[..., Array]], ...]
    from_Z: tuple[tuple[Activation, Callable[..., Array]], ...]

    def __init__(
        self,
        name: str,
        value: Callable[..., Array],
        dA: Callable[..., Array],
        domain: Interval = EVERYWHERE,
        direct: Mapping[Activation, Callable[..., Array]] | None = None,
        from_Z: Mapping[Activation, Callable[..., Array]] | None = None,
    ) -> None:
        _require_functions(name, value=value, dA=dA)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "functions", (value, dA))
        object.__setattr__(self, "domain", _interval(name, domain))
        object.__setattr__(self, "direct", _by_output(name, "direct", direct or {}))
        object.__setattr__(self, "from_Z", _by_output(name, "from_Z", from_Z or {}))

    def __repr__(self) -> str:
        return f"{self.name}()"

    def fits(self, activation: Activation) -> bool:
        """Whether every value of g lies in the domain of 𝓛."""
        (low, high), (a, b) = self.domain, activation.range
        return low <= a and b <= high

    def value(
        self,
        Z: Float[Array, "n B"],
        A: Float[Array, "n B"],
        Y: Float[Array, "n B"],
        activation: Activation,
    ) -> Float[Array, " B"]:
        """𝓛 of each example, in at least float32"""
        value = dict(self.from_Z).get(activation, self.functions[0])
        got = value(widen(Z), widen(A), widen(Y))
        _require_shape(self.name, "value", got, A.shape[1:])
        return got

    def dA(self, A: Float[Array, "n B"], Y: Float[Array, "n B"]) -> Float[Array, "n B"]:
        """∂𝓛/∂A, in at least float32"""
        got = self.functions[1](widen(A), widen(Y))
        _require_shape(self.name, "dA", got, A.shape)
        return got

    def delta(
        self,
        Z: Float[Array, "n B"],
        A: Float[Array, "n B"],
        Y: Float[Array, "n B"],
        activation: Activation,
    ) -> Float[Array, "n B"]:
        """Δ = ∂𝓛/∂Z: directly where the pair simplifies, else ∂𝓛/∂A pulled back through g"""
        Δ = dict(self.direct).get(activation)
        if Δ is None:
            return activation.pull(Z, A, self.dA(A, Y))
        got = Δ(widen(Z), widen(A), widen(Y))
        _require_shape(self.name, f"direct[{activation}]", got, Z.shape)
        return got.astype(Z.dtype)


def _require_functions(name: str, **functions: object) -> None:
    for what, f in functions.items():
        if not callable(f):
            raise TypeError(f"{name}: expected {what} to be a function of arrays, got {f!r}")


def _by_output(
    name: str, what: str, given: Mapping[Activation, Callable[..., Array]]
) -> tuple[tuple[Activation, Callable[..., Array]], ...]:
    for output, f in given.items():
        if not isinstance(output, Activation):
            raise TypeError(
                f"{name}: expected the keys of {what} to be activations, such as "
                f"pure_nn.sigmoid(), got {output!r}"
            )
        _require_functions(name, **{f"{what}[{output}]": f})
    return tuple(given.items())


def _require_shape(name: str, what: str, got: Any, shape: tuple[int, ...]) -> None:
    if jnp.shape(got) != shape:
        raise ValueError(f"{name}: expected {what} to give shape {shape}, got {jnp.shape(got)}")


def _interval(name: str, interval: Interval) -> Interval:
    low, high = map(float, interval)
    if not low < high:
        raise ValueError(f"{name}: expected an interval (low, high), low < high, got {interval}")
    return low, high


def _finite_numbers(name: str, constants: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    for key, value in constants.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name}: expected {key} to be a Python number, got {value!r}")
        if not math.isfinite(value):
            raise ValueError(f"{name}: expected {key} to be finite, got {value}")
    return tuple(sorted((key, float(value)) for key, value in constants.items()))
