"""What the tests of quantities share: networks of one shape, and all that autodiff says of them.

Autodiff's is one program for each network, of the page's forward in jax.nn and optax; what a
quantity is by definition is then written in NumPy.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from helpers import as_jax, as_numpy, numpy_data, numpy_params
from jax.flatten_util import ravel_pytree

import pure_nn
from pure_nn import quantities as q
from verify import oracles

F64 = npt.NDArray[np.float64]
SIZES, B = (3, 5, 4, 3), 6
NETS: dict[str, tuple[tuple[str, ...], str]] = {
    "softmax, cross_entropy": (("tanh", "leaky_relu", "softmax"), "cross_entropy"),
    "sigmoid, binary_cross_entropy": (("sigmoid", "tanh", "sigmoid"), "binary_cross_entropy"),
    "identity, squared_error": (("tanh", "sigmoid", "identity"), "squared_error"),
    "tanh, squared_error": (("leaky_relu", "tanh", "tanh"), "squared_error"),
    "sigmoid, squared_error": (("tanh", "leaky_relu", "sigmoid"), "squared_error"),
    "sigmoid, cross_entropy": (("tanh", "sigmoid", "sigmoid"), "cross_entropy"),
    "softmax, squared_error": (("sigmoid", "tanh", "softmax"), "squared_error"),
    "softmax, binary_cross_entropy": (("tanh", "tanh", "softmax"), "binary_cross_entropy"),
    "linear": (("identity",) * 3, "squared_error"),
    "hidden softmax": (("softmax", "tanh", "identity"), "squared_error"),
}
BY_ITSELF = ("softmax, cross_entropy", "sigmoid, binary_cross_entropy", "sigmoid, cross_entropy")


class Example(NamedTuple):
    """A network with all that the quantities take, and a direction V like the params"""

    net: pure_nn.Network
    params: Any
    X: Any
    Y: Any
    cache: Any
    deltas: Any
    V: Any


class Autodiff(NamedTuple):
    """Of each example: the gradients (B, P), Δ and A of each layer, J of Z[L], and J of what 𝓛
    bends as a function of, with its own Hessian; and the Hessian (P, P) of the cost"""

    grads: F64
    deltas: tuple[F64, ...]
    A: tuple[F64, ...]
    of_Z: F64
    slopes: F64
    slopes_below: tuple[F64, ...]
    bend: F64
    hessian: F64

    @property
    def gauss_newton(self) -> F64:
        found: F64 = np.einsum("bip,bij,bjq->pq", self.slopes, self.bend, self.slopes) / B_of(self)
        return found


def B_of(o: Autodiff) -> int:
    return len(o.grads)


def of_arrays(net: pure_nn.Network, params: Any, X: Any, Y: Any, V: Any, **how: Any) -> Example:
    cache = pure_nn.forward(net, params, X, **how)
    _, deltas = pure_nn.backward(net, params, cache, Y)
    return Example(net, params, X, Y, cache, deltas, V)


@functools.cache
def example(name: str, examples: int = B, dtype: str = "float64") -> Example:
    """Soft targets, whose columns do not sum to 1"""
    g, loss = NETS[name]
    net, params, V = pure_nn.Network(g, loss), numpy_params(SIZES), numpy_params(SIZES, seed=3)
    X, Y = (x[:, :examples] for x in numpy_data(SIZES, B, loss))
    with jax.enable_x64(True):
        return of_arrays(net, *as_jax((params, X, Y, V), dtype))


@functools.cache
def autodiff(name: str) -> Autodiff:
    e = example(name)
    with jax.enable_x64(True):
        found: Autodiff = as_numpy(_autodiff(e.net, e.params, e.X, e.Y))
    return found


def of_the_first(o: Autodiff) -> Autodiff:
    """Of a batch of one example, but for the Hessian"""
    first: Autodiff = jax.tree.map(lambda x: x[:1], o)
    return first


@oracles.compiled
def _autodiff(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Autodiff:
    flat, tree = ravel_pytree(params)
    zeros = tuple(jnp.zeros((len(layer["W"]), 1), X.dtype) for layer in params)
    g = net.activations[-1]

    def of_one(x: Any, y: Any) -> Any:
        x, y = x[:, None], y[:, None]

        def passed(flat: Any, added: Any) -> Any:
            Z, A = oracles.forward(net, tree(flat), x, added)
            return (Z[-1][:, 0], (Z if bends_by_itself(net) else A)[-1][:, 0]), A

        def loss(flat: Any, added: Any) -> Any:
            Z, _ = oracles.forward(net, tree(flat), x, added)
            return jnp.sum(oracles.losses(net.loss, g, Z[-1], y))

        def bent(out: Any) -> Any:
            if bends_by_itself(net):
                return jnp.sum(oracles.losses(net.loss, g, out[:, None], y))
            return jnp.sum(oracles.losses_from_A(net.loss, out[:, None], y))

        ((of_Z, _), (slopes, below)), A = jax.jacrev(passed, (0, 1), has_aux=True)(flat, zeros)
        (_, out), _ = passed(flat, zeros)
        grads, Δ = jax.grad(loss, (0, 1))(flat, zeros)
        bend, hessian = jax.hessian(bent)(out), jax.hessian(loss)(flat, zeros)
        squeezed = jax.tree.map(lambda x: x[..., 0], (tuple(Δ), tuple(A), tuple(below)))
        Δ, A, below = squeezed
        return Autodiff(grads, Δ, A, of_Z, slopes, below, bend, hessian)

    found: Any = jax.vmap(of_one, (1, 1))(X, Y)
    mean: Autodiff = found._replace(hessian=jnp.mean(found.hessian, axis=0))
    return mean


def bends_by_itself(net: pure_nn.Network) -> bool:
    return f"{net.activations[-1].name}, {net.loss.name}" in BY_ITSELF


def flat(tree: Any) -> F64:
    return np.concatenate([np.ravel(x) for x in jax.tree.leaves(as_numpy(tree))])


def like(params: Any, x: Any) -> Any:
    """Of the structure of the params; axes before the last stay before each leaf's"""
    leaves, treedef = jax.tree.flatten(params)
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    parts = zip(np.split(x, ends, axis=-1), leaves, strict=True)
    found = [part.reshape(*x.shape[:-1], *leaf.shape) for part, leaf in parts]
    return jax.tree.unflatten(treedef, found)


def per_example(params: Any, of_grads: Any, grads: F64) -> q.PerExample:
    """Of each leaf, and of all: `of_grads` maps (B, m) to (B,)"""
    of_leaf = jax.tree.map(lambda x: of_grads(x.reshape(len(x), -1)), like(params, grads))
    return q.PerExample(of_leaf, of_grads(grads))
