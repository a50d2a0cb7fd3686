"""How far correct code is from the reference, in the units of its bound: `c` is above all of it.

    python -m verify.checking.calibration [CASES]

    error/(s u size + response), the largest of each leaf; see verify.checking.judge

Calibrated on networks of one to four dense layers (hand-written, in JAX and in NumPy) and on
elementwise functions; held out are functions of other kinds, with `jax.grad` in the dtype at hand
in the place of the hand. Ill-scaled numbers are among all of them.
"""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import pure_nn
from verify import oracles
from verify.checking.judge import ENTRYWISE, FACTOR, UNDERFLOWS, Expected
from verify.checking.references import Point
from verify.checking.settings import Settings
from verify.checking.witnesses import Witnesses
from verify.derivatives.arguments import arguments
from verify.derivatives.programs import as_given
from verify.derivatives.refusals import dtype_of
from verify.derivatives.responses import smallest
from verify.errors import unit_roundoff

DTYPES = ("float64", "float32", "bfloat16", "float16")
SIZES = (1, 2, 3, 5, 8, 16, 40)
Draw = Callable[[np.random.Generator], Any]


class Design(NamedTuple):
    """A function, right hands of (args, cotangent) for it, and how its arguments are drawn"""

    f: Callable[..., Any]
    hands: Mapping[str, Callable[..., Any]]
    draw: Draw
    entrywise: bool = False


def errors(design: Design, dtype: str, rng: np.random.Generator, cases: int) -> Iterator[float]:
    """The largest of each leaf and hand, over so many draws"""
    witnesses = None
    for _ in range(cases):
        args = jax.tree.map(lambda x: np.asarray(x).astype(jnp.dtype(dtype)), design.draw(rng))
        given = arguments(design.f, args, 0 if not design.entrywise else None, strict=False)
        v = [rng.normal(size=np.shape(args[0])) if design.entrywise else np.ones(())]
        v = [x.astype(jnp.dtype(dtype)) for x in v]
        if witnesses is None:
            settings = Settings(oracles=("many digits",), seed=0)
            witnesses = Witnesses(design.f, given, v, settings, rng)
        labels = [(given.names[i], dtype_of(given.arrays[i])) for i in given.wanted]
        at = Point(given, given.arrays, v, [("value", given.dtype)], labels)
        reference = witnesses.reference(at, ["entry" if design.entrywise else "leaf"])
        with as_given(given.wide), np.errstate(all="ignore"):
            for name, hand in design.hands.items():
                if not (name == "NumPy" and dtype == "bfloat16"):
                    got = jax.tree.leaves(hand(*args, *v[: design.entrywise]))
                    yield from map(_error, got, reference.gradient, [design.entrywise] * len(got))


def _error(got: Any, expected: Expected, entrywise: bool) -> float:
    u, floor = unit_roundoff(expected.dtype), UNDERFLOWS * smallest(expected.dtype)
    got = np.asarray(got).astype(np.float64)
    size = ENTRYWISE * np.abs(expected.value) if entrywise else expected.largest
    off = np.abs((got - expected.value) - expected.low) - floor - expected.uncertainty
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.maximum(off, 0) / (u * size + expected.response)
    overflowed = not np.all(np.isfinite(got)) or expected.is_zero
    return 0.0 if overflowed else float(np.nan_to_num(np.max(relative)))


# networks


def network(rng: np.random.Generator) -> Design:
    """Of random depth, widths, activations, output, B and scales, by hand in JAX and in NumPy"""
    L, B = int(rng.integers(1, 5)), int(rng.choice([1, 2, 5, 16, 50]))
    sizes = [int(n) for n in rng.choice(SIZES, L + 1)]
    hidden = [str(name) for name in rng.choice(["tanh", "relu", "sigmoid"], L - 1)]
    net = pure_nn.Network((*hidden, str(rng.choice(["softmax", "sigmoid", "identity"]))))

    def cost(params: Any, X: Any, Y: Any) -> Any:
        return jnp.mean(oracles.network_losses(net, params, X, Y))

    @jax.jit
    def by_hand(params: Any, X: Any, Y: Any) -> Any:
        return pure_nn.value_and_grad(net, params, X, Y)[1]

    def in_numpy(params: Any, X: Any, Y: Any) -> Any:
        return _in_numpy(net, params, X, Y)

    def draw(rng: np.random.Generator) -> Any:
        return _numbers(sizes, B, rng)

    is_exact = net.activations[-1].name == "identity"
    return Design(cost, {"JAX": by_hand} | ({"NumPy": in_numpy} if is_exact else {}), draw)


def _numbers(sizes: list[int], B: int, rng: np.random.Generator) -> Any:
    w, b, x = rng.choice([0.05, 0.5, 1, 3]), rng.choice([0, 0.3, 1]), rng.choice([0.01, 1, 10])
    params = tuple(
        {"W": rng.normal(0, w / np.sqrt(m), (n, m)), "b": rng.normal(0, 1, (n, 1)) * b}
        for m, n in itertools.pairwise(sizes)
    )
    hard = np.eye(sizes[-1])[rng.integers(0, sizes[-1], B)].T
    soft = rng.dirichlet(np.ones(sizes[-1]), B).T
    return params, rng.normal(0, x, (sizes[0], B)), hard if rng.integers(2) else soft


def _in_numpy(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
    """The three steps, in forms that keep their digits"""
    Z: list[Any] = []
    A = [X]
    for layer, g in zip(params, net.activations, strict=True):
        Z.append(layer["W"] @ A[-1] + layer["b"])
        A.append(NUMPY[g.name][0](Z[-1]))
    grads: list[Any] = []
    Δ, B = A[-1] - Y, X.shape[1]
    for l in reversed(range(len(params))):
        grads.insert(0, {"W": Δ @ A[l].T / B, "b": Δ.sum(axis=1, keepdims=True) / B})
        if l:
            Δ = (params[l]["W"].T @ Δ) * NUMPY[net.activations[l - 1].name][1](Z[l - 1])
    return tuple(grads)


def _tanh_prime(Z: Any) -> Any:
    e = np.exp(-2 * np.abs(Z))
    return 4 * e / (1 + e * (2 + e))


def _sigmoid_prime(Z: Any) -> Any:
    e = np.exp(-np.abs(Z))
    return e / (1 + e * (2 + e))


NUMPY: Mapping[str, Any] = {
    "identity": (lambda Z: Z, None),
    "relu": (lambda Z: np.maximum(Z, 0), lambda Z: (Z >= 0).astype(Z.dtype)),
    "sigmoid": (lambda Z: 1 / (1 + np.exp(-Z)), _sigmoid_prime),
    "tanh": (np.tanh, _tanh_prime),
}


# elementwise functions


def _elementwise(f: Any, prime: Any) -> Design:
    @jax.jit
    def hand(x: Any, v: Any) -> Any:
        wide = jnp.promote_types(x.dtype, jnp.float32)  # 16 bits alone lose digits in JAX's own
        return (v.astype(wide) * prime(x.astype(wide))).astype(x.dtype)

    return Design(f, {"JAX": hand}, lambda rng: (_scaled(rng, (60,)),), entrywise=True)


def _scaled(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return rng.normal(size=shape) * 10 ** rng.uniform(-3, 0.8, shape)


ELEMENTWISE: tuple[Design, ...] = (
    _elementwise(jnp.sin, jnp.cos),
    _elementwise(jnp.exp, jnp.exp),
    _elementwise(lambda x: x**3, lambda x: 3 * x * x),
    _elementwise(jax.nn.softplus, jax.nn.sigmoid),
    _elementwise(jnp.arctan, lambda x: 1 / (1 + x * x)),
    _elementwise(jnp.tanh, lambda x: 4 / (jnp.exp(2 * x) + 2 + jnp.exp(-2 * x))),
    _elementwise(jnp.arcsinh, lambda x: 1 / jnp.sqrt(1 + x * x)),
)


def main() -> None:
    from verify.checking.heldout import HELD_OUT

    cases, rng = int([*sys.argv, "20"][1]), np.random.default_rng(0)
    designs = {"networks": [network(rng) for _ in range(30)], "elementwise": ELEMENTWISE}
    columns = "".join(f"{x:>9}" for x in ("median", "99 %", "99.9 %", "largest"))
    print(f"{'':24}{'dtype':10}{'leaves':>8}{columns}   c = {FACTOR:g}")
    for what, group in (designs | {"held out": HELD_OUT}).items():
        for dtype in DTYPES:
            found = [e for d in group for e in errors(d, dtype, rng, cases)]
            marks = "".join(f"{x:9.2f}" for x in np.quantile(found, [0.5, 0.99, 0.999, 1]))
            print(f"{what:24}{dtype:10}{len(found):8,}{marks}", flush=True)


if __name__ == "__main__":
    main()
