"""Wrong gradients in a file: the first that is wrong, the mistake, and where it is in the file."""

from pathlib import Path

import numpy as np
import pytest
from saving import Arrays, columns, diagnosed, only, renamed, rows, scaled

CLASSES = columns(("relu", "tanh", "softmax"), (4, 6, 5, 3), B=32)
GIVEN = CLASSES | {"activations": "relu,tanh,softmax", "loss": "ce", "reduction": "mean"}
SUM = scaled(only(CLASSES), 32) | {"reduction": "sum"}
IN_ROWS = only(rows(("tanh", "softmax"), (4, 6, 3)))
FLAX = {"W": "params/Dense_{k}/kernel", "b": "params/Dense_{k}/bias"}
FLAX |= {"dW": "grads/Dense_{k}/kernel", "db": "grads/Dense_{k}/bias"}
IN_FLAX = renamed(IN_ROWS, FLAX)
FIRST = "grads/Dense_0/kernel"
B = 7


def times(arrays: Arrays, name: str, factor: float) -> Arrays:
    return arrays | {name: arrays[name] * factor}


def with_J(arrays: Arrays, factor: float) -> Arrays:
    """J of cross-entropy, as `factor` times its mean"""
    return arrays | {"J": -factor * np.sum(arrays["Y"] * np.log(CLASSES["A3"])) / 32}


def with_nan(arrays: Arrays, name: str) -> Arrays:
    changed = arrays[name].copy()
    changed[1, 0] = np.nan
    return arrays | {name: changed}


def of_two() -> Arrays:
    """The wrong sign in db2, 1/B twice in dW1"""
    return times(times(only(CLASSES), "db2", -1), "dW1", 1 / 32)


MEAN = "the mean over the batch is missing (∂J/∂W = (1/B) Δ Aᵀ)"
MISTAKES: dict[str, tuple[Arrays, list[str]]] = {
    "1/B missing": (
        times(only(CLASSES), "dW2", 32),
        [f"the first that is wrong is dW[2]\n  dW[2] is B = 32 times too large: {MEAN}\n"],
    ),
    "1/B missing, all given": (
        times(GIVEN, "dW2", 32),
        [f"the first that is wrong is dW[2]\n  dW[2] is B = 32 times too large: {MEAN}\n"],
    ),
    "1/B missing in Δ[3]": (
        scaled(only(GIVEN), 32) | {"reduction": "mean"},
        [f"each gradient is B = 32 times too large: {MEAN}"],
    ),
    "1/B missing everywhere, by J": (
        with_J(scaled(only(CLASSES), 32), 1),
        [f"each gradient is B = 32 times too large: {MEAN}"],
    ),
    "a mean in a sum": (
        times(SUM, "dW1", 1 / 32),
        [
            "J = Σᵢ 𝓛ᵢ, 𝓛 = −Σ Y log A\n",
            "dW[1] is B = 32 times too small: the mean is taken where J is the sum (∂J/∂W = Δ Aᵀ)",
        ],
    ),
    "a sum, and no number of the file": (
        times(SUM, "db1", 0),
        ["  J = Σᵢ 𝓛ᵢ, 𝓛 = −Σ Y log A\n  db[1] is zero: it was left out\n"],
    ),
    "a sum, and numbers of the file": (
        SUM | {"dW2": SUM["dW2"] * np.linspace(0.8, 1.3, 30).reshape(5, 6)},
        ["𝓛 = −Σ Y log A; numbers below are those of the file divided by 32\n"],
    ),
    "a sum twice": (times(SUM, "dW1", 32), ["dW[1] is B = 32 times too large (∂J/∂W = Δ Aᵀ)\n"]),
    "sign, in a file of Flax": (
        times(IN_FLAX, FIRST, -1),
        [
            "the first that is wrong is dW[1]\n  dW[1] has the wrong sign\n",
            "  in the file dW[1] is grads/Dense_0/kernel, stored transposed, as (n_in, n)",
        ],
    ),
    "transposed": (
        CLASSES | {"dW2": CLASSES["dW2"].T},
        ["dW[2] is transposed: its shape is (6, 5), not (5, 6)"],
    ),
    "transposed, in a file of Flax": (
        IN_FLAX | {FIRST: IN_FLAX[FIRST].T},
        ["dW[1] is transposed: its shape is (4, 6), not (6, 4)"],
    ),
    "keepdims lost": (
        CLASSES | {"db1": CLASSES["db1"][:, 0]},
        ["db[1] has lost an axis: its shape is (6,), not (6, 1); sum with keepdims=True"],
    ),
    "a column beside a row": (
        IN_ROWS | {"db1": IN_ROWS["db1"].T},
        ["wrong is db[1]\n", "in the file db[1] is db1, of shape (6, 1) for b1 of (1, 6)"],
    ),
    "one number": (CLASSES | {"db1": np.sum(CLASSES["db1"])}, ["db[1] is one number"]),
    "NaN": (with_nan(only(CLASSES), "dW1"), ["dW[1] has one NaN or infinite entry"]),
    "two": (
        of_two(),
        ["is db[2]\n", "db[2] has the wrong sign\n", "dW[1] is B = 32 times too small"],
    ),
    "Z": (
        GIVEN | {"Z1": CLASSES["Z1"] - CLASSES["b1"]},
        ["the first that is wrong is Z[1]", "b[1] is not added"],
    ),
    "A": (
        GIVEN | {"A2": CLASSES["Z2"]},
        ["the first that is wrong is A[2]", "A[2] is identity(Z[2])"],
    ),
    "Δ": (
        GIVEN | {"dZ2": CLASSES["W3"].T @ CLASSES["dZ3"]},
        ["the first that is wrong is Δ[2]", "g′(Z[2]) is left out", "in the file Δ[2] is dZ2"],
    ),
    "J": (
        with_J(GIVEN, 32),
        ["the first that is wrong is J", "J is the sum over the B = 32 examples"],
    ),
    "J of a sum": (with_J(SUM, 1), ["is J\n", "J is B = 32 times too small", "J is the sum"]),
    "one that has no name": (
        only(CLASSES) | {"dW2": CLASSES["dW2"] * np.linspace(0.8, 1.3, 30).reshape(5, 6)},
        [
            "dW[2] is wrong in a way that is not in the catalogue",
            "], the worst of 30 wrong entries",
        ],
    ),
    "another shape": (
        only(CLASSES) | {"dW2": CLASSES["dW2"][:, :2]},
        ["is not in the catalogue\n  dW2 has shape (5, 2): expected that of W2, (5, 6)\n"],
    ),
    "L2 missing": (GIVEN | {"l2": 0.5}, ["the L2 term λW[3] is missing"]),
    "printed with five decimals": (
        {name: np.round(x, 5) if name[0] == "d" else x for name, x in GIVEN.items()},
        ["inaccurate: right to 5 decimals, to which the file's numbers are rounded\n"],
    ),
    "in float32, kept in float64": (
        {n: x.astype("f").astype("d") if n[0] == "d" else x for n, x in only(CLASSES).items()},
        ["inaccurate: right to the digits of float32, in which it may have been computed"],
    ),
}


@pytest.mark.parametrize(("arrays", "said"), MISTAKES.values(), ids=MISTAKES)
def test_the_mistake_is_named(tmp_path: Path, arrays: Arrays, said: list[str]) -> None:
    code, text = diagnosed(tmp_path, arrays)
    assert [line for line in said if line not in text] == []
    assert code == 1


HARMLESS = {
    "all given": GIVEN,
    "J": with_J(GIVEN, 1),
    "J of a sum": with_J(SUM, 32),
    "of Flax": IN_FLAX,
    "a row beside a row": IN_ROWS | {"db1": IN_ROWS["db1"][0]},
    "float32 beside float64": only(CLASSES) | {"dtype": "float32"},
}


@pytest.mark.parametrize("arrays", HARMLESS.values(), ids=HARMLESS)
def test_what_is_right_is_not_blamed(tmp_path: Path, arrays: Arrays) -> None:
    code, text = diagnosed(tmp_path, arrays)
    assert "\nok: every gradient is right" in text
    assert code == 0


def saturated() -> Arrays:
    """tanh at z = 12, where 1 − A² has lost most digits, and W2 so large that it matters"""
    saved = columns(("tanh", "sigmoid"), (2, 3, 1))
    p = {name: saved[name] for name in ("X", "Y", "W1", "W2", "b2")}
    A1 = np.tanh(p["W1"] @ p["X"] + 14)
    A2 = 1 / (1 + np.exp(-p["W2"] @ A1 - p["b2"]))
    dZ2 = A2 - p["Y"]
    dZ1 = p["W2"].T @ dZ2 * (1 - A1**2)
    for l, (d, a) in enumerate(((dZ1, p["X"]), (dZ2, A1)), 1):
        p |= {f"dW{l}": d @ a.T / B, f"db{l}": d.mean(axis=1, keepdims=True)}
    return p | {"b1": np.full((3, 1), 14.0)}


def test_lost_digits_are_inaccurate(tmp_path: Path) -> None:
    code, text = diagnosed(tmp_path, saturated())
    assert "\ninaccurate: the first that is inaccurate is d" in text
    assert "1 − A² cancels where tanh saturates" in text
    assert code == 1


def test_zeros_prove_nothing(tmp_path: Path) -> None:
    """Every unit of the hidden layer is dead."""
    saved = only(columns(("relu", "sigmoid"), (3, 4, 1))) | {"b1": np.full((4, 1), -50.0)}
    dZ2 = 1 / (1 + np.exp(-saved["b2"])) - saved["Y"]
    saved |= {"dW2": np.zeros((1, 4)), "db2": dZ2.mean(axis=1, keepdims=True)}
    dead = saved | {"dW1": np.zeros((4, 3)), "db1": np.zeros((4, 1))}
    code, text = diagnosed(tmp_path, dead, activations="relu,sigmoid")
    assert "Δ[1]: 0 for these data, and so are its gradients: a wrong g′ would not be seen" in text
    assert code == 0


def test_what_cannot_be_seen_is_said(tmp_path: Path) -> None:
    one = only(columns(("relu", "sigmoid"), (3, 4, 1), B=1))
    code, text = diagnosed(tmp_path, one)
    assert "what these data do not show\n  B = 1: a missing or doubled 1/B cannot be seen" in text
    assert "B = 1 example\n" in text
    assert code == 0
