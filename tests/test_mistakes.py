"""Each mistake of the catalogue is told by its name and at its place, and only then."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import page
import pytest

import pure_nn
from verify.mistakes import Diagnosis, diagnose

F64 = npt.NDArray[np.float64]
NAMES, SIZES, B = ("tanh", "relu", "sigmoid", "softmax"), (5, 4, 4, 4, 3), 7
NET = pure_nn.Network(NAMES)
RNG = np.random.default_rng(5)
PARAMS = tuple(
    {"W": RNG.normal(size=(n, m)), "b": RNG.normal(size=(n, 1))}
    for m, n in itertools.pairwise(SIZES)
)
X, Y = RNG.normal(size=(5, B)), np.eye(3)[:, RNG.integers(3, size=B)]
PASSES = [page.forward(NAMES, PARAMS, x) for x in X.T]
Z = dict(enumerate((np.stack(z, axis=1) for z in zip(*(z for z, _ in PASSES), strict=True)), 1))
A = dict(enumerate(np.stack(a, axis=1) for a in zip(*(a for _, a in PASSES), strict=True)))
W = dict(enumerate((layer["W"] for layer in PARAMS), 1))


def prime(l: int) -> F64:
    columns = [
        np.diag(page.JACOBIAN[NAMES[l - 1]](z, a)) for z, a in zip(Z[l].T, A[l].T, strict=True)
    ]
    return np.stack(columns, axis=1)


def student(wrong: dict[int, Callable[[dict[int, F64], F64], F64]] | None = None) -> Any:
    """Gradients of layers 1 … 4, where Δ[ℓ] = wrong[ℓ](the Δ above, ∂𝓛/∂A[ℓ])."""
    Δ: dict[int, F64] = {}
    for l in (4, 3, 2, 1):
        dA = -Y / A[4] if l == 4 else W[l + 1].T @ Δ[l + 1]
        right = A[4] - Y if l == 4 else dA * prime(l)
        Δ[l] = wrong[l](Δ, dA) if wrong and l in wrong else right
    return [
        {"W": Δ[l] @ A[l - 1].T / B, "b": Δ[l].sum(axis=1, keepdims=True) / B} for l in (1, 2, 3, 4)
    ]


def told(grads: Any, **options: Any) -> Diagnosis:
    return diagnose(NET, PARAMS, X, Y, grads, **options)


def changed(l: int, name: str, array: Any, grads: Any = None) -> Any:
    grads = [dict(layer) for layer in (grads or student())]
    grads[l - 1][name] = array
    return grads


def times(l: int, name: str, θ: float) -> Any:
    return changed(l, name, θ * student()[l - 1][name])


def test_right_gradients_are_ok() -> None:
    assert told(student()).ok
    assert told(student()).names == ()
    in_float32 = [{k: x.astype("float32") for k, x in layer.items()} for layer in student()]
    assert told(in_float32, dtype="float32").ok


IN_DELTA: dict[str, tuple[int, Callable[[dict[int, F64], F64], F64], str]] = {
    "softmax elementwise": (4, lambda Δ, dA: dA * A[4] * (1 - A[4]), "treated as elementwise"),
    "g′ twice": (4, lambda Δ, dA: (A[4] - Y) * A[4] * (1 - A[4]), "the g′ has cancelled already"),
    "Y swapped": (4, lambda Δ, dA: A[4] - Y[:, ::-1], "Y is swapped, the examples in reverse"),
    "Y unused": (4, lambda Δ, dA: A[4], "the targets Y are not subtracted"),
    "decisions for A": (
        4,
        lambda Δ, dA: (A[4] == A[4].max(axis=0)) - Y,
        "predicted classes where the probabilities A[4] belong",
    ),
    "g′ left out": (3, lambda Δ, dA: dA, "Δ[3]: g′(Z[3]) is left out"),
    "g′ at A": (
        3,
        lambda Δ, dA: dA * np.exp(-A[3]) / (1 + np.exp(-A[3])) ** 2,
        "Δ[3]: g′ is taken at A[3] in place of Z[3]",
    ),
    "Z for A": (3, lambda Δ, dA: dA * Z[3] * (1 - Z[3]), "in terms of A[3] is given Z[3]"),
    "another activation's g′": (
        3,
        lambda Δ, dA: dA * (1 - np.tanh(Z[3]) ** 2),
        "g′ is that of tanh, but layer 3 is sigmoid",
    ),
    "wrong formula for g′": (1, lambda Δ, dA: dA * (1 - A[1]), "g′ is computed as 1 − A, A = A[1]"),
    "W not transposed": (2, lambda Δ, dA: W[3] @ Δ[3] * prime(2), "W[3] is not transposed"),
    "W of another layer": (2, lambda Δ, dA: W[2].T @ Δ[3] * prime(2), "W[2] stands where W[3]ᵀ"),
    "Δ of another layer": (1, lambda Δ, dA: W[2].T @ Δ[3] * prime(1), "Δ[3] is carried down where"),
    "W left out": (1, lambda Δ, dA: Δ[2] * prime(1), "Δ[2] is not multiplied by W[2]ᵀ"),
    "updated W": (
        2,
        lambda Δ, dA: (W[3] - 0.1 * Δ[3] @ A[2].T / B).T @ Δ[3] * prime(2),
        "W[3] is used after its update, at rate 0.1",
    ),
    "zero": (2, lambda Δ, dA: 0 * dA, "Δ[2] is zero"),
}


IN_DELTA["Y smoothed"] = (4, lambda Δ, dA: A[4] - 0.9 * Y - 0.1 / 3, "(1 − 0.1)Y + 0.1/3")


@pytest.mark.parametrize("kind", IN_DELTA)
def test_a_mistake_in_delta_is_named(kind: str) -> None:
    l, wrong, text = IN_DELTA[kind]
    found = told(student({l: wrong}))
    assert (found.verdict, found.first) == ("wrong", f"Δ[{l}]")
    assert len(found.names) == 1
    assert text in found.names[0]
    assert any(kind in kinds for (kinds,) in found.kinds)


RIGHT = student()
IN_ONE: dict[str, tuple[Any, str, str]] = {
    "mean missing": (times(2, "W", B), "dW[2]", "B = 7 times too large: the mean over the batch"),
    "mean twice": (times(2, "b", 1 / B), "db[2]", "is B = 7 times too small"),
    "sign": (times(3, "W", -1), "dW[3]", "has the wrong sign"),
    "½": (times(1, "W", 0.5), "dW[1]", "is ½ of what it should be"),
    "n": (times(1, "W", 5), "dW[1]", "is n[0] = 5 times too large"),
    "no name": (times(1, "W", 1.23), "dW[1]", "is 1.23 times what it should be"),
    "transposed": (changed(2, "W", RIGHT[1]["W"].T), "dW[2]", "dW[2] is transposed"),
    "keepdims": (changed(2, "b", RIGHT[1]["b"][:, 0]), "db[2]", "sum with keepdims=True"),
    "one scalar": (changed(2, "b", RIGHT[1]["b"].sum()), "db[2]", "sum over the examples alone"),
    "zero": (times(2, "b", 0), "db[2]", "is zero: it was left out"),
    "A[2] for A[1]": (
        changed(2, "W", (W[3].T @ (W[4].T @ (A[4] - Y) * prime(3)) * prime(2)) @ A[2].T / B),
        "dW[2]",
        "uses A[2] where A[1] belongs",
    ),
    "one entry": (
        changed(2, "W", RIGHT[1]["W"] * (1 + (np.arange(16).reshape(4, 4) == 6))),
        "dW[2]",
        "dW[2][1, 2] alone is wrong",
    ),
    "NaN": (changed(2, "W", np.full((4, 4), np.nan)), "dW[2]", "16 NaN or infinite entries"),
    "sum missing": (
        changed(4, "b", A[4] - Y),
        "db[4]",
        "is Δ[4] itself: the sum over the examples is missing",
    ),
    "wrong axis": (
        changed(4, "b", np.sum(A[4] ** 2 * 0 + (A[4] - Y) + 1, axis=0, keepdims=True)),
        "db[4]",
        "not in the catalogue",
    ),
    "one NaN": (
        changed(2, "W", np.where(np.eye(4) * np.arange(4) == 2, np.nan, RIGHT[1]["W"])),
        "dW[2]",
        "dW[2] has one NaN or infinite entry, at (2, 2)",
    ),
    "A of the next example": (
        changed(4, "W", (A[4] - Y) @ np.roll(A[3], -1, axis=1).T / B),
        "dW[4]",
        "multiplies Δ[4] of each example by A[3] of the one after it",
    ),
    "A of the layer itself": (
        changed(4, "W", (A[4] - Y) @ A[4].T / B),
        "dW[4]",
        "uses A[4] where A[3] belongs",
    ),
    "the last example": (
        changed(4, "W", (A[4] - Y)[:, -1:] @ A[3][:, -1:].T),
        "dW[4]",
        "is that of the last example alone, over 1",
    ),
    "half of the examples": (
        changed(4, "b", np.sum((A[4] - Y)[:, :3], axis=1, keepdims=True) / B),
        "db[4]",
        "is that of the first half of the examples alone, over B",
    ),
    "a round factor": (times(4, "b", -0.1), "db[4]", "db[4] is -0.1 times what it should be"),
    "a row of zeros": (
        changed(4, "W", RIGHT[3]["W"] * (np.arange(3) != 1)[:, None]),
        "dW[4]",
        "dW[4] is wrong in row 1 alone (zero there)",
    ),
    "clipped": (
        changed(2, "W", np.clip(RIGHT[1]["W"], -0.01, 0.01)),
        "dW[2]",
        "is clipped at ±0.01",
    ),
}


@pytest.mark.parametrize("what", IN_ONE)
def test_a_mistake_in_one_gradient_is_named(what: str) -> None:
    grads, first, text = IN_ONE[what]
    found = told(grads)
    assert (found.verdict, found.first) == ("wrong", first)
    assert text in found.names[0]
    assert len(found.names) == 1


def test_a_saved_delta_alone_is_wrong() -> None:
    """No array that comes of it is, so that nothing else is said."""
    saved = deltas()
    saved[2] = W[4].T @ saved[3]  # without g′
    found = told(RIGHT, found={"deltas": saved})
    (name,) = found.names
    assert name == "Δ[3]: g′(Z[3]) is left out; but db and dW come of the right one"
    assert told(RIGHT, found={"deltas": [None, None, None, saved[3]]}).ok


def test_an_unknown_output_has_nothing_above_it() -> None:
    noisy = A[4] - Y + 0.01 * np.random.default_rng(2).normal(size=Y.shape)
    found = told(student({4: lambda Δ, dA: noisy}))
    assert found.first == "Δ[4]"
    assert "above" not in found.names[0]


def test_two_mistakes_are_both_named() -> None:
    """One of them in Δ[2], on which the other stands."""
    below = student({2: lambda Δ, dA: dA})
    found = told(changed(1, "b", B * below[0]["b"], below))
    assert found.names[0].startswith("Δ[2]: g′(Z[2]) is left out")
    assert found.names[1].startswith("db[1] is B = 7 times too large")


def test_a_missing_example_is_counted() -> None:
    one_less = np.arange(B) != 3
    found = told(
        [
            {"W": d @ (A[l - 1] * one_less).T / B, "b": (d * one_less).sum(1, keepdims=True) / B}
            for l, d in enumerate(deltas(), 1)
        ]
    )
    assert "example 3 is missing" in found.names[0]


def deltas() -> list[F64]:
    Δ4 = A[4] - Y
    Δ3 = W[4].T @ Δ4 * prime(3)
    Δ2 = W[3].T @ Δ3 * prime(2)
    return [W[2].T @ Δ2 * prime(1), Δ2, Δ3, Δ4]


def test_what_is_not_in_the_catalogue_is_called_so_at_its_place() -> None:
    noisy = RIGHT[1]["W"] * (1 + 0.01 * np.random.default_rng(0).normal(size=(4, 4)))
    found = told(changed(2, "W", noisy))
    assert found.names == ("dW[2] is wrong in a way that is not in the catalogue",)
    assert not found.known
    feedback = np.random.default_rng(1).normal(size=(4, 4))
    aligned = told(student({2: lambda Δ, dA: feedback @ Δ[3] * prime(2)}))
    assert aligned.first == "Δ[2]"
    assert "not in the catalogue" in aligned.names[0]
    assert len(aligned.names) == 1


def test_factors_of_the_same_size_are_named_together() -> None:
    two = diagnose(
        NET,
        PARAMS,
        X[:, :2],
        Y[:, :2],
        [
            {k: 2 * np.asarray(x) for k, x in layer.items()}
            for layer in page.backward(
                NAMES, "cross_entropy", PARAMS, X[:, :2], Y[:, :2], np.ones(2)
            )
        ],
    )
    assert "is 2 times too large, or is B = 2 times too large" in two.names[0]


def test_digits_lost_are_no_mistake() -> None:
    """1 − A² in float32 where tanh saturates"""
    net, one = pure_nn.Network(("tanh", "identity")), np.ones((1, 1))
    params = ({"W": 7 * one, "b": 0 * one}, {"W": one, "b": 0 * one})
    Δ = np.tanh(np.float32(7)).astype(float) - 0.5
    below = Δ * float(1 - np.tanh(np.float32(7)) ** 2)
    grads = [{"W": below * one, "b": below * one}, {"W": Δ * np.tanh(7) * one, "b": Δ * one}]
    found = diagnose(net, params, one, one / 2, grads, dtype="float32")
    assert (found.verdict, found.first) == ("inaccurate", "db[1]")
    assert "4/(E + 2 + 1/E)" in str(found)
    assert diagnose(net, params, one, one / 2, grads, dtype="float64").verdict == "wrong"


@pytest.mark.parametrize(("z", "verdict"), [(-1e-4, "ok"), (-20.0, "wrong")])
def test_either_side_of_a_kink_is_right_where_rounding_decides(z: float, verdict: str) -> None:
    """One unit on the other side changes all below it at once, not by chance."""
    net, x = pure_nn.Network(("identity", "identity", "relu", "identity")), np.ones((1, 1))
    below = (
        {"W": x.repeat(9, 0), "b": np.zeros((9, 1))},
        {"W": np.ones((9, 9)), "b": np.zeros((9, 1))},
    )
    above = ({"W": np.ones((1, 9)), "b": z - 81 * x}, {"W": x, "b": x})
    Δ = x - 0.5  # of an output that is 1, and g′ = 1
    grads = [
        {"W": 9 * Δ * np.ones((9, 1)), "b": 9 * Δ * np.ones((9, 1))},
        {"W": Δ * np.ones((9, 9)), "b": Δ * np.ones((9, 1))},
        {"W": 9 * Δ * np.ones((1, 9)), "b": Δ},
        {"W": 0 * x, "b": Δ},
    ]
    found = diagnose(net, (*below, *above), x, x / 2, grads, dtype="bfloat16")
    assert found.verdict == verdict


def test_a_wrong_delta_is_told_once_and_at_its_place() -> None:
    """Σ over the units is one number in each entry of db[3], and nothing that dW[3] shows."""
    level = student({3: lambda Δ, dA: 0 * dA + (dA * prime(3)).sum(axis=0)})
    found = told(level)
    assert found.first == "Δ[3]"
    assert len(found.names) == 1
    assert "what is below it may follow" in found.names[0]
    alone = told(changed(3, "b", np.full((4, 1), RIGHT[2]["b"].sum())))
    assert alone.first == "db[3]"
    assert "the sum of all its entries in every entry" in alone.names[0]


def test_what_is_below_right_gradients_does_not_follow() -> None:
    rng = np.random.default_rng(6)
    noisy = changed(3, "b", RIGHT[2]["b"] * rng.uniform(1, 2, (4, 1)))
    found = told(changed(3, "W", RIGHT[2]["W"] * rng.uniform(1, 2, (4, 4)), noisy))
    assert found.names == (
        "db[3] is wrong in a way that is not in the catalogue; and likewise dW[3]",
    )


def test_examples_are_counted_by_the_layers_below_too() -> None:
    """dW[4] has too few entries to tell; all have the same that are missing."""
    even = np.arange(B) % 2 == 0
    found = told(student({4: lambda Δ, dA: (A[4] - Y) * even}))
    (name,) = found.names
    assert "example 1 is missing, example 3 is missing, example 5 is missing" in name
    assert name.startswith("db[4]: ")
    assert "likewise dW[4], db[3]" in name


def test_the_signs_of_gradients_alone() -> None:
    found = told([{k: np.sign(x) for k, x in layer.items()} for layer in RIGHT])
    (name,) = found.names
    assert name.startswith("db[4] is only the signs of its entries; and likewise dW[4], db[3]")
    assert "rearranged" not in str(told(changed(2, "W", np.sign(RIGHT[1]["W"] + 0.1))).kinds)
