"""Dropout and L2 beside their references: the public functions that take masks, a cache or λ.

The masks D are drawn with the arrays, as the numbers 0 and 1, of X too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pure_nn
from pure_nn import interop
from pure_nn.network import Network
from verify import oracles, public, rules
from verify.bounds import recipe
from verify.cases import Arrays, Case, drawing

NET = Network(public.NET.activations, dropout=(0.2, 0.3, 0.6))
SIZES, B, LAMBDA = public.SIZES, public.B, 0.375  # λ exact in all dtypes


def all_regularized() -> Iterator[Case]:
    """The operation, and then functions, of which one row may prove several."""
    yield rules.DROPOUT
    for names, (by_hand, reference, of_recipe) in REGULARIZED.items():
        yield Case(names, by_hand, reference, of_recipe, _draw)


def _draw(rng: np.random.Generator) -> Arrays:
    """params, X, Y and weights, and D[0 … L-1]"""
    arrays = drawing(NET, SIZES, B)(rng)
    shares = zip(NET.dropout, SIZES[:-1], strict=True)
    return *arrays, tuple(rng.uniform(size=(n, B)) >= p for p, n in shares)


# by hand


def _bool(D: Any) -> Any:
    return tuple(mask.astype(bool) for mask in D)


def _passes(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    (_, *Z), A = cache = pure_nn.forward(NET, params, X, masks=_bool(D))
    delta_L = pure_nn.output_delta(NET, cache, Y)
    deltas = pure_nn.backpropagate(NET, params, cache, delta_L)
    dX = pure_nn.input_gradient(NET, params, deltas, masks=_bool(D))
    losses = pure_nn.losses(NET, params, X, Y, masks=_bool(D))
    return Z, list(A), losses, deltas, dX


def _backward(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    cache = pure_nn.forward(NET, params, X, masks=_bool(D))
    J = pure_nn.cost(NET, params, X, Y, masks=_bool(D), l2=LAMBDA)
    return J, pure_nn.backward(NET, params, cache, Y, l2=LAMBDA)[0]


def _value_and_grad(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    return pure_nn.value_and_grad(NET, params, X, Y, weights=weights, masks=_bool(D), l2=LAMBDA)


def _recompute(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    said: Any = {"weights": weights, "masks": _bool(D), "l2": LAMBDA, "recompute": True}
    return pure_nn.value_and_grad(NET, params, X, Y, **said)


def _interop(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    said: Any = {"weights": weights, "masks": _bool(D), "l2": LAMBDA}
    return jax.grad(lambda params, X: interop.cost(NET, params, X, Y, **said), (0, 1))(params, X)


# by autodiff


def _forward(params: Any, X: Any, D: Any, added: Any) -> tuple[list[Any], list[Any]]:
    """Z[1 … L] and A[0 … L] of the page, where each layer reads D ∘ A/(1 − p)."""
    Z: list[Any] = []
    A = [X]
    layers = zip(params, NET.activations, NET.dropout, D, added, strict=True)
    for layer, g, p, mask, more in layers:
        read = mask * A[-1] / (1 - p)
        Z.append(jnp.matmul(layer["W"], read, precision="highest") + layer["b"] + more)
        A.append(oracles.activation(g, Z[-1]))
    return Z, A


def _losses(params: Any, X: Any, Y: Any, D: Any, added: Any = (0.0, 0.0, 0.0)) -> Any:
    Z, A = _forward(params, X, D, added)
    return oracles.losses(NET.loss, NET.activations[-1], Z[-1], Y), (Z, A)


@oracles.compiled
def _passes_reference(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    def total(X: Any, added: Any) -> Any:
        losses, (Z, A) = _losses(params, X, Y, D, added)
        return jnp.sum(losses), (losses, Z, A)

    zeros = [jnp.zeros((n, B), X.dtype) for n in SIZES[1:]]
    (dX, Δ), (losses, Z, A) = jax.grad(total, (0, 1), has_aux=True)(X, zeros)
    return Z, A, losses, (None, *Δ), dX


def _cost(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    squares = sum(jnp.sum(layer["W"] ** 2) for layer in params)
    return jnp.mean(weights * _losses(params, X, Y, D)[0]) + LAMBDA / 2 * squares


@oracles.compiled
def _backward_reference(params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
    return jax.value_and_grad(_cost)(params, X, Y, jnp.ones_like(weights), D)


# in any arithmetic


def _recipe(pick: Callable[..., Any], *, weighted: bool = True) -> Callable[..., Any]:
    """What `pick` takes of an arithmetic, of all that the recipe leaves, and of the weights"""

    def of_arithmetic(m: Any, params: Any, X: Any, Y: Any, weights: Any, D: Any) -> Any:
        masks: Mapping[int, Any] = dict(enumerate(zip(D, NET.dropout, strict=True)))
        w = weights if weighted else None
        found = recipe.network(m, NET, params, X, Y, w, l2=LAMBDA, masks=masks)
        return pick(m, found, m.exact(weights[None, :]))

    return of_arithmetic


REGULARIZED: dict[str, tuple[Callable[..., Any], ...]] = {
    "forward, losses, output_delta, backpropagate, input_gradient: dropout": (
        _passes,
        _passes_reference,
        _recipe(lambda m, of, w: (list(of.Z[1:]), list(of.G), of.losses, of.deltas, of.dX)),
    ),
    "cost, backward, gradients: dropout, L2": (
        _backward,
        _backward_reference,
        _recipe(lambda m, of, w: (of.J, of.grads), weighted=False),
    ),
    "value_and_grad: dropout, weights, L2": (
        _value_and_grad,
        oracles.compiled(jax.value_and_grad(_cost)),
        _recipe(lambda m, of, w: (of.J, of.grads)),
    ),
    "value_and_grad: recompute, dropout, weights, L2": (
        _recompute,
        oracles.compiled(jax.value_and_grad(_cost)),
        _recipe(lambda m, of, w: (of.J, of.grads)),
    ),
    "interop.cost: dropout, weights, L2": (
        _interop,
        oracles.compiled(jax.grad(_cost, (0, 1))),
        _recipe(lambda m, of, w: (of.grads, m.stored(w * m.stored(of.dX / B)))),
    ),
}
