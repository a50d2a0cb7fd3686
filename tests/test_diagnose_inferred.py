"""Gradients that NumPy programs save: whatever the file leaves out is found, and said."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from saving import Arrays, columns, diagnosed, only, renamed, rows, scaled, softmax

from verify.saved.names import sort

PYTORCH = {"W": "{k}.weight", "b": "{k}.bias", "dW": "{k}.weight.grad", "db": "{k}.bias.grad"}
KERAS = {"W": "dense_{l}/kernel:0", "b": "dense_{l}/bias:0"}
KERAS |= {"dW": "grad/dense_{l}/kernel:0", "db": "grad/dense_{l}/bias:0"}
FLAX = {"W": "params/Dense_{k}/kernel", "b": "params/Dense_{k}/bias"}
FLAX |= {"dW": "grads/Dense_{k}/kernel", "db": "grads/Dense_{k}/bias"}
HAIKU = {"W": "mlp/~/linear_{k}/w", "b": "mlp/~/linear_{k}/b"}
HAIKU |= {"dW": "grads/mlp/~/linear_{k}/w", "db": "grads/mlp/~/linear_{k}/b"}

CLASSES = only(columns(("relu", "softmax"), (4, 6, 3)))
BINARY = only(columns(("tanh", "sigmoid"), (4, 5, 1)))
NUMBERS = only(columns(("sigmoid", "identity"), (4, 5, 2)))
IN_ROWS = only(rows(("relu", "softmax"), (4, 6, 3)))
B = 7
H = 1e-3  # of differences


def pytorch() -> Arrays:
    """W as (n, n_in), b as (n,), labels, float32"""
    turned = {name: x.T if "W" in name else x[0] for name, x in IN_ROWS.items() if name not in "XY"}
    named = renamed(turned, PYTORCH) | {"input": IN_ROWS["X"]}
    named = {name: x.astype(np.float32) for name, x in named.items()}
    return named | {"target": np.argmax(IN_ROWS["Y"], axis=1)}


def logistic() -> Arrays:
    """The course's first network: w as (n_in, 1), b a number"""
    saved = only(columns(("sigmoid",), (3, 1)))
    found = {"w": saved["W1"].T, "dw": saved["dW1"].T, "X": saved["X"], "Y": saved["Y"]}
    return found | {"b": saved["b1"][0, 0], "db": saved["db1"][0, 0]}


def with_l2(saved: Arrays, λ: float) -> Arrays:
    return saved | {f"dW{l}": saved[f"dW{l}"] + λ * saved[f"W{l}"] for l in (1, 2)}


def at_the_kink() -> Arrays:
    """A feature that is 0 everywhere, b = 0, and a row of weights that has only that feature"""
    rng = np.random.default_rng(0)
    X, W1, W2 = rng.normal(size=(3, B)), rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
    X[0], W1[0, 1:] = 0, 0
    Z1 = W1 @ X
    A1 = np.maximum(Z1, 0)
    Y = np.eye(2)[:, rng.integers(0, 2, B)]
    dZ2 = softmax(W2 @ A1, 0) - Y
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    saved = {"X": X, "Y": Y, "W1": W1, "b1": np.zeros((4, 1)), "W2": W2, "b2": np.zeros((2, 1))}
    for l, (d, a) in enumerate(((dZ1, X), (dZ2, A1)), 1):
        saved |= {f"dW{l}": d @ a.T / B, f"db{l}": d.mean(axis=1, keepdims=True)}
    return saved


def dropped_out() -> Arrays:
    """Inverted dropout of the course: A1 = D1 ∘ A1/keep_prob"""
    rng = np.random.default_rng(1)
    X, W1, W2 = rng.normal(size=(3, B)), rng.normal(size=(4, 3)), rng.normal(size=(1, 4))
    D1, keep = rng.random((4, B)) < 0.8, 0.8
    A1 = np.tanh(W1 @ X)
    dropped = A1 * D1 / keep
    Y = rng.integers(0, 2, (1, B))
    dZ2 = 1 / (1 + np.exp(-W2 @ dropped)) - Y
    dZ1 = W2.T @ dZ2 * D1 / keep * (1 - A1**2)
    saved = {"X": X, "Y": Y, "W1": W1, "b1": np.zeros((4, 1)), "W2": W2, "b2": np.zeros((1, 1))}
    for l, (d, a) in enumerate(((dZ1, X), (dZ2, dropped)), 1):
        saved |= {f"dW{l}": d @ a.T / B, f"db{l}": d.mean(axis=1, keepdims=True)}
    return saved | {"D1": D1, "keep_prob": keep}


def square(saved: Arrays, factor: float) -> float:
    """J of NUMBERS as a multiple of (1/B) Σ ‖A − Y‖²"""
    A1 = 1 / (1 + np.exp(-saved["W1"] @ saved["X"] - saved["b1"]))
    return float(factor * np.sum((saved["W2"] @ A1 + saved["b2"] - saved["Y"]) ** 2) / B)


def all_positive(saved: Arrays) -> Arrays:
    """Of ReLU and softmax, with b so large that no z of the hidden layer is negative"""
    found = only(saved) | {"b1": saved["b1"] + 20}
    A1 = found["W1"] @ found["X"] + found["b1"]
    dZ2 = softmax(found["W2"] @ A1 + found["b2"], 0) - found["Y"]
    for l, (d, a) in enumerate(((found["W2"].T @ dZ2, found["X"]), (dZ2, A1)), 1):
        found |= {f"dW{l}": d @ a.T / B, f"db{l}": d.mean(axis=1, keepdims=True)}
    return found


EVERYTHING = columns(("relu", "tanh", "sigmoid"), (3, 5, 4, 1))
SQUARE_DATA = only(columns(("relu", "softmax"), (7, 6, 7)))  # as many of everything as examples
RIGHT: dict[str, tuple[Arrays, list[str]]] = {
    "the course": (CLASSES, ["layout: columns", "activations: relu, softmax", "cross_entropy,"]),
    "binary": (BINARY, ["activations: tanh, sigmoid", "loss: binary_cross_entropy", "mean"]),
    "numbers": (NUMBERS, ["activations: sigmoid, identity", "loss: squared_error, 𝓛 = ½‖A − Y‖²"]),
    "logistic regression": (
        logistic(),
        ["1 layer, n = 3 → 1", "activations: sigmoid", "w, stored"],
    ),
    "leaky ReLU": (
        only(columns(("leaky_relu", "sigmoid"), (4, 5, 1))),
        ["activations: leaky_relu(a=0.01), sigmoid"],
    ),
    "several kinds": (
        only(columns(("relu", "tanh", "sigmoid", "identity"), (4, 5, 4, 3, 2))),
        ["activations: relu, tanh, sigmoid, identity"],
    ),
    "squared error of sigmoid": (
        only(columns(("tanh", "sigmoid"), (4, 5, 2), loss="squared_error")),
        ["activations: tanh, sigmoid", "loss: squared_error"],
    ),
    "in rows": (IN_ROWS, ["layout: rows", "W1, W2, stored transposed, as (n_in, n)"]),
    "of PyTorch": (
        pytorch(),
        ["0.weight, 1.weight\n", "layout: rows", "labels 0 … 2, taken as one-hot", "float32"],
    ),
    "of Keras": (renamed(IN_ROWS, KERAS), ["dense_1/kernel:0, dense_2/kernel:0, stored"]),
    "of Flax": (renamed(IN_ROWS, FLAX), ["grads/Dense_0/bias, grads/Dense_1/bias"]),
    "of Haiku": (renamed(IN_ROWS, HAIKU), ["mlp/~/linear_0/w, mlp/~/linear_1/w, stored"]),
    "labels from 1": (
        CLASSES | {"Y": np.argmax(CLASSES["Y"], axis=0) + 1},
        ["Y (7,), holds labels 1 … 3"],
    ),
    "Y the other way": (CLASSES | {"Y": CLASSES["Y"].T}, ["Y (7, 3), is stored with the other"]),
    "as many features as examples": (
        SQUARE_DATA,
        ["layout: columns, an example in each column; the shapes leave it open"],
    ),
    "as many features as examples, in rows": (
        only(rows(("tanh", "softmax"), (7, 7, 7))),
        ["layout: rows, an example in each row; the shapes leave it open", "stored transposed"],
    ),
    "logits": (
        CLASSES | {"activations": "relu,linear", "loss": "CrossEntropyLoss"},
        ["stated\n  activations: relu, softmax, which the loss applies to the logits"],
    ),
    "activations in an array": (
        CLASSES | {"activations": np.array(["ReLU", "Softmax"])},
        ["stated\n  activations: relu, softmax"],
    ),
    "stated as bytes": (CLASSES | {"layout": b"columns"}, ["stated\n  layout: columns"]),
    "sum": (scaled(CLASSES, B) | {"reduction": "sum"}, ["stated\n  reduction: sum"]),
    "sum, by J": (
        scaled(NUMBERS, B) | {"J": square(NUMBERS, B / 2)},
        ["inferred", "reduction: sum", "J = "],
    ),
    "no ½, by J": (scaled(NUMBERS, 2) | {"cost": square(NUMBERS, 1)}, ["𝓛 = ‖A − Y‖², without ½"]),
    "mean of squares": (NUMBERS | {"loss": "mse"}, ["𝓛 = ‖A − Y‖²/n, n = 2 units"]),
    "L2": (with_l2(CLASSES, 0.1) | {"l2": 0.1}, ["stated\n  l2: λ = 0.1"]),
    "L2 of the course": (with_l2(CLASSES, 0.1) | {"lambd": 0.1 * B}, ["stated\n  l2: λ = 0.1"]),
    "L2 unsaid": (
        with_l2(CLASSES, 0.1),
        ["inferred\n", "l2: λ = 0.1", "for the activations, loss, l2 inferred above"],
    ),
    "g′(0) = 0": (at_the_kink(), ["activations: relu(at_zero=0.0), softmax"]),
    "dropout": (
        dropped_out(),
        ["M[ℓ]   D1, –", "dropout of layers 1", "activations: tanh, sigmoid"],
    ),
    "everything": (
        EVERYTHING,
        ["Z[ℓ]   Z1, Z2, Z3", "A[ℓ]   A1, A2, A3", "Δ[ℓ]   dZ1, dZ2, dZ3\n"],
    ),
    "Δ with 1/B": (
        {name: x / B if name.startswith("dZ") else x for name, x in EVERYTHING.items()},
        ["dZ1, dZ2, dZ3, times B = 7 here, as they carry the 1/B of the mean"],
    ),
    "some of Z and A": (
        only(EVERYTHING) | {name: EVERYTHING[name] for name in ("A1", "Z2", "dZ3")},
        ["A1, –, –", "–, Z2, –", "–, –, dZ3, not compared, as those of other layers are absent"],
    ),
    "float32 printed in full": (
        {name: x.astype(np.float32) for name, x in CLASSES.items()},
        ["dtype: float32, as the gradients are stored"],
    ),
    "one more": (
        CLASSES | {"learning_rate": 0.1},
        ["not read, as no such name is known (--help)\n  "],
    ),
}


@pytest.mark.parametrize(("arrays", "said"), RIGHT.values(), ids=RIGHT)
def test_right_gradients(tmp_path: Path, arrays: Arrays, said: list[str]) -> None:
    code, text = diagnosed(tmp_path, arrays)
    assert "\nok: every gradient is right" in text
    assert [line for line in said if line not in text] == []
    assert code == 0


@pytest.mark.parametrize("arrays", [arrays for arrays, _ in RIGHT.values()], ids=RIGHT)
def test_wrong_gradients(tmp_path: Path, arrays: Arrays) -> None:
    name = sort(arrays).of["dW[1]"]
    code, text = diagnosed(tmp_path, arrays | {name: -arrays[name]})
    assert "the first that is wrong is dW[1]\n" in text
    assert "\n  dW[1] has the wrong sign\n" in text
    assert code == 1


# what cannot be decided


def test_a_sum_that_is_not_said_to_be_one(tmp_path: Path) -> None:
    code, text = diagnosed(tmp_path, scaled(CLASSES, B))
    assert "undecided: right if J = Σᵢ 𝓛ᵢ" in text
    assert "but if J = (1/B) Σᵢ 𝓛ᵢ" in text
    assert "each gradient is B = 7 times too large: the mean over the batch is missing" in text
    assert "state reduction='mean' or reduction='sum'" in text
    assert code == 1


def test_a_factor_that_is_two_things(tmp_path: Path) -> None:
    """At B = 2 a sum is twice the mean, and so is a square without ½."""
    two = only(columns(("tanh", "identity"), (3, 4, 1), B=2))
    _, text = diagnosed(tmp_path, scaled(two, 2))
    assert "right if J = (1/B) Σᵢ 𝓛ᵢ, 𝓛 = ‖A − Y‖², without ½ or J = Σᵢ 𝓛ᵢ, 𝓛 = ½‖A − Y‖²" in text
    assert "state reduction='mean' or reduction='sum' and loss='squared_error'" in text


def test_activations_that_give_the_same(tmp_path: Path) -> None:
    """Where no z is negative, ReLU is leaky or not."""
    saved = columns(("relu", "softmax"), (3, 4, 2))
    _, text = diagnosed(tmp_path, all_positive(saved))
    assert "activations: relu, softmax\n" in text
    assert "with leaky_relu(a=0.01), softmax or leaky_relu(a=0.1), softmax or" in text
    assert "all would be the same" in text


def test_nothing_that_fits(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    noise = {name: rng.normal(size=x.shape) for name, x in CLASSES.items() if name.startswith("d")}
    code, text = diagnosed(tmp_path, CLASSES | noise)
    assert "\nundecided: no usual network gives any of these gradients" in text
    assert "state activations, loss, reduction to decide" in text
    assert code == 1
    code, text = diagnosed(tmp_path, CLASSES | noise, activations="relu,softmax")
    assert "\nwrong: the first that is wrong is " in text
    assert "this is a guess; state loss, reduction for a better one" in text
    assert code == 1


def below_softmax(g: Any, g_prime: Any) -> Arrays:
    """A hidden layer of this g, below softmax"""
    rng = np.random.default_rng(6)
    X, W1, W2 = rng.normal(size=(5, B)), rng.normal(size=(6, 5)), rng.normal(size=(3, 6))
    Y, Z1 = np.eye(3)[:, rng.integers(3, size=B)], W1 @ X + 0.1
    dZ2 = softmax(W2 @ g(Z1), 0) - Y
    pairs = ((W2.T @ dZ2 * g_prime(Z1), X), (dZ2, g(Z1)))
    saved = {"X": X, "Y": Y, "W1": W1, "b1": np.full((6, 1), 0.1), "W2": W2, "b2": np.zeros((3, 1))}
    for l, (d, a) in enumerate(pairs, 1):
        saved |= {f"dW{l}": d @ a.T / B, f"db{l}": d.mean(axis=1, keepdims=True)}
    return saved


def normal(z: Any) -> Any:
    return np.vectorize(math.erfc)(-z / math.sqrt(2)) / 2


def near_normal(z: Any) -> Any:
    return (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2


def sigma(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


RARE: dict[str, Any] = {
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(z)),
    "gelu": lambda z: z * normal(z),
    "gelu_tanh": lambda z: z * near_normal(z),
    "silu": lambda z: z * sigma(z),
    "softplus": lambda z: np.log1p(np.exp(z)),
}


def slope(g: Any) -> Any:
    """By differences of five points: the error is O(h⁴)."""
    return lambda z: (8 * (g(z + H) - g(z - H)) - (g(z + 2 * H) - g(z - 2 * H))) / (12 * H)


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("stated", [{}, {"activations": "{},softmax"}], ids=["inferred", "stated"])
def test_activations_that_pure_nn_has_not(tmp_path: Path, name: str, stated: Any) -> None:
    saved = below_softmax(RARE[name], slope(RARE[name]))
    said = {what: words.format(name) for what, words in stated.items()} | {"dtype": "float32"}
    code, text = diagnosed(tmp_path, saved, **said)
    assert f"activations: {name}" in text
    assert "\nok: every gradient is right" in text
    assert code == 0
    wrong = saved | {"dW1": -saved["dW1"]}
    code, text = diagnosed(tmp_path, wrong, **said)
    assert "dW[1] has the wrong sign" in text
    assert code == 1


def test_an_activation_that_is_not_known_is_undecided(tmp_path: Path) -> None:
    saved = below_softmax(np.sin, np.cos)
    code, text = diagnosed(tmp_path, saved)
    assert "\nundecided: no usual network gives any of these gradients" in text
    assert "\nwrong" not in text
    assert code == 1


# what is said on the command line


def test_what_is_said_goes_first(tmp_path: Path) -> None:
    file = scaled(CLASSES, B) | {"reduction": "mean"}
    code, text = diagnosed(tmp_path, file, reduction="sum", activations="relu,softmax")
    assert "stated\n  activations: relu, softmax\n  reduction: sum" in text
    assert code == 0


def test_unknown_options_are_refused(tmp_path: Path) -> None:
    code, text = diagnosed(tmp_path, CLASSES, activation="relu")
    assert "expected some of activations, loss, layout" in text
    assert "got activation\n" in text
    assert code == 2
