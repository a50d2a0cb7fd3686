"""A deliberate mistake: the step of the student's work that it changes, and what it is called."""

import dataclasses
from collections.abc import Callable

from verify.selftest.student import SIMPLIFIED, Change, Work
from verify.selftest.task import Floats, Layers

Where = Callable[[Work, int], bool]  # whether it can be made in this layer

# what the factors B and 1/B are called, with the network and without
MISSING = ("mean over the batch is missing", "X = {B} times too large")
TWICE = ("the mean is taken twice", "X = {B} times too small")


def anywhere(w: Work, k: int) -> bool:
    return True


@dataclasses.dataclass(frozen=True)
class Planted:
    """A mistake, and the kinds of which one has to be named: of factors, a part of what is said.

    `kinds` may speak of {k}, the layer, of its {n} units and of {B} examples. A stranger is in no
    catalogue: it has to be found in the right layer, and to be called unknown, or one of its kinds.
    """

    name: str
    step: str
    change: Change
    kinds: tuple[str, ...] = ()
    where: Where = anywhere
    stranger: bool = False

    @property
    def array(self) -> str:
        """The first array that it makes wrong"""
        return {"product": "dW", "dW": "dW", "db": "db"}.get(self.step, "Δ")

    def layers(self, w: Work) -> list[int]:
        return [k for k in range(1, w.task.L + 1) if self.where(w, k)]

    def names(self, w: Work, k: int) -> tuple[str, ...]:
        n = units(w, k)
        return tuple(kind.format(k=k, n=n, B=w.task.B) for kind in self.kinds)


# where


def both(*wheres: Where) -> Where:
    return lambda w, k: all(where(w, k) for where in wheres)


def top(w: Work, k: int) -> bool:
    return k == w.task.L


def hidden(w: Work, k: int) -> bool:
    return k < w.task.L


def square(w: Work, k: int) -> bool:
    return bool(w.task.W[k].shape[0] == w.task.W[k].shape[1])


def several(w: Work, k: int) -> bool:
    """Units"""
    return units(w, k) > 1


def batch(w: Work, k: int) -> bool:
    return w.task.B > 1


def simplified(w: Work, k: int) -> bool:
    """D[L] is A − Y."""
    return top(w, k) and (w.kind(k), w.task.loss) in SIMPLIFIED


def chained(w: Work, k: int) -> bool:
    """D[L] comes by the chain rule."""
    return top(w, k) and not simplified(w, k)


def sloped(w: Work, k: int) -> bool:
    """g′ is multiplied here: not by softmax, nor where it has cancelled."""
    return w.kind(k) not in ("softmax", "identity") and not simplified(w, k)


def of(*names: str) -> Where:
    """Layers of these activations, where their g′ is multiplied"""
    return lambda w, k: w.kind(k) in names and sloped(w, k)


# with what


def units(w: Work, k: int) -> int:
    return int(w.task.W[k].shape[1])


def times(number: int | float) -> Change:
    return lambda w, k, right: right * number


def per(number: Callable[[Work, int], int | float]) -> Change:
    """Divided by"""
    return lambda w, k, right: right / number(w, k)


def examples(w: Work, k: int) -> int:
    return w.task.B


def twins(layers: Layers, k: int) -> list[Floats]:
    """The arrays of other layers that have the same shape"""
    return [layers[j] for j in layers if j != k and layers[j].shape == layers[k].shape]
