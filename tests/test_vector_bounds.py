"""The bounds of the vectors: right programs meet them, wrong and coarse ones do not."""

import functools
import itertools
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import numpy.typing as npt
import pytest

import pure_nn
from verify.vectors import losses, rules
from verify.vectors.bounded import Bounded, dot, exact, product, total
from verify.vectors.designs import DESIGNS
from verify.vectors.recipe import Vectors, compute

BY_NAME = {design.name: design for design in DESIGNS}
networks = pytest.mark.parametrize("name", BY_NAME)
Found = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def every() -> dict[str, Vectors]:
    return {name: compute(design) for name, design in BY_NAME.items()}


def worst(found: Found, vectors: Vectors, part: str) -> float:
    """The largest error as a multiple of its bound; NaN and a bound of 0 that is not met are ∞."""
    multiples = [0.0]
    for name, x in found.items():
        off = np.abs(np.asarray(x, np.float64) - np.array(vectors.expected[name]))
        with np.errstate(divide="ignore", invalid="ignore"):
            multiple = np.where(off == 0, 0, off / np.array(getattr(vectors, part)[name]))
        multiples.append(float(np.max(np.nan_to_num(multiple, nan=np.inf))))
    return max(multiples)


# the page in NumPy, as people write it

G: Mapping[str, Callable[[Any], Any]] = {
    "identity": lambda Z: Z,
    "relu": lambda Z: np.maximum(Z, 0),
    "leaky_relu": lambda Z: np.where(Z >= 0, Z, Z * Z.dtype.type(0.01)),
    "sigmoid": lambda Z: 1 / (1 + np.exp(-Z)),
    "tanh": lambda Z: (np.exp(Z) - np.exp(-Z)) / (np.exp(Z) + np.exp(-Z)),
    "softmax": lambda Z: np.exp(Z) / np.sum(np.exp(Z), axis=0, keepdims=True),
}
PULL: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "identity": lambda Z, A, dA: dA,
    "relu": lambda Z, A, dA: dA * (Z >= 0),
    "leaky_relu": lambda Z, A, dA: np.where(Z >= 0, dA, dA * Z.dtype.type(0.01)),
    "sigmoid": lambda Z, A, dA: dA * (A * (1 - A)),
    "tanh": lambda Z, A, dA: dA * (1 - A**2),
    "softmax": lambda Z, A, dA: A * (dA - np.sum(A * dA, axis=0, keepdims=True)),
}
LOSS: Mapping[str, Callable[[Any, Any], Any]] = {
    "squared_error": lambda A, Y: np.sum((A - Y) ** 2, axis=0, keepdims=True) / 2,
    "cross_entropy": lambda A, Y: -np.sum(Y * np.log(A), axis=0, keepdims=True),
    "binary_cross_entropy": lambda A, Y: (
        -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A), axis=0, keepdims=True)
    ),
}
DELTA: Mapping[tuple[str, str], Callable[[Any, Any], Any]] = {
    ("sigmoid", "binary_cross_entropy"): lambda A, Y: A - Y,
    ("softmax", "cross_entropy"): lambda A, Y: A * np.sum(Y, axis=0, keepdims=True) - Y,
    ("sigmoid", "cross_entropy"): lambda A, Y: -Y * (1 - A),
}
DA: Mapping[str, Callable[[Any, Any], Any]] = {
    "squared_error": lambda A, Y: A - Y,
    "binary_cross_entropy": lambda A, Y: -Y / A + (1 - Y) / (1 - A),
}


def of_the_page(vectors: Vectors, dtype: str = "float64", order: int = 1) -> Found:
    """`order` −1 sums the other way round; 1 − A may be 0, and its logarithm −∞, in float32."""
    design, x = vectors.design, {k: np.array(v, dtype) for k, v in vectors.inputs.items()}
    g, L = dict(enumerate(design.activations, 1)), len(design.activations)
    found: Found = {}
    A, Z = {0: x["X"]}, {}

    def times(P: Any, Q: Any) -> Any:
        return P[:, ::order] @ Q[::order]

    for l in g:
        Z[l] = times(x[f"W[{l}]"], A[l - 1]) + x[f"b[{l}]"]
        A[l] = G[g[l]](Z[l])
        found |= {f"Z[{l}]": Z[l], f"A[{l}]": A[l]}
    Δ = _output_delta(design.loss, g[L], Z[L], A[L], x["Y"])
    with np.errstate(divide="ignore", invalid="ignore"):
        found["losses"] = LOSS[design.loss](A[L], x["Y"])
    found["J"] = np.mean(found["losses"], keepdims=True)
    for l in range(L, 0, -1):
        found[f"delta[{l}]"], found[f"dW[{l}]"] = Δ, times(Δ, A[l - 1].T) / design.B
        found[f"db[{l}]"] = np.sum(Δ[:, ::order] / design.B, axis=1, keepdims=True)
        Δ = PULL[g.get(l - 1, "identity")](Z.get(l - 1), A[l - 1], times(x[f"W[{l}]"].T, Δ))
    return found


def _output_delta(loss: str, output: str, Z: Any, A: Any, Y: Any) -> Any:
    if (output, loss) in DELTA:
        return DELTA[output, loss](A, Y)
    return PULL[output](Z, A, DA[loss](A, Y))


@pytest.mark.parametrize("order", [1, -1], ids=["forwards", "backwards"])
@networks
def test_the_page_as_people_write_it_meets_the_bound(
    every: dict[str, Vectors], name: str, order: int
) -> None:
    assert worst(of_the_page(every[name], order=order), every[name], "bound") <= 1


@pytest.mark.parametrize("name", ["saturated", "saturated-binary", "saturated-tanh"])
def test_where_units_saturate_it_loses_digits(every: dict[str, Vectors], name: str) -> None:
    assert worst(of_the_page(every[name]), every[name], "sharp") > 1e3


@networks
def test_single_precision_does_not_meet_it(every: dict[str, Vectors], name: str) -> None:
    found = of_the_page(every[name], "float32")
    gradients = {key: x for key, x in found.items() if key.startswith(("dW", "db"))}
    assert worst(gradients, every[name], "bound") > 1e4


@networks
def test_one_entry_off_by_1e_11_does_not_meet_it(every: dict[str, Vectors], name: str) -> None:
    """The largest of each array; where units saturate the page's log(1 − A) knows 𝓛 less well"""
    for key, rows in every[name].expected.items():
        x = np.array(rows)
        i = np.unravel_index(np.argmax(np.abs(x)), x.shape)
        x[i] *= 1 + 1e-11
        assert worst({key: x}, every[name], "sharp") > 1
        assert key in ("losses", "J") or worst({key: x}, every[name], "bound") > 1


@pytest.mark.parametrize("name", ["binary-softmax", "softmax-inside", "saturated", "kink-deep"])
def test_pure_nn_keeps_its_digits(every: dict[str, Vectors], name: str, x64: None) -> None:
    assert worst(_by_pure_nn(every[name]), every[name], "sharp") <= 1


def _by_pure_nn(vectors: Vectors) -> Found:
    design, x = vectors.design, {name: jnp.array(rows) for name, rows in vectors.inputs.items()}
    net, L = pure_nn.Network(design.activations, design.loss), len(design.activations)
    params = [{"W": x[f"W[{l}]"], "b": x[f"b[{l}]"]} for l in range(1, L + 1)]

    @jax.jit
    def run(params: Any, X: Any, Y: Any) -> Any:
        cache = pure_nn.forward(net, params, X)
        grads, Δ = pure_nn.backward(net, params, cache, Y)
        return cache, grads, Δ, pure_nn.losses(net, params, X, Y), pure_nn.cost(net, params, X, Y)

    (Z, A), grads, Δ, of_each, J = run(params, x["X"], x["Y"])
    found = {"losses": of_each[None], "J": J[None, None]}
    for l in range(1, L + 1):
        found |= {f"Z[{l}]": Z[l], f"A[{l}]": A[l], f"delta[{l}]": Δ[l]}
        found |= {f"dW[{l}]": grads[l - 1]["W"], f"db[{l}]": grads[l - 1]["b"]}
    return found


# the arithmetic of the bounds


@pytest.mark.parametrize("seed", range(20))
def test_sums_in_any_order(seed: int) -> None:
    """Terms of all sizes and signs, in 4 orders"""
    draw = random.Random(seed)
    xs, ys = ([draw.uniform(-1, 1) * 2.0 ** draw.randint(-9, 9) for _ in range(9)] for _ in "xy")
    with mpmath.workdps(60):
        value, error = dot(map(exact, xs), map(exact, ys))
    off = []
    for _ in range(4):
        draw.shuffle(order := list(range(9)))
        off.append(abs(Fraction(sum(xs[i] * ys[i] for i in order)) - _fraction(value)))
    assert (
        max(off) <= _fraction(error) < 1e-11 * sum(abs(x * y) for x, y in zip(xs, ys, strict=True))
    )


def test_a_sum_that_no_order_rounds_has_no_error() -> None:
    with mpmath.workdps(60):
        few = [exact(x) for x in (0.5, 2.0**40, -(2.0**40), 3.0)]
        assert total(few, 3) == Bounded(mpmath.mpf(3.5), 0)
        assert product(exact(0.75), exact(1.25)).error == 0
        many = [exact(x) for x in (0.5, 2.0**53, -(2.0**53), 3.0)]
        assert total(many, 3).error > 0
        assert product(exact(0.1), exact(0.1)).error > 0
        assert total([Bounded(mpmath.mpf(1), mpmath.mpf(2) ** -80)], 1).error > 2.0**-54


def test_a_mean_over_three_is_rounded_and_over_four_is_not() -> None:
    with mpmath.workdps(60):
        ones = [exact(1.0)] * 4
        assert dot(ones, ones, over=4).error == 0
        assert dot(ones[:3], ones[:3], over=4).error == 0


def _fraction(x: Any) -> Fraction:
    sign, mantissa, exponent, _ = map(int, x._mpf_)
    return Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent


OFF = 2.0**-7  # so far are the arguments off: nothing that is rounded matters beside it
POINTS = (-9.0, -1.5, -0.01, 0.3, 1.0, 4.0, 21.0)
Y = [exact(y) for y in (0.0, 1.0, 0.25)]
OUTPUTS = list(itertools.product(("sigmoid", "softmax"), ("binary_cross_entropy", "cross_entropy")))
Z = list[Bounded]


def g(name: str, z: Z) -> Z:
    return rules.activation(name, z, is_sharp=True)


def g_prime(name: str, z: Z) -> Z:
    return rules.pull(name, z, g(name, z), [exact(1.0)] * len(z), is_sharp=True)


def loss(output: str, name: str, z: Z) -> Z:
    return [losses.loss(name, output, z, g(output, z), Y, is_sharp=True)]


def output_delta(output: str, name: str, z: Z) -> Z:
    return losses.output_delta(name, output, z, g(output, z), Y, is_sharp=True)


FUNCTIONS: dict[str, Callable[[Z], Z]] = {
    **{name: functools.partial(g, name) for name in ("sigmoid", "tanh", "softmax")},
    **{f"{name}′": functools.partial(g_prime, name) for name in ("sigmoid", "tanh")},
    **{"-".join(pair): functools.partial(loss, *pair) for pair in OUTPUTS},
    **{"Δ-" + "-".join(pair): functools.partial(output_delta, *pair) for pair in OUTPUTS},
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("f", FUNCTIONS)
def test_what_a_function_inherits(f: str, seed: int) -> None:
    """f(z ± e) is within the bound of f(z) for all signs, and for some the bound is of that size"""
    draw = random.Random(seed)
    z = [draw.choice(POINTS) for _ in Y]
    signs = itertools.product((-OFF, OFF), repeat=len(z))
    with mpmath.workdps(60):
        bounded = FUNCTIONS[f]([Bounded(mpmath.mpf(x), mpmath.mpf(OFF)) for x in z])
        moved = [FUNCTIONS[f]([exact(x + e) for x, e in zip(z, by, strict=True)]) for by in signs]
        off = [[abs(x.value - b.value) for x, b in zip(m, bounded, strict=True)] for m in moved]
        furthest = [max(column) for column in zip(*off, strict=True)]
    assert all(most <= b.error for most, b in zip(furthest, bounded, strict=True))
    assert sum(b.error for b in bounded) <= 100 * sum(furthest)
