"""Training runs that others printed, on data made here: plain gradient descent inside one scan.

The data, seeds and numbers are those of the course's notebooks «Planar data classification with
one hidden layer», «Initialization», «Optimization methods» and «Gradient Checking»; a cost is taken
before its update, and ReLU′(0) = 0 as in their code.
"""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import pure_nn

pytestmark = pytest.mark.usefixtures("x64")
datasets = pytest.importorskip("sklearn.datasets")
RELU = pure_nn.relu(at_zero=0.0)
DEEP = pure_nn.Network((RELU, RELU, "sigmoid"))

PLANAR = {  # seed: the first costs at 0, 1000, …; later ones hang on the last bit
    2: [0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504],
    3: [0.693162, 0.258625, 0.239334, 0.230802, 0.225528, 0.221845, 0.219094],
}
CIRCLES_HE = [
    0.8830537463419761,
    0.6879825919728063,
    0.6751286264523372,
    0.6526117768893807,
    0.6082958970572938,
    0.5304944491717495,
    0.41386458170717944,
    0.3117803464844441,
    0.23696215330322562,
    0.18597287209206836,
    0.15015556280371808,
    0.12325079292273548,
    0.09917746546525934,
    0.08457055954024273,
    0.07357895962677362,
]
MOONS = [0.702405, 0.668101, 0.635288, 0.600491, 0.573367]
MOONS += [0.551977, 0.532370, 0.514007, 0.496472, 0.468014]


def initial(seed: int, sizes: tuple[int, ...], scale: Any) -> Any:
    """W = scale(n[ℓ-1])·randn in the order W1, W2, …; b = 0."""
    randn = np.random.RandomState(seed).randn
    return tuple(
        {"W": scale(n_in) * randn(n, n_in), "b": np.zeros((n, 1))}
        for n_in, n in itertools.pairwise(sizes)
    )


def he(n_in: int) -> Any:
    return np.sqrt(2 / n_in)


def planar_flower() -> tuple[Any, Any]:
    """Two flowers of radius 4 sin 4t with noise, a class each."""
    randn = np.random.RandomState(1).randn
    points = []
    for j in range(2):
        t = np.linspace(3.12 * j, 3.12 * (j + 1), 200) + 0.2 * randn(200)
        r = 4 * np.sin(4 * t) + 0.2 * randn(200)
        points.append(np.stack([r * np.sin(t), r * np.cos(t)]))
    return np.concatenate(points, axis=1), np.repeat([[0.0, 1.0]], 200, axis=1)


def columns(data: tuple[Any, Any]) -> tuple[Any, Any]:
    """From scikit-learn's rows and labels."""
    return data[0].T, data[1][None].astype(float)


def descend(net: Any, params: Any, data: Any, rate: float, steps: int) -> Any:
    """The parameters after `steps` updates, and the cost before each."""

    def step(params: Any, _: Any) -> Any:
        J, grads = pure_nn.value_and_grad(net, params, *data)
        return jax.tree.map(lambda p, g: p - rate * g, params, grads), J

    return jax.jit(lambda params: jax.lax.scan(step, params, length=steps))(params)


def accuracy(net: Any, params: Any, data: Any) -> float:
    """In percent; a prediction is 1 where A > ½."""
    prediction = np.asarray(pure_nn.predict(net, params, data[0])) > 0.5
    return float(100 * np.mean(prediction == data[1]))


@pytest.mark.parametrize("seed", PLANAR)
def test_planar_flower(seed: int) -> None:
    net, params = pure_nn.Network(("tanh", "sigmoid")), initial(seed, (2, 4, 1), lambda n: 0.01)
    _, costs = descend(net, params, planar_flower(), 1.2, 1000 * len(PLANAR[seed]) - 999)
    np.testing.assert_allclose(costs[::1000], PLANAR[seed], rtol=0, atol=5.1e-7)


def test_planar_flower_accuracy() -> None:
    net, params = pure_nn.Network(("tanh", "sigmoid")), initial(2, (2, 4, 1), lambda n: 0.01)
    data = planar_flower()
    assert accuracy(net, descend(net, params, data, 1.2, 5000)[0], data) == 90.5


def test_circles_from_he() -> None:
    train, test = (
        columns(datasets.make_circles(n_samples=n, noise=0.05, random_state=seed))
        for n, seed in ((300, 1), (100, 2))
    )
    params, costs = descend(DEEP, initial(3, (2, 10, 5, 1), he), train, 0.01, 15_000)
    np.testing.assert_allclose(costs[::1000], CIRCLES_HE, rtol=1e-12)
    assert accuracy(DEEP, params, train) == pytest.approx(99.33333333333333, rel=1e-15)
    assert accuracy(DEEP, params, test) == 96


def test_circles_from_zeros_learn_nothing() -> None:
    train = columns(datasets.make_circles(n_samples=300, noise=0.05, random_state=1))
    params, costs = descend(DEEP, initial(3, (2, 10, 5, 1), lambda n: 0), train, 0.01, 100)
    np.testing.assert_allclose(costs, np.log(2), rtol=1e-14)
    assert accuracy(DEEP, params, train) == 50


def test_moons_in_mini_batches() -> None:
    """Batches of 64 and a last one of 44, each with its own B."""
    moons = columns(datasets.make_moons(n_samples=300, noise=0.2, random_state=3))
    X, Y = (jnp.asarray(x) for x in moons)
    orders = np.stack([np.random.RandomState(11 + i).permutation(300) for i in range(9001)])

    def step(params: Any, batch: Any) -> Any:
        J, grads = pure_nn.value_and_grad(DEEP, params, X[:, batch], Y[:, batch])
        return jax.tree.map(lambda p, g: p - 0.0007 * g, params, grads), J * len(batch)

    def epoch(params: Any, order: Any) -> Any:
        params, sums = jax.lax.scan(step, params, order[:256].reshape(4, 64))
        params, last = step(params, order[256:])
        return params, (jnp.sum(sums) + last) / 300

    _, costs = jax.jit(lambda p: jax.lax.scan(epoch, p, orders))(initial(3, (2, 5, 2, 1), he))
    np.testing.assert_allclose(costs[::1000], MOONS, rtol=0, atol=5.1e-7)


def test_gradient_checking_finds_the_planted_mistakes() -> None:
    """‖g − n‖/(‖g‖ + ‖n‖) with dW2 doubled and db1 times 4 was printed as 0.285093156781."""
    randn = np.random.RandomState(1).randn
    X, Y = jnp.asarray(randn(4, 3)), jnp.array([[1, 1, 0]])
    shapes = ((5, 4), (3, 5), (1, 3))
    params: Any = tuple({"W": randn(*shape), "b": randn(shape[0], 1)} for shape in shapes)
    flat, restore = ravel_pytree(params)
    J = jax.jit(lambda x: pure_nn.cost(DEEP, restore(x), X, Y))
    steps = 1e-7 * jnp.eye(len(flat))
    n = np.array([(J(flat + e) - J(flat - e)) / 2e-7 for e in steps])
    _, grads = pure_nn.value_and_grad(DEEP, params, X, Y)
    wrong = ({**grads[0], "b": 4 * grads[0]["b"]}, {**grads[1], "W": 2 * grads[1]["W"]}, grads[2])

    def difference(tree: Any) -> float:
        g = np.asarray(ravel_pytree(tree)[0])
        return float(np.linalg.norm(g - n) / (np.linalg.norm(g) + np.linalg.norm(n)))

    assert difference(wrong) == pytest.approx(0.285093156781, rel=1e-6)
    assert difference(grads) <= 2e-7
