"""A network in words that a file can hold, and the network of such words: names and constants.

    {"activations": [{"name": "leaky_relu", "constants": {"a": 0.01}, "built_in": true}, …],
     "loss": {"name": "cross_entropy", "constants": {}, "built_in": true},
     "dropout": [0.0, 0.5]}

The functions of an activation or loss of one's own are in no file: such a network is described,
and known again, but not made.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pure_nn.named import ACTIVATIONS, LOSSES
from pure_nn.structure import Network
from pure_nn.types import Activation, Loss


def described(net: Network) -> dict[str, Any]:
    """The words, which JSON holds exactly."""
    return {
        "activations": [_described(g, ACTIVATIONS) for g in net.activations],
        "loss": _described(net.loss, LOSSES),
        "dropout": list(net.dropout),
    }


def network(description: Any, net: Network | None = None) -> Network:
    """The network that is described; `net` itself, once it is known to be that one.

    ValueError: what is no description, another network than `net`; without `net`, an activation
    or loss of one's own.
    """
    made = _made(description) if net is None else net
    if described(made) != description:
        raise ValueError(
            f"expected the network given, net={made}, got the description of another: {description}"
        )
    return made


def _described(x: Activation | Loss, known: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    constants = dict(getattr(x, "constants", ()))
    built_in = x.name in known and _equal(known[x.name], constants, x)
    return {"name": x.name, "constants": constants, "built_in": built_in}


def _equal(make: Callable[..., Any], constants: Mapping[str, float], x: Any) -> bool:
    try:
        return bool(make(**constants) == x)
    except (TypeError, ValueError):  # constants of one's own
        return False


def _made(description: Any) -> Network:
    try:
        of_layers, of_loss = description["activations"], description["loss"]
        _require_built_in(*of_layers, of_loss)
        activations = [ACTIVATIONS[g["name"]](**g["constants"]) for g in of_layers]
        return Network(
            activations, LOSSES[of_loss["name"]](), dropout=tuple(description["dropout"])
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"expected the description of a network, got {description}") from error


def _require_built_in(*described: Mapping[str, Any]) -> None:
    own = [x["name"] for x in described if not x["built_in"]]
    if own:
        raise ValueError(
            f"expected activations and a loss that pure_nn has, got {', '.join(own)}, whose "
            "functions no file holds; give net=, the network with them"
        )
