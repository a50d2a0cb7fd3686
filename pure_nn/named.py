"""The names of activations and losses, and which loss an output implies."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pure_nn.activations import identity, leaky_relu, relu, sigmoid, softmax, tanh
from pure_nn.losses import binary_cross_entropy, cross_entropy, squared_error
from pure_nn.types import Activation, Loss

T = TypeVar("T", Activation, Loss)

ACTIVATIONS: Mapping[str, Callable[[], Activation]] = {
    f.__name__: f for f in (identity, leaky_relu, relu, sigmoid, softmax, tanh)
}
LOSSES: Mapping[str, Callable[[], Loss]] = {
    f.__name__: f for f in (binary_cross_entropy, cross_entropy, squared_error)
}
LOSS_OF_OUTPUT = {
    "sigmoid": "binary_cross_entropy",
    "softmax": "cross_entropy",
    "identity": "squared_error",
}


def activations(given: Sequence[str | Activation]) -> tuple[Activation, ...]:
    if isinstance(given, str | Activation) or not isinstance(given, Sequence):
        one = f"; for one layer write activations=({given!r},)" * isinstance(
            given, str | Activation
        )
        raise TypeError(
            f"Network: expected a sequence of activations, one per layer, got {given!r}{one}"
        )
    if not given:
        raise ValueError("Network: expected at least one activation, one per layer, got none")
    return tuple(_resolve(g, Activation, ACTIVATIONS) for g in given)


def loss_for(output: Activation, given: str | Loss | None) -> Loss:
    """The given loss, or the one that the output implies, once it is known to fit."""
    implied = LOSS_OF_OUTPUT.get(output.name) if given is None else given
    if implied is None:
        raise ValueError(
            f"Network: no loss follows from the output {output}; "
            f"give loss=, one of {_fitting(output)} or a pure_nn.Loss"
        )
    loss = _resolve(implied, Loss, LOSSES)
    if not loss.fits(output):
        raise ValueError(
            f"Network: {loss.name} is defined for {loss.domain[0]} ≤ A ≤ {loss.domain[1]}, but the "
            f"output {output} ranges over {output.range}; losses that fit it: {_fitting(output)}"
        )
    return loss


def _resolve(given: str | T, kind: type[T], known: Mapping[str, Callable[[], T]]) -> T:
    if isinstance(given, kind):
        return given
    if isinstance(given, str) and given in known:
        return known[given]()
    name = getattr(given, "__name__", "")
    called = f"; write {name}()" if name in known else ""
    raise ValueError(
        f"Network: unknown {kind.__name__.lower()} {given!r}; "
        f"known: {', '.join(known)}, or a pure_nn.{kind.__name__}{called}"
    )


def _fitting(output: Activation) -> str:
    return ", ".join(name for name, loss in LOSSES.items() if loss().fits(output))
