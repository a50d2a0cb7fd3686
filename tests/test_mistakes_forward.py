"""Where a program gives its Z, A, J or Δ too, the first of them that is wrong is named."""

from typing import Any

import numpy as np
import page
import pytest
from helpers import HIDDEN, SIZES, network, numpy_data, numpy_params, pairs

import pure_nn
from verify.mistakes import diagnose, l2_of

B = 6
RNG = np.random.default_rng(3)
NET = pure_nn.Network(("relu", "softmax"))
W1, b1, W2, b2 = (RNG.normal(size=shape) for shape in ((4, 4), (4, 1), (3, 4), (3, 1)))
PARAMS = ({"W": W1, "b": b1}, {"W": W2, "b": b2})
X, Y = RNG.normal(size=(4, B)), np.eye(3)[:, RNG.integers(3, size=B)]
KEEP = (RNG.uniform(size=(4, B)) < 0.5) / 0.5
L2 = 0.1


def softmax(Z: Any, axis: int | None = 0) -> Any:
    E = np.exp(Z)
    return E / np.sum(E, axis=axis, keepdims=axis is not None)


def program(**wrong: Any) -> tuple[Any, dict[str, Any]]:
    """A forward pass with one wrong quantity, and what follows from it by the page."""
    Z1 = wrong.get("Z1", W1 @ X + b1)
    A1 = wrong.get("A1", np.maximum(Z1, 0) * KEEP)
    Z2 = wrong.get("Z2", W2 @ A1 + b2)
    A2 = wrong.get("A2", softmax(Z2))
    squares = np.sum(W1**2) + np.sum(W2**2)
    J = -np.sum(Y * np.log(A2)) / B + L2 / 2 * squares
    Δ2 = wrong.get("Δ2", A2 - Y)
    Δ1 = W2.T @ Δ2 * KEEP * (Z1 >= 0)
    grads = [
        {"W": Δ @ A.T / B + L2 * W, "b": Δ.sum(axis=1, keepdims=True) / B}
        for Δ, A, W in ((Δ1, X, W1), (Δ2, A1, W2))
    ]
    found = {"Z": [Z1, Z2], "A": [A1, A2], "deltas": [Δ1, Δ2], "J": wrong.get("J", J)}
    return grads, found


def told(grads: Any, found: Any) -> Any:
    return diagnose(NET, PARAMS, X, Y, grads, l2=L2, masks={1: KEEP}, found=found)


def test_right_ones_are_ok() -> None:
    assert told(*program()).ok


Z1 = W1 @ X + b1
A1 = np.maximum(Z1, 0) * KEEP
Z2 = W2 @ A1 + b2
A2 = softmax(Z2)
J = -np.sum(Y * np.log(A2)) / B
SQUARES = np.sum(W1**2) + np.sum(W2**2)
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "b": ({"Z1": W1 @ X}, "Z[1]", "b[1] is not added"),
    "W": ({"Z1": W1.T @ X + b1}, "Z[1]", "uses W[1]ᵀ where W[1] belongs"),
    "Z for A": ({"Z2": W2 @ Z1 + b2}, "Z[2]", "uses Z[1] where A[1] belongs"),
    "X for A": ({"Z2": W2 @ X + b2}, "Z[2]", "uses A[0] where A[1] belongs"),
    "activation": ({"A1": np.tanh(Z1) * KEEP}, "A[1]", "is tanh(Z[1]), but layer 1 is relu"),
    "mask": ({"A1": np.maximum(Z1, 0)}, "A[1]", "is without dropout's mask"),
    "scale": ({"A1": A1 / 2}, "A[1]", "is without dropout's scale 1/keep = 2"),
    "axis": ({"A2": softmax(Z2, 1)}, "A[2]", "is the softmax over the examples"),
    "all": ({"A2": softmax(Z2, None)}, "A[2]", "is the softmax over all entries"),
    "exp": ({"A2": np.exp(Z2)}, "A[2]", "not divided by its sum"),
    "unknown": ({"A1": np.maximum(Z1, 0) ** 1.5}, "A[1]", "is not in the catalogue"),
    "sum": ({"J": J * B + L2 / 2 * SQUARES}, "J", "the sum over the B = 6 examples"),
    "units": ({"J": J / 3 + L2 / 2 * SQUARES}, "J", "also divided by the n[2] = 3 units"),
    "L2": ({"J": J}, "J", "has no L2 term"),
    "½": ({"J": J + L2 * SQUARES}, "J", "without its ½"),
    "sign of Δ": ({"Δ2": Y - A2}, "Δ[2]", "has the wrong sign"),
    "Δ over B": ({"Δ2": (A2 - Y) / B}, "Δ[2]", "is B = 6 times too small"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_first_that_is_wrong_is_named(what: str) -> None:
    wrong, first, text = WRONG[what]
    found = told(*program(**wrong))
    assert (found.verdict, found.first) == ("wrong", first)
    assert text in found.names[0]


def test_a_saved_array_alone_is_wrong() -> None:
    """The gradients come of the right Z, so that nothing else is said."""
    right, found = program()
    saved = found | {"Z": [2 * found["Z"][0], found["Z"][1]]}
    (name,) = told(right, saved).names
    assert name == "Z[1] is 2 times too large; but the gradients come of the right one"


@pytest.mark.parametrize("kind", ["mask", "scale"])
def test_dropout_in_the_backward_pass(kind: str) -> None:
    Δ1 = W2.T @ (A2 - Y) * (Z1 >= 0) * {"mask": 1, "scale": KEEP / 2}[kind]
    grads, _ = program()
    grads[0] = {"W": Δ1 @ X.T / B + L2 * W1, "b": Δ1.sum(axis=1, keepdims=True) / B}
    found = told(grads, {})
    assert found.first == "Δ[1]"
    assert f"dropout's {kind}" in found.names[0]


def test_a_mask_that_drops_all_hides_its_scale() -> None:
    none, Δ2 = np.zeros((4, B)), softmax(b2) - Y
    b = Δ2.sum(axis=1, keepdims=True) / B
    grads = [{"W": L2 * W1, "b": 0 * b1}, {"W": L2 * W2, "b": b}]
    found = {"A": [none, np.broadcast_to(softmax(b2), Y.shape)]}
    assert diagnose(NET, PARAMS, X, Y, grads, l2=L2, masks={1: none}, found=found).ok
    grads[0]["W"] = 2 * L2 * W1
    wrong = diagnose(NET, PARAMS, X, Y, grads, l2=L2, masks={1: none})
    assert (wrong.verdict, wrong.first) == ("wrong", "dW[1]")


def test_as_many_gradients_as_layers() -> None:
    with pytest.raises(ValueError, match="expected params and grads of 2 layers, as net has, got"):
        told(program()[0][:1], {})


@pairs
@pytest.mark.parametrize("L", [1, 3])
def test_every_output_and_loss_is_known(output: str, loss: str, L: int) -> None:
    params = numpy_params(SIZES[L])
    X, Y = numpy_data(SIZES[L], 5, loss)
    names = (*HIDDEN[L], output)
    grads = page.backward(names, loss, params, X, Y, np.ones(5))
    found = {"J": page.cost(names, loss, params, X, Y)}
    assert diagnose(network(output, loss, L), params, X, Y, grads, found=found).ok
    twice = {"J": 2 * found["J"]}
    wrong = diagnose(network(output, loss, L), params, X, Y, grads, found=twice)
    assert [name[:22] for name in wrong.names] == ["J is 2 times too large"]


def test_the_l2_term_of_a_cost_is_found() -> None:
    params = numpy_params(SIZES[3])
    X, Y = numpy_data(SIZES[3], 5, "cross_entropy")
    net, names = network("softmax", "cross_entropy", 3), (*HIDDEN[3], "softmax")
    plain = page.backward(names, "cross_entropy", params, X, Y, np.ones(5))
    with_l2 = [
        {"W": grad["W"] + 0.3 * layer["W"], "b": grad["b"]}
        for grad, layer in zip(plain, params, strict=True)
    ]
    assert l2_of(net, params, X, Y, with_l2, 1e-12) == pytest.approx(0.3, rel=1e-9)
    assert l2_of(net, params, X, Y, plain, 1e-12) == 0
    doubled = [{k: 2 * x for k, x in layer.items()} for layer in plain]
    assert l2_of(net, params, X, Y, doubled, 1e-12) is None
