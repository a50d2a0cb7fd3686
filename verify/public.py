"""The public functions of pure_nn beside their references, on a network of three unlike layers."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

import pure_nn
from pure_nn import interop
from pure_nn.network import Network
from verify import oracles
from verify.bounds import recipe
from verify.cases import Case, drawing

NET, SIZES, B = Network(("tanh", "softmax", "sigmoid")), (3, 5, 4, 2), 6


def all_public() -> Iterator[Case]:
    """One row for each public function of params and data, named after it."""
    draw = drawing(NET, SIZES, B)
    for name, (by_hand, reference, of_recipe) in PUBLIC.items():
        yield Case(name, by_hand, reference, of_recipe, draw)


# by hand


def _forward(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    (_, *Z), A = pure_nn.forward(NET, params, X)
    return Z, list(A)


def _output_delta(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    cache = pure_nn.forward(NET, params, X)
    return [pure_nn.output_delta(NET, cache, Y, form) for form in ("direct", "chain")]


def _backpropagate(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    cache = pure_nn.forward(NET, params, X)
    delta_L = pure_nn.output_delta(NET, cache, Y)
    return pure_nn.backpropagate(NET, params, cache, delta_L)


def _gradients(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    cache, deltas = pure_nn.forward(NET, params, X), _backpropagate(params, X, Y, weights)
    return pure_nn.gradients(NET, cache, deltas, weights=weights)


def _backward(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    cache = pure_nn.forward(NET, params, X)
    return pure_nn.backward(NET, params, cache, Y, weights=weights)


def _input_gradient(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    return pure_nn.input_gradient(NET, params, _backpropagate(params, X, Y, weights))


# by autodiff, most of it from one program


def _audited(params: Any, X: Any, Y: Any, weights: Any) -> dict[str, Any]:
    (J, grads), (Z, A, terms) = oracles.audit(NET, params, X, Y, weights)
    Δ = [d * B / weights[None, :] for d in terms]
    return {"J": J, "grads": grads, "Z": Z, "A": A, "deltas": (None, *Δ)}


def _reference(*names: str) -> Callable[..., Any]:
    def audited(*arrays: Any) -> Any:
        found = tuple(_audited(*arrays)[name] for name in names)
        return found if len(found) > 1 else found[0]

    return audited


@oracles.compiled
def _losses(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    return oracles.network_losses(NET, params, X, Y)


@oracles.compiled
def _input_reference(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    return jax.grad(lambda X: jnp.sum(oracles.network_losses(NET, params, X, Y)))(X)


@oracles.compiled
def _interop_reference(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    return jax.grad(lambda params, X: jnp.mean(oracles.network_losses(NET, params, X, Y)), (0, 1))(
        params, X
    )


# in any arithmetic


def _recipe(pick: Callable[..., Any], *, weighted: bool = True) -> Callable[..., Any]:
    """What `pick` takes of an arithmetic and all that the recipe leaves"""

    def of_arithmetic(m: Any, params: Any, X: Any, Y: Any, weights: Any) -> Any:
        found = recipe.network(m, NET, params, X, Y, weights if weighted else None)
        return pick(m, found, m.exact(Y))

    return of_arithmetic


def _both_deltas(m: Any, found: Any, Y: Any) -> Any:
    chain = recipe.chain(m, NET.loss, NET.activations[-1], found.Z[-1], found.A[-1], Y)
    return [found.deltas[-1], m.stored(chain)]


PUBLIC: dict[str, tuple[Callable[..., Any], ...]] = {
    "forward": (
        _forward,
        _reference("Z", "A"),
        _recipe(lambda m, found, Y: (list(found.Z[1:]), list(found.A))),
    ),
    "predict": (
        lambda params, X, Y, weights: pure_nn.predict(NET, params, X),
        lambda *arrays: _audited(*arrays)["A"][-1],
        _recipe(lambda m, found, Y: found.A[-1]),
    ),
    "losses": (
        lambda params, X, Y, weights: pure_nn.losses(NET, params, X, Y),
        _losses,
        _recipe(lambda m, found, Y: found.losses),
    ),
    "cost": (
        lambda params, X, Y, weights: pure_nn.cost(NET, params, X, Y, weights=weights),
        _reference("J"),
        _recipe(lambda m, found, Y: found.J),
    ),
    "output_delta": (
        _output_delta,
        lambda *arrays: [_audited(*arrays)["deltas"][-1]] * 2,
        _recipe(_both_deltas),
    ),
    "backpropagate": (
        _backpropagate,
        _reference("deltas"),
        _recipe(lambda m, found, Y: found.deltas),
    ),
    "gradients": (_gradients, _reference("grads"), _recipe(lambda m, found, Y: found.grads)),
    "backward": (
        _backward,
        _reference("grads", "deltas"),
        _recipe(lambda m, found, Y: (found.grads, found.deltas)),
    ),
    "value_and_grad": (
        lambda params, X, Y, weights: pure_nn.value_and_grad(NET, params, X, Y, weights=weights),
        _reference("J", "grads"),
        _recipe(lambda m, found, Y: (found.J, found.grads)),
    ),
    "input_gradient": (
        _input_gradient,
        _input_reference,
        _recipe(lambda m, found, Y: found.dX),
    ),
    "interop.cost": (
        lambda params, X, Y, weights: jax.grad(interop.cost, (1, 2))(NET, params, X, Y),
        _interop_reference,
        _recipe(lambda m, found, Y: (found.grads, m.stored(found.dX / B)), weighted=False),
    ),
}
