"""Networks, activations and losses that cannot be are refused when they are made."""

import math
import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import pairs

import pure_nn

pytestmark = pytest.mark.usefixtures("as_installed")
wrongly: Any = pure_nn  # called with what its types do not allow
ALL_ACTIVATIONS = "identity, leaky_relu, relu, sigmoid, softmax, tanh"
ALL_LOSSES = "binary_cross_entropy, cross_entropy, squared_error"


def row(name: str, make: Any, error: type[Exception], message: str) -> Any:
    return pytest.param(make, error, re.escape(message), id=name)


def activation(*args: Any, **kwargs: Any) -> pure_nn.Activation:
    return pure_nn.Activation("f", *args, **kwargs)


def loss(*args: Any, **kwargs: Any) -> pure_nn.Loss:
    return pure_nn.Loss("f", *args, **kwargs)


def network(*args: Any) -> pure_nn.Network:
    return pure_nn.Network(*args)


NETWORKS = [
    row(
        "unknown activation",
        lambda: network(("tanhh", "softmax")),
        ValueError,
        f"Network: unknown activation 'tanhh'; known: {ALL_ACTIVATIONS}, or a pure_nn.Activation",
    ),
    row(
        "unknown loss",
        lambda: network(("softmax",), "mse"),
        ValueError,
        f"Network: unknown loss 'mse'; known: {ALL_LOSSES}, or a pure_nn.Loss",
    ),
    row("a loss as activation", lambda: network(("cross_entropy",)), ValueError, "unknown activ"),
    row("an activation as loss", lambda: network(("softmax",), "tanh"), ValueError, "unknown loss"),
    row("a number", lambda: network((3,)), ValueError, "unknown activation 3; known: identity"),
    row(
        "one name",
        lambda: network("relu"),
        TypeError,
        "Network: expected a sequence of activations, one per layer, got 'relu'; "
        "for one layer write activations=('relu',)",
    ),
    row("one activation", lambda: network(pure_nn.tanh()), TypeError, "expected a sequence of act"),
    row("no sequence", lambda: network(3), TypeError, "one per layer, got 3"),
    row(
        "not called",
        lambda: network((pure_nn.relu, "softmax")),
        ValueError,
        "or a pure_nn.Activation; write relu()",
    ),
    row(
        "loss not called",
        lambda: network(("softmax",), pure_nn.cross_entropy),
        ValueError,
        "or a pure_nn.Loss; write cross_entropy()",
    ),
    row(
        "no layers",
        lambda: network(()),
        ValueError,
        "Network: expected at least one activation, one per layer, got none",
    ),
    row(
        "no loss follows",
        lambda: network(("softmax", "tanh")),
        ValueError,
        "Network: no loss follows from the output tanh(); give loss=, one of squared_error",
    ),
    row(
        "no loss follows from one's own",
        lambda: network((activation(abs, abs, range=(0.0, 1.0)),)),
        ValueError,
        f"no loss follows from the output f(); give loss=, one of {ALL_LOSSES} or a pure_nn.Loss",
    ),
    row(
        "a pair that does not fit",
        lambda: network(("sigmoid", "tanh"), "cross_entropy"),
        ValueError,
        "Network: cross_entropy is defined for 0.0 ≤ A ≤ 1.0, but the output tanh() ranges over "
        "(-1.0, 1.0); losses that fit it: squared_error",
    ),
]
VALUES = [
    row(
        "g",
        lambda: activation(3, abs),
        TypeError,
        "f: expected g to be a function of",
    ),
    row("g_prime", lambda: activation(abs, 3), TypeError, "f: expected g_prime to be a function"),
    row("g_second", lambda: activation(abs, abs, 3), TypeError, "expected g_second to be a func"),
    row("g_prime of 0", lambda: activation(abs, 0), TypeError, "expected g_prime to be a func"),
    row(
        "direct by name",
        lambda: loss(abs, abs, direct={"sigmoid": abs}),
        TypeError,
        "f: expected the keys of direct to be activations, such as pure_nn.sigmoid(), got 'sig",
    ),
    row(
        "direct of no function",
        lambda: loss(abs, abs, direct={pure_nn.sigmoid(): 3}),
        TypeError,
        "f: expected direct[sigmoid()] to be a function of arrays, got 3",
    ),
    row(
        "from_Z by name",
        lambda: loss(abs, abs, from_Z={"sigmoid": abs}),
        TypeError,
        "f: expected the keys of from_Z to be activations",
    ),
    row(
        "a slope in words",
        lambda: wrongly.leaky_relu("0.1"),
        ValueError,
        "in (0, 1), got 0.1",
    ),
    row("no slope", lambda: wrongly.relu(None), ValueError, "in [0, 1], got None"),
    row("value", lambda: loss(3, abs), TypeError, "f: expected value to be a function of arrays"),
    row("dA", lambda: loss(abs, 3), TypeError, "f: expected dA to be a function of arrays, got 3"),
    row(
        "range",
        lambda: activation(abs, abs, range=(1.0, -1.0)),
        ValueError,
        "f: expected an interval (low, high), low < high, got (1.0, -1.0)",
    ),
    row("empty domain", lambda: loss(abs, abs, domain=(0.0, 0.0)), ValueError, "low < high, got"),
    row("NaN", lambda: activation(abs, abs, range=(math.nan, 1.0)), ValueError, "low < high, got"),
    row(
        "infinite",
        lambda: activation(abs, abs, c=math.inf),
        ValueError,
        "expected c to be finite, got inf",
    ),
    row("NaN constant", lambda: activation(abs, abs, c=math.nan), ValueError, "finite, got nan"),
    row(
        "array",
        lambda: activation(abs, abs, c=jnp.ones(())),
        TypeError,
        "f: expected c to be a Python number, got Array(1., dtype=float32)",
    ),
    row("boolean", lambda: activation(abs, abs, c=True), TypeError, "a Python number, got True"),
    row("string", lambda: activation(abs, abs, c="1"), TypeError, "a Python number, got '1'"),
    row(
        "at_zero above",
        lambda: pure_nn.relu(at_zero=1.5),
        ValueError,
        "relu: expected at_zero, which is g′(0), in [0, 1], got 1.5",
    ),
    row("at_zero below", lambda: pure_nn.relu(at_zero=-0.5), ValueError, "in [0, 1], got -0.5"),
    row("at_zero NaN", lambda: pure_nn.relu(at_zero=math.nan), ValueError, "in [0, 1], got nan"),
    row(
        "no g_prime",
        lambda: activation(abs, None).g_prime(jnp.ones(1), jnp.ones(1)),
        TypeError,
        "f states no derivative of order 1 entry by entry",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), NETWORKS + VALUES)
def test_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("a", [0.0, 1.0, -0.1, 1.1, math.inf, math.nan, 0, 1])
def test_slopes_outside_the_open_interval(a: float) -> None:
    message = f"leaky_relu: expected a slope a in (0, 1), got {a}; a = 0 is relu()"
    with pytest.raises(ValueError, match=re.escape(message)):
        pure_nn.leaky_relu(a=a)


@pytest.mark.parametrize("a", [5e-324, 0.01, math.nextafter(1, 0), np.float64(0.5)])
def test_slopes_inside(a: float) -> None:
    assert pure_nn.leaky_relu(a).constants == (("a", float(a)),)


@pytest.mark.parametrize("at_zero", [0, 0.0, 0.5, 1.0, 1])
def test_slopes_at_zero(at_zero: float) -> None:
    assert pure_nn.relu(at_zero) == pure_nn.relu(at_zero=float(at_zero))


@pytest.mark.parametrize("name", ["sigmoid", "softmax", "identity"])
def test_the_loss_follows_from_the_output(name: str) -> None:
    implied = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}
    assert pure_nn.Network((name,)) == pure_nn.Network((name,), implied.get(name, "squared_error"))


@pairs
def test_pairs_that_fit(output: str, loss: str) -> None:
    made = pure_nn.Network((output,), loss)
    assert (made.activations[0].name, made.loss.name) == (output, loss)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("output", ["tanh", "relu", "leaky_relu", "identity"])
def test_pairs_that_do_not_fit(output: str, loss: str) -> None:
    message = f"{loss} is defined for 0.0 ≤ A ≤ 1.0, but the output {output}"
    with pytest.raises(ValueError, match=re.escape(message)):
        pure_nn.Network((output,), loss)


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ((0.0, math.inf), ["relu", "sigmoid", "softmax"]),
        ((-1.0, 1.0), ["sigmoid", "softmax", "tanh"]),
        ((-math.inf, 1.0), ["sigmoid", "softmax", "tanh"]),
        ((-0.5, 1.5), ["sigmoid", "softmax"]),
        ((-0.5, 0.5), []),
    ],
    ids=str,
)
def test_a_loss_fits_where_its_domain_holds_the_range(domain: Any, names: list[str]) -> None:
    made = loss(abs, abs, domain=domain)
    outputs = [getattr(pure_nn, name)() for name in ALL_ACTIVATIONS.split(", ")]
    assert [g.name for g in outputs if made.fits(g)] == names
