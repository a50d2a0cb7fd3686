"""Networks that cover their space, and any other network: J and all gradients of each."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import pure_nn
from pure_nn.named import ACTIVATIONS, LOSSES
from pure_nn.network import Network, Params
from verify import oracles
from verify.bounds import recipe
from verify.cases import Case, How, drawing
from verify.covering import Row, pairwise
from verify.errors import Comparison


def fits(loss: str, output: str) -> bool:
    return LOSSES[loss]().fits(ACTIVATIONS[output]())


PAIRS = tuple((g, name) for name in LOSSES for g in ACTIVATIONS if fits(name, g))
FACTORS: dict[str, tuple[Any, ...]] = {
    "L": (1, 2, 5),
    "output": PAIRS,
    "n_in": (1, 7, 64),
    "n_hidden": (None, 1, 64),
    "n_out": (1, 7, 64),
    "B": (1, 33),
    "weights": (False, True),
    "dtype": ("float64", "float32"),
    "compiled": (True, False),
}


def design() -> list[Row]:
    """Networks in which every pair of values occurs that may stand in one network.

    Hidden layers take the activations in turn, so that all sorts of neighbours occur.
    """
    rows = pairwise(FACTORS, allowed, cheap=lambda row: row["compiled"])
    return [{**row, "hidden": _hidden(number, row)} for number, row in enumerate(rows)]


def allowed(row: Row) -> bool:
    """Part of a row: one layer has nothing hidden, and a softmax of one unit has no gradient."""
    nothing_hidden = {row[name] == none for name, none in NOTHING_HIDDEN.items() if name in row}
    constant = row.get("output", ("",))[0] == "softmax" and row.get("n_out") == 1
    return len(nothing_hidden) < 2 and not constant


NOTHING_HIDDEN = {"L": 1, "n_hidden": None}


def _hidden(number: int, row: Row) -> tuple[str, ...]:
    names = [name for name in ACTIVATIONS if (name, row["n_hidden"]) != ("softmax", 1)]
    turn = itertools.islice(itertools.cycle(names), number, number + row["L"] - 1)
    return tuple(turn)


def network_case(row: Row) -> Case:
    """J and all gradients of a network of the design."""
    (output, loss), hidden, units = row["output"], row["hidden"], row["n_hidden"]
    sizes = (row["n_in"], *[units] * len(hidden), row["n_out"])
    below = f"{', '.join(hidden)} of {units} – " if hidden else ""
    layers = f"{row['n_in']} – {below}{output} of {row['n_out']}"
    name = f"{layers}, {loss}, B = {row['B']}{', weighted' * row['weights']}"
    net = Network((*hidden, output), loss)
    return gradient_case(name, net, drawing(net, sizes, row["B"]), weighted=row["weights"])


def gradient_case(name: str, net: Network, draw: Any, *, weighted: bool) -> Case:
    """`value_and_grad` beside that of the page's network."""

    def by_hand(params: Any, X: Any, Y: Any, weights: Any) -> Any:
        return pure_nn.value_and_grad(net, params, X, Y, weights=weights if weighted else None)

    def reference(params: Any, X: Any, Y: Any, weights: Any) -> Any:
        counted = weights if weighted else jnp.ones_like(weights)
        return oracles.value_and_grad(net, params, X, Y, counted)

    def of_recipe(m: Any, params: Any, X: Any, Y: Any, weights: Any) -> Any:
        found = recipe.network(m, net, params, X, Y, weights if weighted else None)
        return found.J, _in_the_structure_of(params, found.grads)

    return Case(name, by_hand, reference, of_recipe, draw, many_digits=False)


def _in_the_structure_of(params: Any, grads: Any) -> Any:
    ordered = [
        grad[name.key]
        for layer, grad in zip(params, grads, strict=True)
        for (name,), _ in jax.tree.leaves_with_path(layer)
    ]
    return jax.tree.unflatten(jax.tree.structure(params), ordered)


def check_network(
    net: Network, params: Params, X: Float[Array, "n_0 B"], Y: Float[Array, "n_L B"]
) -> Comparison:
    """J and the gradients of this very network against `jax.grad` of the page's, in float64.

    Float64, so that a unit near the kink of its ReLU lies on the same side for both.
    """
    arrays = (params, X, Y, np.ones(X.shape[1]))
    case = gradient_case(str(net), net, lambda rng: arrays, weighted=False)
    return case.check(How("float64", compiled=True)).ours
