"""What the names in a file stand for."""

import pytest

from verify.saved.names import meaning, sort

MEANT = {
    ("W", "1"): "W1 w1 W[1] W_1 weight1 1.weight coefs_1 kernel_1",
    ("b", "1"): "b1 b[1] bias1 1.bias intercepts_1",
    (
        "dW",
        "1",
    ): "dW1 dw1 dW[1] dW_1 d_W1 gradW1 grad_W1 W1_grad W1.grad 1.weight.grad grad.1.weight "
    "grad/W1 grads/W1 dJ/dW1 dJ_dW1 dL_dW1 ∂J/∂W1 nabla_w1 ∇W1 weight1_grad dkernel1 "
    "g_W1 gW1 g_w_1",
    ("db", "1"): "db1 db[1] gradb1 b1.grad 1.bias.grad grads/b1 dJ/db1 ∂J/∂b1 nabla_b1",
    ("Z", "1"): "Z1 z1 Z[1] Z_1",
    ("A", "1"): "A1 a1 A[1]",
    ("A", "L"): "AL Yhat y_hat Y_pred",
    ("Δ", "1"): "dZ1 dz1 dZ[1] delta1 delta_1 deltas1 Δ1 Δ[1] δ1 dJ/dZ1",
    ("M", "1"): "D1 M1 mask1 masks_1 mask[1]",
    ("W", "fc", "1"): "fc1.weight fc_1.weight fc1/kernel:0",
    ("dW", "dense", "0"): "grads/Dense_0/kernel grads/params/Dense_0/kernel dense_0/kernel.grad",
    ("W",): "W w weight",
    ("W", "g"): "g.weight g_W",
    ("dW",): "dW dw W.grad",
    ("X",): "X x inputs input x_train X_train",
    ("Y",): "Y y labels targets y_true y_train",
    ("J",): "J cost",
    ("l2",): "l2 lambda λ",
    ("keep",): "keep keep_prob",
}
UNKNOWN = "foo learning_rate weight_decay m B1 dA1 VdW1 SdW1 epoch A_best momentum Z Z_1_2"


@pytest.mark.parametrize(
    ("name", "meant"), [(name, meant) for meant, names in MEANT.items() for name in names.split()]
)
def test_what_a_name_stands_for(name: str, meant: tuple[str, ...]) -> None:
    found = meaning(name)
    assert (found.kind, *found.key) == meant


@pytest.mark.parametrize("name", UNKNOWN.split())
def test_other_names_stand_for_nothing(name: str) -> None:
    assert meaning(name).kind == ""


def of_layers(*layers: str) -> list[str]:
    parts = ("weight", "bias", "weight.grad", "bias.grad")
    return [f"{layer}.{part}" for layer in layers for part in parts] + ["X", "Y"]


@pytest.mark.parametrize(
    ("given", "order"),
    [
        (("fc2", "fc10", "fc1"), ("fc1", "fc2", "fc10")),
        (("dense_1", "dense", "dense_2"), ("dense", "dense_1", "dense_2")),
        (("4", "0", "2"), ("0", "2", "4")),
        (("hidden", "out", "between"), ("hidden", "out", "between")),
        (("net.b1.0", "net.b0.1", "net.b0.0"), ("net.b0.0", "net.b0.1", "net.b1.0")),
    ],
    ids=str,
)
def test_layers_are_in_the_order_of_their_numbers_or_of_the_file(
    given: tuple[str, ...], order: tuple[str, ...]
) -> None:
    found = sort(of_layers(*given))
    assert [found.of[f"W[{l}]"] for l in (1, 2, 3)] == [f"{layer}.weight" for layer in order]
    assert [found.of[f"db[{l}]"] for l in (1, 2, 3)] == [f"{layer}.bias.grad" for layer in order]


COURSE = ["W1", "b1", "W2", "b2", "dW1", "db1", "dW2", "db2", "Y"]


@pytest.mark.parametrize(
    ("more", "meant"),
    [
        (["X", "A1", "A2"], {"A[1]": "A1", "A[2]": "A2"}),
        (["A0", "A1", "A2"], {"X": "A0", "A[1]": "A1", "A[2]": "A2"}),
        (["X", "A0", "A1"], {"A[1]": "A0", "A[2]": "A1"}),
        (["X", "A0", "A1", "A2"], {"A[1]": "A1", "A[2]": "A2"}),
        (["X", "A1", "AL"], {"A[1]": "A1", "A[2]": "AL"}),
        (["X", "Z0", "Z1"], {"Z[1]": "Z0", "Z[2]": "Z1"}),
        (["X", "dZ1", "dZ2"], {"Δ[1]": "dZ1", "Δ[2]": "dZ2"}),
    ],
    ids=str,
)
def test_layers_are_counted_from_1_or_from_0(more: list[str], meant: dict[str, str]) -> None:
    found = sort([*COURSE, *more]).of
    assert {quantity: found.get(quantity) for quantity in meant} == meant


def test_gradients_under_names_of_their_own() -> None:
    named = ["fc1.weight", "fc1.bias", "out.weight", "out.bias", "dW1", "db1", "dW2", "db2"]
    found = sort([*named, "X", "Y"]).of
    assert (found["dW[1]"], found["dW[2]"], found["db[2]"]) == ("dW1", "dW2", "db2")


def test_what_stands_for_nothing_is_told() -> None:
    names = [*COURSE, "X", "W1_best", "dW3", "A7", "epoch"]
    assert sort(names).unknown == ["W1_best", "dW3", "A7", "epoch"]


def test_a_loss_that_is_a_number_is_J() -> None:
    assert sort([*COURSE, "X", "loss"], ["loss"]).of["J"] == "loss"
    assert sort([*COURSE, "X", "loss"]).of["loss"] == "loss"
