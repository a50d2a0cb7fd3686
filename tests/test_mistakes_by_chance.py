"""Where a few numbers would fit a mistake by chance it is not told, or not alone."""

import dataclasses

import numpy as np
import numpy.typing as npt
import page
import pytest

import pure_nn
from verify.mistakes import Diagnosis, diagnose
from verify.selftest.designs import draw
from verify.selftest.engines import by_diagnosis
from verify.selftest.jobs import ALL
from verify.selftest.score import score
from verify.selftest.student import gradients
from verify.selftest.trial import Trial, plant

F64 = npt.NDArray[np.float64]
MISTAKES = {mistake.name: mistake for mistake in ALL}


def one_unit(times: F64) -> Diagnosis:
    """Of one output, of which anything is a multiple of every example"""
    names, rng, B = ("tanh", "sigmoid"), np.random.default_rng(3), len(times)
    params = tuple(
        {"W": rng.normal(size=(n, m)), "b": rng.normal(size=(n, 1))} for m, n in ((5, 6), (6, 1))
    )
    X, labels = rng.normal(size=(5, B)), rng.integers(2, size=(1, B)).astype(float)
    grads = page.backward(names, "binary_cross_entropy", params, X, labels, times / B)
    return diagnose(pure_nn.Network(names), params, X, labels, grads)


@pytest.mark.parametrize(
    ("times", "first"),
    [
        ([1, 1, 1, 1, 0, 1, 1], "db[2]"),
        ([1, 1, 1, 1, 0.7, 1, 1], "Δ[2]"),
        ([-1, -1, 1, -1, -1, -1, -1], "Δ[2]"),
    ],
)
def test_counts_are_whole_where_anything_is_some_count(times: list[float], first: str) -> None:
    found = one_unit(np.array(times))
    assert found.first == first
    assert found.known == (first == "db[2]")


@pytest.mark.parametrize(
    ("outputs", "B", "more"), [(3, 13, False), (1, 13, True), (3, 3, True)], ids=str
)
def test_one_example_may_be_the_median_of_few(outputs: int, B: int, more: bool) -> None:
    rng = np.random.default_rng(7)
    params = ({"W": rng.normal(size=(outputs, 5)), "b": rng.normal(size=(outputs, 1))},)
    x, y = rng.normal(size=(5, B)), rng.normal(size=(outputs, B))
    Δ = params[0]["W"] @ x + params[0]["b"] - y
    grads = [{"W": Δ @ x.T / B, "b": Δ[:, :1]}]
    found = diagnose(pure_nn.Network(("identity",)), params, x, y, grads)
    assert "db[1] is that of the first example alone, over 1" in found.names[0]
    assert ("as the median or the largest would" in found.names[0]) is more


@pytest.mark.parametrize(("n", "more"), [(2, True), (40, False)])
def test_a_mask_of_few_units_may_be_drawn_anew(n: int, more: bool) -> None:
    net, rng = pure_nn.Network(("tanh", "identity")), np.random.default_rng(8)
    params = tuple(
        {"W": rng.normal(size=(m, k)), "b": rng.normal(size=(m, 1))} for k, m in ((5, n), (n, 1))
    )
    x, y, mask = rng.normal(size=(5, 2)), rng.normal(size=(1, 2)), np.ones((n, 2))
    mask[1] = 0
    above, scale = params[1]["W"], 1.25
    a = np.tanh(params[0]["W"] @ x + params[0]["b"])
    Δ2 = above @ (a * mask * scale) + params[1]["b"] - y
    Δ1 = above.T @ Δ2 * scale * (1 - a**2)
    pairs = ((Δ1, x), (Δ2, a * mask * scale))
    grads = [{"W": d @ i.T / 2, "b": d.mean(axis=1, keepdims=True)} for d, i in pairs]
    found = diagnose(net, params, x, y, grads, masks={1: mask * scale})
    assert "mask is missing in the backward pass" in found.names[0]
    assert ("mask is drawn anew" in found.names[0]) is more


DRAWN = {  # networks in which few numbers tell, and another mistake would give the same
    "W not transposed": ((1610356555, 55), 1, "float32"),
    "db 4 times too large": ((1495544243, 10), 1, "float32"),
    "dropout drawn anew": ((479385080, 320), 2, "float32"),
    "hard sigmoid's g′": ((1271251356, 103), 4, "float64"),
    "db of the median": ((2096675593, 49), 2, "float64"),
}


def drawn(name: str) -> Trial:
    seed, layer, dtype = DRAWN[name]
    return plant(draw(seed, np.dtype(dtype)), [(MISTAKES[name], layer)])


@pytest.mark.parametrize("name", DRAWN)
def test_few_numbers_are_given_no_wrong_name(name: str) -> None:
    trial = drawn(name)
    said = by_diagnosis(trial.task, trial.gradient)
    assert said.verdict == "wrong"
    assert score(trial, said).naming != "wrong"


@pytest.mark.parametrize("name", DRAWN)
def test_a_wrong_name_would_be_seen(name: str) -> None:
    trial = drawn(name)
    said = by_diagnosis(trial.task, trial.gradient)
    lie = dataclasses.replace(said, kinds=((frozenset({"a lie"}),),))
    assert score(trial, lie).naming == "wrong"


@pytest.mark.parametrize("seed", [77008527, 77012867, 77015392])
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "inaccurate"), (1.001, "wrong")])
def test_rounding_is_counted_where_squares_underflow(
    seed: int, factor: float, verdict: str
) -> None:
    """Gradients as small as 10⁻¹⁷⁷, through a softmax that has saturated, in its form on paper"""
    task = draw(seed)
    dW, db = gradients(task)
    said = by_diagnosis(task, (dW, {k: x * factor for k, x in db.items()}))
    assert said.verdict == verdict
