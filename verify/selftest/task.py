"""What a student is given: a network, its parameters and a batch, one example per row."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pure_nn.activations import leaky_relu, relu
from pure_nn.network import Network

Floats = npt.NDArray[Any]
Layers = dict[int, Floats]  # by the number of the layer


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """W[k] is (n[k-1], n[k]), b[k] (1, n[k]), X and Y have a row for each example."""

    activations: tuple[str, ...]
    loss: str
    W: Layers
    b: Layers
    X: Floats
    Y: Floats
    l2: float = 0.0
    masks: Mapping[int, Floats] = dataclasses.field(default_factory=dict)  # each over keep
    at_zero: float = 1.0  # relu′(0)
    slope: float = 0.01  # of leaky ReLU below 0
    careful: bool = False  # forms that keep their digits, or 1 − A², A(1 − A) and A − Y
    early: bool = False  # the mean over the batch at the output, or in the sums
    scale: str = "usual"
    seed: int = 0

    @property
    def L(self) -> int:
        return len(self.activations)

    @property
    def B(self) -> int:
        return len(self.X)

    @property
    def dtype(self) -> Any:
        return self.X.dtype

    def sizes(self) -> tuple[int, ...]:
        return (self.X.shape[1], *(self.W[k].shape[1] for k in self.W))

    def astype(self, dtype: Any) -> "Task":
        """The same task in another precision"""

        def layers(of: Mapping[int, Floats]) -> Layers:
            return {k: array.astype(dtype) for k, array in of.items()}

        return dataclasses.replace(
            self,
            W=layers(self.W),
            b=layers(self.b),
            X=self.X.astype(dtype),
            Y=self.Y.astype(dtype),
            masks=layers(self.masks),
        )

    def plain(self) -> "Task":
        """Without L2 and dropout"""
        return dataclasses.replace(self, l2=0.0, masks={})

    def with_parameters(self, W: Layers, b: Layers) -> "Task":
        return dataclasses.replace(self, W=W, b=b)

    def network(self) -> Network:
        """The same network as pure_nn has it"""
        own = {"relu": relu(self.at_zero), "leaky_relu": leaky_relu(self.slope)}
        return Network([own.get(name, name) for name in self.activations], self.loss)

    def params(self) -> tuple[dict[str, Floats], ...]:
        """The parameters in columns, in float64"""
        return in_columns(self.W, self.b)

    def __str__(self) -> str:
        layers = [f"{n} {g}" for n, g in zip(self.sizes()[1:], self.activations, strict=True)]
        extras = f", λ = {self.l2:g}" * bool(self.l2) + ", dropout" * bool(self.masks)
        return (
            f"{self.sizes()[0]} – {' – '.join(layers)}, {self.loss}, B = {self.B}{extras}, "
            f"{self.scale} scale, {self.dtype}, seed {self.seed}"
        )


def in_columns(W: Layers, b: Layers) -> tuple[dict[str, Floats], ...]:
    """{"W": (n, n_in), "b": (n, 1)} of each layer, whatever shapes came, in float64"""
    return tuple({"W": column(W[k]), "b": column(b[k])} for k in sorted(W))


def column(rows: Floats) -> Floats:
    return np.asarray(rows, np.float64).T


def columns(layers: Mapping[int, Floats]) -> dict[int, Floats]:
    return {k: column(array) for k, array in layers.items()}
