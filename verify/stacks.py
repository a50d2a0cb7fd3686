"""Stacked parameters beside their references, which go layer by layer."""

import functools
from collections.abc import Iterator
from typing import Any

import pure_nn
from pure_nn.network import Network
from verify import oracles
from verify.bounds import recipe
from verify.cases import Case, drawing

NET, SIZES, B = Network(("tanh", "sigmoid", "sigmoid", "sigmoid")), (3, 4, 4, 4, 2), 6


def all_stacked() -> Iterator[Case]:
    """Layers 2 and 3 in one entry: as they are, and with most of the cache computed again."""
    draw = drawing(NET, SIZES, B)
    for name, recompute in STACKED.items():
        by_hand = functools.partial(_by_hand, recompute=recompute)
        yield Case(name, by_hand, _reference, _recipe, draw)


STACKED = {"stack": False, "unstack": True}  # each row has both functions


def _by_hand(params: Any, X: Any, Y: Any, weights: Any, *, recompute: bool) -> Any:
    stack, more = pure_nn.stack(params, NET), {"weights": weights, "recompute": recompute}
    J, grads = pure_nn.value_and_grad(NET, stack, X, Y, **more)
    return J, pure_nn.unstack(grads)


def _reference(params: Any, X: Any, Y: Any, weights: Any) -> Any:
    return oracles.audit(NET, params, X, Y, weights)[0]


def _recipe(m: Any, params: Any, X: Any, Y: Any, weights: Any) -> Any:
    found = recipe.network(m, NET, params, X, Y, weights)
    return found.J, found.grads
