"""Networks that cover their space, and any other network: J and all gradients of each."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import pure_nn
from pure_nn.named import ACTIVATIONS, LOSSES
from pure_nn.network import Network, Params
from verify import oracles
from verify.cases import HOWS, Case, How, drawing
from verify.covering import Row, pairwise
from verify.errors import Comparison, roundings

FACTORS: dict[str, tuple[Any, ...]] = {
    "L": (1, 2, 3, 4, 5),
    "hidden": (None, *ACTIVATIONS),
    "output": tuple(ACTIVATIONS),
    "loss": tuple(LOSSES),
    "n_in": (1, 64),
    "n_hidden": (None, 1, 64),
    "n_out": (1, 7, 64),
    "B": (1, 33),
    "weights": (False, True),
    "how": HOWS,
}


def design() -> list[Row]:
    """Networks in which every pair of values occurs that may stand in one network."""
    return pairwise(FACTORS, allowed, cheap=lambda row: row["how"].compiled)


def allowed(row: Row) -> bool:
    """Part of a row: a loss fits its output; with one layer there is nothing hidden; and no layer
    is a softmax of one unit, which is 1 and has no gradient."""
    nothing_hidden = {row[name] == none for name, none in NOTHING_HIDDEN.items() if name in row}
    constant = [(row.get(g), row.get(n)) == ("softmax", 1) for g, n in UNITS.items()]
    loss, output = row.get("loss"), row.get("output")
    fits = not (loss and output) or LOSSES[loss]().fits(ACTIVATIONS[output]())
    return fits and len(nothing_hidden) < 2 and not any(constant)


NOTHING_HIDDEN = {"L": 1, "hidden": None, "n_hidden": None}
UNITS = {"hidden": "n_hidden", "output": "n_out"}


def network_case(row: Row) -> Case:
    """J and all gradients of a network of the design."""
    L, hidden, units = row["L"], row["hidden"], row["n_hidden"]
    net = Network((*(L - 1) * (hidden,), row["output"]), row["loss"])
    sizes = (row["n_in"], *(L - 1) * (units,), row["n_out"])
    between = {1: "", 2: f"{hidden} {units} – "}.get(L, f"{L - 1} × {hidden} {units} – ")
    layers = f"{row['n_in']} – {between}{row['output']} {row['n_out']}"
    name = f"{layers}, {row['loss']}, B = {row['B']}{', weighted' * row['weights']}"
    draw, k = drawing(net, sizes, row["B"]), roundings(sizes, row["B"])
    return gradient_case(name, net, draw, k, weighted=row["weights"])


def gradient_case(name: str, net: Network, draw: Any, roundings: int, *, weighted: bool) -> Case:
    """`value_and_grad` beside that of the page's network."""

    def by_hand(params: Any, X: Any, Y: Any, weights: Any) -> Any:
        return pure_nn.value_and_grad(net, params, X, Y, weights=weights if weighted else None)

    def reference(params: Any, X: Any, Y: Any, weights: Any) -> Any:
        counted = weights if weighted else jnp.ones_like(weights)
        return oracles.audit(net, params, X, Y, counted)[0]

    return Case(name, by_hand, reference, draw, roundings)


def check_network(
    net: Network, params: Params, X: Float[Array, "n_0 B"], Y: Float[Array, "n_L B"]
) -> Comparison:
    """J and the gradients of this very network against `jax.grad` of the page's, in float64.

    Float64, so that a unit near the kink of its ReLU lies on the same side for both.
    """
    arrays = (params, X, Y, np.ones(X.shape[1]))
    k = roundings((X.shape[0], *(len(layer["W"]) for layer in params)), X.shape[1])
    case = gradient_case(str(net), net, lambda rng: arrays, k, weighted=False)
    return case.check(How("float64", compiled=True))
