"""The bounds of `verify.bounds` hold for right programs, are near what is lost, and know kinks."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from helpers import PAIRS, numpy_data

import pure_nn
from verify import bounds
from verify.bounds import recipe
from verify.bounds.arithmetic import Careful, ManyDigits, in_many_digits
from verify.bounds.recipe import Quantities
from verify.bounds.roundoff import UNKNOWN
from verify.errors import entries

F64, F32 = "float64", "float32"
DTYPES: dict[str, Any] = {F64: np.float64, F32: np.float32, "bfloat16": ml_dtypes.bfloat16}

# a student's program: every line in the dtype of its arrays, in the forms on paper

G: dict[str, Any] = {
    "identity": lambda z: z,
    "leaky_relu": lambda z: np.where(z < 0, z.dtype.type(0.01) * z, z),
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softmax": lambda z: np.exp(z - z.max(0)) / np.exp(z - z.max(0)).sum(0),
    "tanh": np.tanh,
}
PULL: dict[str, Any] = {
    "identity": lambda z, a, d: d,
    "leaky_relu": lambda z, a, d: d * np.where(z < 0, z.dtype.type(0.01), z.dtype.type(1)),
    "relu": lambda z, a, d: d * (z >= 0),
    "sigmoid": lambda z, a, d: d * a * (1 - a),
    "softmax": lambda z, a, d: a * (d - (a * d).sum(0)),
    "tanh": lambda z, a, d: d * (1 - a**2),
}
LOSS: dict[str, Any] = {
    "binary_cross_entropy": lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(0),
    "cross_entropy": lambda a, y: -(y * np.log(a)).sum(0),
    "squared_error": lambda a, y: ((a - y) ** 2).sum(0) / 2,
}
DA: dict[str, Any] = {
    "binary_cross_entropy": lambda a, y: -y / a + (1 - y) / (1 - a),
    "cross_entropy": lambda a, y: -y / a,
    "squared_error": lambda a, y: a - y,
}


def by_a_student(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Quantities:
    names, L, B = [g.name for g in net.activations], len(params), X.shape[1]
    Z, A = [None], [X]
    for name, layer in zip(names, params, strict=True):
        Z.append(layer["W"] @ A[-1] + layer["b"])
        A.append(G[name](Z[-1]))
    losses, Δ = LOSS[net.loss.name](A[-1], Y), {L + 1: DA[net.loss.name](A[-1], Y)}
    for l in range(L, 0, -1):
        dA = Δ[l + 1] if l == L else params[l]["W"].T @ Δ[l + 1]
        Δ[l] = PULL[names[l - 1]](Z[l], A[l], dA)
    grads = tuple(
        {"W": Δ[l] @ A[l - 1].T / B, "b": Δ[l].sum(1, keepdims=True) / B} for l in range(1, L + 1)
    )
    deltas = (None, *(Δ[l] for l in range(1, L + 1)))
    return Quantities(
        losses.mean(), losses, tuple(Z), tuple(A), deltas, grads, dX(params, Δ), tuple(A)
    )


def dX(params: Any, Δ: Any) -> Any:
    return params[0]["W"].T @ Δ[1]


def drawn(seed: int, dtype: str, *, scale: float = 1.0) -> tuple[pure_nn.Network, Any, Any, Any]:
    """A network of some pair, depth, widths and batch, and arrays that are of the dtype."""
    rng = np.random.default_rng(seed)
    output, loss = PAIRS[seed % len(PAIRS)]
    hidden = tuple(rng.choice(list(G), rng.integers(0, 4)))
    sizes = [int(n) for n in rng.integers(2, 9, len(hidden) + 2)]
    params: Any = tuple(
        {"W": rng.normal(0, scale / np.sqrt(m), (n, m)), "b": rng.normal(0, 0.3, (n, 1))}
        for m, n in itertools.pairwise(sizes)
    )
    X, Y = numpy_data(sizes, int(rng.integers(1, 9)), loss, seed)
    arrays = jax.tree.map(lambda x: x.astype(DTYPES[dtype]), (params, X, Y))
    return (pure_nn.Network((*map(str, hidden), output), loss), *arrays)


def exactly(net: pure_nn.Network, *arrays: Any) -> Quantities:
    def of_network(m: Any, *arrays: Any) -> Quantities:
        return recipe.network(m, net, *arrays)

    exact: Quantities
    exact, _ = in_many_digits(lambda: bounds.run(of_network, ManyDigits(), arrays))
    return exact


def worst(got: Any, exact: Any, bound: Any) -> float:
    """The largest part of its bound that an error takes up; where rounding exact counts too."""
    leaves = zip(*map(jax.tree.leaves, (got, exact, bound)), strict=True)
    return max(entries("", x, y, b + 2.0**-53 * np.abs(y), F64).error for x, y, b in leaves)


@pytest.mark.parametrize("scale", [1.0, 2.5])
@pytest.mark.parametrize("dtype", [F64, F32])
def test_a_right_program_is_within(dtype: str, scale: float) -> None:
    """And the worst of all is near its bound, that is within a factor of 20."""
    found = [
        worst(
            by_a_student(*example),
            exactly(*example),
            bounds.network(*example, dtype=dtype, textbook=True, reference=False),
        )
        for example in (drawn(seed, dtype, scale=scale) for seed in range(40))
    ]
    assert max(found) <= 1
    assert max(found) > 0.2
    assert np.median(found) > 0.05


def test_a_program_of_16_bits_that_adds_in_16_bits() -> None:
    found = [
        worst(
            by_a_student(*example),
            exactly(*example),
            bounds.network(
                *example, dtype="bfloat16", wide="bfloat16", textbook=True, reference=False
            ),
        )
        for example in (drawn(seed, "bfloat16") for seed in range(20))
    ]
    assert max(found) <= 1


@pytest.mark.parametrize("part", [1.01, -1.01])
def test_a_little_more_than_the_bound_is_found(part: float) -> None:
    """In any entry of anything."""
    example = drawn(7, F32)
    exact, bound = exactly(*example), bounds.network(*example, dtype=F32)
    off = jax.tree.map(lambda y, b: y + part * b, exact, bound)
    leaves = zip(*map(jax.tree.leaves, (off, exact, bound)), strict=True)
    errors = [np.abs(x - y) / b for x, y, b in leaves if np.all(b > 0)]
    assert min(np.min(error) for error in errors) > 1
    assert len(errors) == len(jax.tree.leaves(bound)) - 2  # X is what it is, A[0] and G[0]


@pytest.mark.parametrize("seed", range(5))
def test_lower_precision_than_claimed_is_found(seed: int) -> None:
    """In every gradient of W."""
    net, params, X, Y = drawn(seed, F32)
    claimed = bounds.network(net, params, X, Y, dtype=F64)
    exact, got = exactly(net, params, X, Y), by_a_student(net, params, X, Y)
    errors = [
        entries("", x["W"], y["W"], b["W"], F64).error
        for x, y, b in zip(got.grads, exact.grads, claimed.grads, strict=True)
    ]
    assert min(errors) > 1000


def test_errors_that_meet_again_cancel() -> None:
    """10³a − 10³a is off by the roundings of the products, whatever a is off by."""
    net = pure_nn.Network(("identity", "identity", "identity"))
    W = (np.full((1, 100), 0.7), np.array([[1e3], [-1e3]]), np.ones((1, 2)))
    params = tuple({"W": w, "b": np.zeros((len(w), 1))} for w in W)

    def Z(tracked: bool) -> Any:
        def of_network(m: Any, *arrays: Any) -> Any:
            return recipe.network(m, net, *arrays).Z[3]

        arrays = params, np.ones((100, 1)), np.ones((1, 1))
        return bounds.run(of_network, Careful(F64, tracked=tracked), arrays).error[0, 0]

    assert 0 < Z(tracked=True) < 0.2 * Z(tracked=False)


# kinks


def on_the_kink(b: float) -> tuple[pure_nn.Network, Any, Any, Any]:
    net = pure_nn.Network(("relu", "identity"))
    first = {"W": np.array([[1.0, -1.0]]), "b": np.full((1, 1), b)}
    second = {"W": np.ones((1, 1)), "b": np.zeros((1, 1))}
    return net, (first, second), np.array([[0.3], [0.3]]), np.ones((1, 1))


def test_beside_a_kink_both_slopes_are_right() -> None:
    """z = 0.3 − 0.3, which a rounded product would make another number."""
    Δ = exactly(*on_the_kink(0.0)).deltas[1]
    assert bounds.network(*on_the_kink(0.0)).deltas[1] > np.abs(Δ)
    assert bounds.network(*on_the_kink(1e-3)).deltas[1] < 1e-12


def test_on_a_kink_that_is_exact_only_one_slope_is_right() -> None:
    net, params, X, Y = on_the_kink(0.0)
    bound = bounds.network(net, params, 0 * X, Y)
    assert bound.Z[1] == 0
    assert 0 < bound.deltas[1] < 1e-13


def test_float16_is_rounded_to_subnormal_numbers() -> None:
    net = pure_nn.Network(("identity",))
    params = ({"W": np.full((1, 1), 2.0**-12), "b": np.zeros((1, 1))},)
    bound = bounds.network(net, params, np.full((1, 1), 2.0**-12), np.ones((1, 1)), dtype="float16")
    assert 2.0**-25 < bound.Z[1] < 2.0**-24


# what is not in the tables


def swish(Z: Any) -> Any:
    return Z * jax.nn.sigmoid(Z)


def swish_prime(Z: Any, A: Any) -> Any:
    return jax.nn.sigmoid(Z) * (1 + Z * jax.nn.sigmoid(-Z))


def fourth_power(Z: Any, A: Any, Y: Any) -> Any:
    return jnp.sum((A - Y) ** 4, axis=0)


def fourth_power_dA(A: Any, Y: Any) -> Any:
    return 4 * (A - Y) ** 3


def test_own_activations_and_losses() -> None:
    own = pure_nn.Activation("swish", swish, swish_prime)
    loss = pure_nn.Loss("fourth_power", fourth_power, fourth_power_dA)
    net, (_, params, X, Y) = pure_nn.Network((own,), loss), drawn(14, F32)
    first, Y = params[:1], np.resize(Y, (len(params[0]["b"]), X.shape[1]))
    J, grads = jax.jit(pure_nn.value_and_grad)(net, first, X, Y)
    wide: Any = jax.tree.map(lambda x: x.astype(F64), (first, X, Y))
    with jax.enable_x64(True):
        exact = jax.value_and_grad(pure_nn.cost, argnums=1)(net, *wide)
    bound = bounds.network(net, first, X, Y, dtype=F32)
    assert 0.001 < worst((J, grads), exact, (bound.J, bound.grads)) <= 1


def test_weights_l2_and_masks() -> None:
    """Each term beside the program's own."""
    net, params, X, Y = drawn(9, F64)
    l2, mask, w = 0.3, np.array([[2.0], [0.0]]), np.linspace(0.5, 2, X.shape[1])
    plain = bounds.network(net, params, X, Y)
    assert bounds.network(net, params, X, Y, w).J != plain.J
    with_l2 = bounds.network(net, params, X, Y, l2=l2)
    assert np.all(with_l2.grads[0]["W"] > plain.grads[0]["W"])
    assert np.all(with_l2.grads[0]["b"] == plain.grads[0]["b"])
    units = len(params[0]["b"])
    masked = bounds.network(net, params, X, Y, masks={1: np.resize(mask, (units, 1))})
    assert np.all(masked.A[1][1] == 0)
    assert np.all(masked.A[1][0] > plain.A[1][0])
    assert np.array_equal(masked.G[1], plain.G[1])


def test_nothing_is_known_of_what_is_not_finite() -> None:
    net, params, X, Y = drawn(3, F64)
    X[0, 0] = np.nan
    found = bounds.network(net, params, X, Y)
    assert np.all(found.grads[-1]["W"] >= UNKNOWN)
    assert np.all(found.Z[1][:, 1:] < 1e-10)
