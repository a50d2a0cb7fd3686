"""Quantities beside those of BackPACK and Opacus, on one network, data and weights, in float64.

Their loss is the mean over the batch, and for squared errors over the outputs too: what they give
is ours by a power of 1/B and of that factor. Skipped where they are not installed.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import as_jax, deviation, numpy_data, numpy_params

import pure_nn
from pure_nn import quantities as q

torch = pytest.importorskip("torch", reason="needs torch: pip install 'pure_nn[bench]'")
pytestmark = [
    pytest.mark.usefixtures("x64"),
    pytest.mark.filterwarnings("ignore"),  # theirs
]

SIZES, B = (5, 6, 4, 3), 8
LOSSES = ("cross_entropy", "squared_error")
CLIP = 1.3  # which some are above


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    """As BackPACK makes arrays of its own in the usual dtype"""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@functools.cache
def ours(loss: str) -> Any:
    """net, params, cache, Y, Δ, and by what their Δ is larger than ours, but for 1/B"""
    net = pure_nn.Network(("sigmoid", "tanh", {"cross_entropy": "softmax"}.get(loss, "identity")))
    X, Y = numpy_data(SIZES, B, loss)
    Y = np.eye(3)[np.argmax(Y, axis=0)].T if loss == "cross_entropy" else Y
    params, X, Y = as_jax((numpy_params(SIZES), X, Y))
    cache = pure_nn.forward(net, params, X)
    _, deltas = pure_nn.backward(net, params, cache, Y)
    return net, params, cache, Y, deltas, 1.0 if loss == "cross_entropy" else 2 / 3


def model_of(loss: str) -> Any:
    """Theirs: the model, X in rows, and targets"""
    _, params, cache, Y, _, _ = ours(loss)
    layers: list[Any] = []
    for layer, g in zip(params, (torch.nn.Sigmoid, torch.nn.Tanh, None), strict=True):
        n, n_in = layer["W"].shape
        linear = torch.nn.Linear(n_in, n).double()
        linear.weight.data = torch.tensor(np.array(layer["W"]))
        linear.bias.data = torch.tensor(np.array(layer["b"][:, 0]))
        layers += [linear] if g is None else [linear, g()]
    y = np.argmax(Y, axis=0) if loss == "cross_entropy" else np.array(Y.T)
    return torch.nn.Sequential(*layers), torch.tensor(np.array(cache.A[0].T)), torch.tensor(y)


def by_backpack(loss: str, extension: str, attribute: str) -> list[dict[str, Any]]:
    """Of each layer, W and b"""
    backpack = pytest.importorskip("backpack", reason="needs pip install 'pure_nn[bench]'")
    extensions = pytest.importorskip("backpack.extensions")
    model, X, y = model_of(loss)
    kind = torch.nn.CrossEntropyLoss if loss == "cross_entropy" else torch.nn.MSELoss
    model, criterion = backpack.extend(model), backpack.extend(kind())
    with backpack.backpack(getattr(extensions, extension)()):
        criterion(model(X), y).backward()
    linear = [m for m in model if isinstance(m, torch.nn.Linear)]
    return [{"W": getattr(m.weight, attribute), "b": getattr(m.bias, attribute)} for m in linear]


def leaves(of: Any, times: float) -> Any:
    """b of (n, 1) as theirs, of (n,)"""
    return [{"W": times * layer["W"], "b": times * jnp.squeeze(layer["b"], -1)} for layer in of]


TABLE: dict[str, tuple[str, Callable[..., Any], int, int]] = {
    "BatchGrad": (
        "grad_batch",
        lambda net, params, cache, Y, deltas: q.individual_gradients(net, cache, deltas),
        1,
        1,
    ),
    "SumGradSquared": (
        "sum_grad_squared",
        lambda net, params, cache, Y, deltas: q.second_moment(net, cache, deltas),
        2,
        1,
    ),
    "Variance": (
        "variance",
        lambda net, params, cache, Y, deltas: q.variance(net, cache, deltas),
        2,
        2,
    ),
    "DiagGGNExact": (
        "diag_ggn_exact",
        lambda net, params, cache, Y, deltas: q.gauss_newton_diagonal(net, params, cache, Y),
        1,
        0,
    ),
    "DiagHessian": (
        "diag_h",
        lambda net, params, cache, Y, deltas: q.hessian_diagonal(net, params, cache, Y, deltas),
        1,
        0,
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("extension", TABLE)
def test_backpack(extension: str, loss: str) -> None:
    attribute, of, power, of_batch = TABLE[extension]
    *given, scale = ours(loss)
    theirs = [
        {name: x.detach().numpy() for name, x in layer.items()}
        for layer in by_backpack(loss, extension, attribute)
    ]
    found = leaves(of(*given), scale**power / B**of_batch)
    assert deviation(found, theirs) <= 1e-13
    assert deviation(leaves(found_twice(found), 1.0), theirs) > 0.1


def found_twice(found: Any) -> Any:
    return [{"W": 2 * layer["W"], "b": layer["b"][..., None]} for layer in found]


@pytest.mark.parametrize("loss", LOSSES)
def test_backpack_norms(loss: str) -> None:
    net, _, cache, _, deltas, scale = ours(loss)
    theirs = by_backpack(loss, "BatchL2Grad", "batch_l2")
    expected = [{name: x.numpy() for name, x in layer.items()} for layer in theirs]
    norms = q.squared_norms(net, cache, deltas).layers
    found = [jax.tree.map(lambda x: x * (scale / B) ** 2, layer) for layer in norms]
    assert deviation(found, expected) <= 1e-13


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", ["KFLR", "KFRA"])
def test_backpack_factors(kind: str, loss: str) -> None:
    """Kronecker products, as a factor may have what the other lacks; ours have the row of b too"""
    net, params, cache, Y, _, scale = ours(loss)
    of = net, params, cache, Y
    found = q.kronecker_factors(*of, kind="exact") if kind == "KFLR" else q.kfra_factors(*of)
    for layer, factors in zip(by_backpack(loss, kind, kind.lower()), found, strict=True):
        G, A = (x.numpy() for x in layer["W"])
        by_ours = np.kron(scale * factors.G, factors.A[:-1, :-1])
        assert deviation(by_ours, np.kron(G, A)) <= 1e-13
        assert deviation(scale * factors.G, layer["b"][0].numpy()) <= 1e-13


def test_opacus() -> None:
    net, _, cache, _, deltas, _ = ours("cross_entropy")
    opacus = pytest.importorskip("opacus.grad_sample", reason="needs pip install 'pure_nn[bench]'")
    model, X, y = model_of("cross_entropy")
    model = opacus.GradSampleModule(model, loss_reduction="sum")
    torch.nn.functional.cross_entropy(model(X), y, reduction="sum").backward()
    samples = [p.grad_sample for p in model.parameters()]
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in samples]).norm(dim=0)
    c = (CLIP / norms).clamp(max=1.0)
    clipped = [torch.einsum("b,b...->...", c, g).numpy() for g in samples]
    found = q.clipped_sum(net, cache, deltas, CLIP)
    ours_, theirs = leaves(found.sum, 1.0), zip(clipped[::2], clipped[1::2], strict=True)
    assert deviation(ours_, [{"W": W, "b": b} for W, b in theirs]) <= 1e-13
    assert deviation(jnp.sqrt(found.squared_norms.all), norms.numpy()) <= 1e-13
    assert 0 < np.sum(np.asarray(c) < 1) < B
