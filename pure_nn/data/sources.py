"""Examples that stay on disk until they are asked for, and then come prepared."""

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike

from pure_nn.data.preparation import Preparation


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """The examples of `rows`, mapped or in memory, prepared as they are asked for.

        X, Y = source[indices]      one example per column, checked and in `dtype`

    Rows of more axes than one are flattened. With `examples`, only those, numbered from 0.
    """

    rows: npt.NDArray[Any]
    target: npt.NDArray[Any]
    preparation: Preparation
    dtype: DTypeLike = "float32"
    examples: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.rows.ndim < 2 or len(self.rows) == 0 or self.target.shape != self.rows.shape[:1]:
            raise ValueError(
                "source: expected rows of shape (m, features) and a target of shape (m,), got "
                f"{self.rows.shape} and {self.target.shape}"
            )
        if self.examples is not None and len(self.examples) == 0:
            raise ValueError("source: expected at least one example, got none")

    def __len__(self) -> int:
        return len(self.rows if self.examples is None else self.examples)

    def __getitem__(self, indices: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        which = indices if self.examples is None else self.examples[indices]
        try:
            return self._prepared(which)
        except ValueError as error:
            raise ValueError(
                f"{error}; of the examples {_short(which)} as they were read here"
            ) from error

    def _prepared(self, which: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        upwards = np.argsort(which, kind="stable")  # as a disk is read fastest
        found = np.empty((len(which), *self.rows.shape[1:]), self.rows.dtype)
        found[upwards] = self.rows[which[upwards]]
        X = self.preparation.X(found.reshape(len(which), -1), self.dtype)
        return X, self.preparation.Y(np.asarray(self.target[which]), self.dtype)


def _short(which: npt.NDArray[Any]) -> str:
    return ", ".join(map(str, which[:5].tolist())) + ", …" * (len(which) > 5)
