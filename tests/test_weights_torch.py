"""To and from PyTorch: the same outputs to rounding, and the same bits of every weight."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import numpy_data, numpy_params

import pure_nn
from pure_nn import interop

torch = pytest.importorskip("torch")
SIZES = (3, 5, 4, 2)
NET = pure_nn.Network(("tanh", "leaky_relu", "softmax"))
X = numpy_data(SIZES, 6, "squared_error")[0]
DTYPES = {"float64": 1e-15, "float32": 1e-6, "bfloat16": 2.0**-7, "float16": 2.0**-10}


def sequential(dtype: str, bias: bool = True) -> Any:
    torch.manual_seed(0)
    linear = [torch.nn.Linear(n, m, bias) for n, m in itertools.pairwise(SIZES)]
    g = [torch.nn.Tanh(), torch.nn.LeakyReLU(), torch.nn.Softmax(-1)]
    modules = [module for pair in zip(linear, g, strict=True) for module in pair]
    return torch.nn.Sequential(*modules).to(getattr(torch, dtype))


def outputs(model: Any, dtype: str) -> Any:
    with torch.no_grad():
        return model(torch.from_numpy(X.T).to(getattr(torch, dtype))).double().numpy().T


def loaded(model: Any, params: Any) -> Any:
    arrays = interop.to_torch(params)
    model.load_state_dict({name: torch.from_numpy(x) for name, x in arrays.items()})
    return model


def ours(params: Any, dtype: str) -> Any:
    return np.asarray(pure_nn.predict(NET, params, jnp.asarray(X, dtype)), np.float64)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", DTYPES)
def test_same_outputs_both_ways(dtype: str) -> None:
    model = sequential(dtype)
    params = interop.from_torch(model.state_dict())
    assert {str(x.dtype) for x in jax.tree.leaves(params)} == {dtype}
    np.testing.assert_allclose(outputs(model, dtype), ours(params, dtype), rtol=4 * DTYPES[dtype])
    own = jax.tree.map(lambda x: jnp.asarray(x, dtype), numpy_params(SIZES))
    theirs = outputs(loaded(model, own), dtype)
    np.testing.assert_allclose(theirs, ours(own, dtype), rtol=4 * DTYPES[dtype])
    again = interop.from_torch(model.state_dict())
    assert all(map(np.array_equal, jax.tree.leaves(again), jax.tree.leaves(own)))


def test_without_bias() -> None:
    model = sequential("float32", bias=False)
    params = interop.from_torch(model.state_dict())
    assert not any(np.any(layer["b"]) for layer in params)
    np.testing.assert_allclose(outputs(model, "float32"), ours(params, "float32"), rtol=4e-6)


def test_modules_by_name_and_tensors_that_train() -> None:
    """Tensors that require their gradients; what PyTorch does to them is not done to ours."""
    model = torch.nn.ModuleDict({"out": torch.nn.Linear(5, 2), "hidden": torch.nn.Linear(3, 5)})
    params = interop.from_torch(dict(model.named_parameters()), layers=("hidden", "out"))
    before = np.array(params[0]["W"])
    with torch.no_grad():
        model["hidden"].weight.add_(1)
    assert np.array_equal(params[0]["W"], before)
    arrays = interop.to_torch(params, layers=("hidden", "out"))
    assert {*arrays} == {*model.state_dict()}
    model.load_state_dict({name: torch.from_numpy(x) for name, x in arrays.items()})
    assert np.array_equal(model["hidden"].weight.detach().numpy(), before)


def test_a_convolution_is_refused() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Linear(3, 2))
    with pytest.raises(ValueError, match=r"0\.weight: expected \(outputs, inputs\) of a dense lay"):
        interop.from_torch(model.state_dict())
