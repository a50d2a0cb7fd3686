"""The published unit checks of the course, driven through the public functions.

Each driver takes the arrays of a check and returns its results under the course's names. The λ of
the library is the course's λ/m.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pure_nn
from pure_nn import dropout
from pure_nn.l2 import penalized

RELU = pure_nn.relu(at_zero=0.0)  # as in the course's code
DEEP = pure_nn.Network((RELU, RELU, "sigmoid"))
LOGISTIC = pure_nn.Network(("sigmoid",))
PLANAR = pure_nn.Network(("tanh", "sigmoid"))
UNIT: Any = ({"W": np.eye(1), "b": np.zeros((1, 1))},)


def arrays(inputs: Any) -> Any:
    return jax.tree.map(
        lambda x: np.asarray(x, float), inputs, is_leaf=lambda x: isinstance(x, list)
    )


def layers(given: Any) -> Any:
    """W1, b1, W2, … of a check as parameters."""
    L = sum(name.startswith("W") for name in given)
    return tuple({"W": given[f"W{l}"], "b": given[f"b{l}"]} for l in range(1, L + 1))


def by_name(prefix: str, tree: Any) -> dict[str, Any]:
    return {f"{prefix}{k}{l}": x for l, layer in enumerate(tree, 1) for k, x in layer.items()}


def descend(net: Any, params: Any, X: Any, Y: Any, rate: float, steps: int) -> Any:
    """Parameters after plain gradient descent, and the gradients of the last step."""

    def step(carry: Any, _: Any) -> Any:
        grads = pure_nn.value_and_grad(net, carry[0], X, Y)[1]
        return (jax.tree.map(lambda p, g: p - rate * g, carry[0], grads), grads), None

    return jax.jit(lambda p: jax.lax.scan(step, (p, p), length=steps)[0])(params)


def one_layer(given: Any) -> Any:
    return ({"W": given["w"].T, "b": np.reshape(given["b"], (1, 1))},)


def propagate(given: Any) -> dict[str, Any]:
    J, (d,) = pure_nn.value_and_grad(LOGISTIC, one_layer(given), given["X"], given["Y"])
    return {"dw": d["W"].T, "db": d["b"][0, 0], "cost": J}


def optimize(given: Any) -> dict[str, Any]:
    data, steps = (given["X"], given["Y"]), int(given["num_iterations"])
    (p,), (d,) = descend(LOGISTIC, one_layer(given), *data, given["learning_rate"], steps)
    return {"w": p["W"].T, "b": p["b"][0, 0], "dw": d["W"].T, "db": d["b"][0, 0]}


def planar_forward(given: Any) -> dict[str, Any]:
    (_, *Z), A = pure_nn.forward(PLANAR, layers(given), given["X"])
    means = {f"Z{l}mean#nolabel": np.mean(z) for l, z in enumerate(Z, 1)}
    return {**means, **{f"A{l}mean#nolabel": np.mean(A[l]) for l in (1, 2)}, "A2": A[2]}


def planar_backward(given: Any) -> dict[str, Any]:
    c = given["cache"]
    cache = pure_nn.Cache((None, c["Z1"], c["Z2"]), (given["X"], c["A1"], c["A2"]))
    grads, _ = pure_nn.backward(PLANAR, layers(given), cache, given["Y"])
    return by_name("d", grads)


def planar_model(seed: int) -> Callable[[Any], dict[str, Any]]:
    def train(given: Any) -> dict[str, Any]:
        randn = np.random.RandomState(seed).randn
        W = [0.01 * randn(4, 2), 0.01 * randn(1, 4)]
        params = tuple({"W": w, "b": np.zeros((len(w), 1))} for w in W)
        return by_name("", descend(PLANAR, params, given["X"], given["Y"], 1.2, 10_000)[0])

    return train


def cost(given: Any) -> dict[str, Any]:
    """From A alone, and from a Z that gives it."""
    A, Y = (jnp.asarray(x) for x in given.values())
    value = pure_nn.binary_cross_entropy().value(A, A, Y, pure_nn.identity())
    through_Z = pure_nn.losses(LOGISTIC, UNIT, jnp.log(A / (1 - A)), Y)
    np.testing.assert_allclose(value, through_Z, rtol=1e-13)
    return {"cost": jnp.mean(value)}


def linear_forward(given: Any) -> dict[str, Any]:
    params = ({"W": given["W"], "b": given["b"]},)
    return {"Z": pure_nn.forward(pure_nn.Network(("identity",)), params, given["A"]).Z[1]}


def activation_forward(given: Any) -> dict[str, Any]:
    params, X = ({"W": given["W"], "b": given["b"]},), given["A_prev"]
    relu = pure_nn.predict(pure_nn.Network((RELU,), "squared_error"), params, X)
    return {"With sigmoid: A": pure_nn.predict(LOGISTIC, params, X), "With ReLU: A": relu}


def deep_forward(given: Any) -> dict[str, Any]:
    params = layers(given)
    net = pure_nn.Network((*(RELU,) * (len(params) - 1), "sigmoid"))
    return {"AL": pure_nn.predict(net, params, given["X"])}


def linear_backward(given: Any, dZ: Any = None) -> dict[str, Any]:
    net, params = pure_nn.Network(("identity",)), ({"W": given["W"], "b": given["b"]},)
    delta = given["dZ"] if dZ is None else dZ
    cache, deltas = pure_nn.Cache((None, delta), (given["A_prev"], delta)), (None, delta)
    (d,) = pure_nn.gradients(net, cache, deltas)
    dA = pure_nn.input_gradient(net, params, deltas)
    return {"dA_prev": dA, "dW": d["W"], "db": d["b"]}


def activation_backward(g: pure_nn.Activation) -> Callable[[Any], dict[str, Any]]:
    def through(given: Any) -> dict[str, Any]:
        Z, dA = jnp.asarray(given["Z"]), jnp.asarray(given["dA"])
        return linear_backward(given, g.pull(Z, g.g(Z), dA))

    return through


def deep_backward(given: Any) -> dict[str, Any]:
    """From caches that are unrelated random arrays; the numbers of before 2021 count dA from 1."""
    net, params = pure_nn.Network((RELU, "sigmoid")), layers(given)
    A = (given["A0"], given["A1"], given["AL"])
    cache = pure_nn.Cache((None, given["Z1"], given["Z2"]), A)
    delta_L = pure_nn.output_delta(net, cache, given["Y"], form="chain")
    deltas = pure_nn.backpropagate(net, params, cache, delta_L)
    dA = {"dA0": pure_nn.input_gradient(net, params, deltas), "dA1": params[1]["W"].T @ delta_L}
    return by_name("d", pure_nn.gradients(net, cache, deltas)) | dA


def l2_cost(given: Any) -> dict[str, Any]:
    A, Y = given["A3"], given["Y"]
    J = cost({"A": A, "Y": Y})["cost"]
    params = jax.tree.map(jnp.asarray, layers(given))
    return {"cost": penalized(J, params, float(given["lambd"]) / Y.size)}


def l2_backward(given: Any) -> dict[str, Any]:
    c, params = given["cache"], layers(given["cache"])
    A = (given["X"], c["A1"], c["A2"], c["A3"])
    cache = pure_nn.Cache((None, c["Z1"], c["Z2"], c["Z3"]), A)
    decay = float(given["lambd"]) / given["Y"].size
    grads, _ = pure_nn.backward(DEEP, params, cache, given["Y"], l2=decay)
    return {f"dW{l}": g["W"] for l, g in enumerate(grads, 1)}


def dropout_net(given: Any) -> pure_nn.Network:
    p = 1 - float(given["keep_prob"])
    return pure_nn.Network(DEEP.activations, dropout=p)


def dropout_forward(given: Any) -> dict[str, Any]:
    masks = (None, given["D1"], given["D2"])
    return {"A3": pure_nn.forward(dropout_net(given), layers(given), given["X"], masks=masks).A[3]}


def dropout_backward(given: Any) -> dict[str, Any]:
    """dA after the mask, as the course prints it: the rule sees it before g′."""
    c, net = given["cache"], dropout_net(given)
    A = (given["X"], c["A1"], c["A2"], c["A3"])
    D = (None, *(jnp.asarray(c[name], bool) for name in ("D1", "D2")))
    Z = (None, c["Z1"], c["Z2"], c["Z3"])
    cache = pure_nn.DropoutCache(Z, tuple(map(jnp.asarray, A)), D)
    deltas = pure_nn.backpropagate(net, layers(c), cache, c["A3"] - given["Y"])
    dA = (dropout.pull(net.dropout[l], D[l], layers(c)[l]["W"].T @ deltas[l + 1]) for l in (1, 2))
    return dict(zip(("dA1", "dA2"), dA, strict=True))


def renamed(driver: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """What release 2 calls dA1 is dA0."""
    return lambda given: {**(results := driver(given)), "dA1": results["dA0"]}


DRIVERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "propagate_2017": propagate,
    "propagate_2018": propagate,
    "propagate_2021": propagate,
    "optimize_2017": optimize,
    "optimize_2018": optimize,
    "planar_forward_2017": planar_forward,
    "planar_forward_2018": planar_forward,
    "planar_forward_2021": planar_forward,
    "planar_cost_2017": cost,
    "planar_cost_2018": cost,
    "planar_backward_2017": planar_backward,
    "planar_backward_2018": planar_backward,
    "planar_nn_model_2018": planar_model(2),
    "planar_nn_model_2021": planar_model(3),
    "linear_forward": linear_forward,
    "linear_activation_forward": activation_forward,
    "L_model_forward_1hidden": deep_forward,
    "L_model_forward_2hidden": deep_forward,
    "compute_cost_v2": cost,
    "compute_cost_v4a": cost,
    "linear_backward_v2": linear_backward,
    "linear_backward_v4a": linear_backward,
    "linear_activation_backward_sigmoid": activation_backward(pure_nn.sigmoid()),
    "linear_activation_backward_relu": activation_backward(RELU),
    "L_model_backward_v2": renamed(deep_backward),
    "L_model_backward_v4a": deep_backward,
    "L_model_backward_2021": deep_backward,
    "l2_cost": l2_cost,
    "l2_backward": l2_backward,
    "dropout_forward": dropout_forward,
    "dropout_backward": dropout_backward,
}
