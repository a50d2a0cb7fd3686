"""What turns rows into X and targets into Y: fitted on the training part, kept with the parameters.

X = (rowsᵀ − mean) / std
Y = one-hot of the class           of "classes", for softmax and cross-entropy
    1 of the second class, else 0  of "binary", for sigmoid and binary cross-entropy
    (target − mean) / std          of "regression", for identity and squared error
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import DTypeLike, Float, Shaped

from pure_nn.checks import float_dtype
from pure_nn.data.entries import place
from pure_nn.data.matrices import columns, one_hot
from pure_nn.data.splits import one_per_example

Task = Literal["classes", "binary", "regression"]
Label = str | int | float | bool
OUTPUTS = {"classes": "softmax", "binary": "sigmoid", "regression": "identity"}
FORMAT = "pure_nn.data.Preparation 1"
ROWS_AT_ONCE = 4096


@dataclasses.dataclass(frozen=True)
class Preparation:
    """The features and targets of training, and how both are scaled; equal by all fields."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    task: Task
    classes: tuple[Label, ...] = ()
    target_mean: float = 0.0
    target_std: float = 1.0
    constant: tuple[str, ...] = ()

    @property
    def output(self) -> str:
        """The activation of the output layer"""
        return OUTPUTS[self.task]

    @property
    def n_outputs(self) -> int:
        return len(self.classes) if self.task == "classes" else 1

    def X(
        self, rows: npt.ArrayLike, dtype: DTypeLike = "float32", lines: npt.ArrayLike | None = None
    ) -> Float[np.ndarray, "n m"]:
        """X = (rowsᵀ − mean) / std, in float64 and rounded once; a message names the line of a row.

        ValueError: another number of features than in training, an entry that is NaN or infinite.
        """
        table = np.asarray(rows)
        n = len(self.names)
        if table.ndim != 2 or table.shape[1] != n:
            raise ValueError(
                f"rows: expected the {n} features of training ({short(self.names)}), one example "
                f"per row, got shape {table.shape}; data.table(…, features=preparation.names) "
                "takes them from a file"
            )
        X = np.empty((n, len(table)), float_dtype(dtype))
        for start in range(0, max(len(table), 1), ROWS_AT_ONCE):
            part = table[start : start + ROWS_AT_ONCE]
            X[:, start : start + len(part)] = self._scaled(part, start, X.dtype, lines)
        return X

    def Y(self, target: npt.ArrayLike, dtype: DTypeLike = "float32") -> Float[np.ndarray, "n_L m"]:
        """The targets of examples. ValueError: a class that training did not have."""
        y = one_per_example(target)
        if self.task == "regression":
            return columns(((numbers(y) - self.target_mean) / self.target_std)[:, None], dtype)
        positions = self._positions(y)
        if self.task == "classes":
            return one_hot(positions, self.n_outputs, dtype)
        return positions[None].astype(float_dtype(dtype))

    def labels(self, Yhat: npt.ArrayLike) -> Shaped[np.ndarray, " m"]:
        """The class that a prediction is for, or the number, in the units of the target."""
        A = np.asarray(Yhat)
        if A.ndim != 2 or A.shape[0] != self.n_outputs:
            raise ValueError(f"Yhat: expected shape ({self.n_outputs}, B), got {A.shape}")
        if self.task == "regression":
            return np.asarray(A[0].astype(np.float64) * self.target_std + self.target_mean)
        chosen = A.argmax(axis=0) if self.task == "classes" else (A[0] > 0.5).astype(int)
        return np.asarray(np.array(self.classes)[chosen])

    def to_json(self) -> str:
        """As text, exactly: floats as the shortest that gives the same bits."""
        return json.dumps({"format": FORMAT} | dataclasses.asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Preparation":
        """ValueError: text that `to_json` did not write."""
        try:
            fields = json.loads(text)
            if fields.pop("format") != FORMAT:
                raise ValueError(f"another format than {FORMAT!r}")
            given: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
            }
            found = cls(**given)
            _require_whole(found)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(
                "preparation: expected text as from Preparation.to_json(), got "
                f"{text[:40]!r}… ({type(error).__name__}: {error})"
            ) from error
        return found

    def _scaled(self, part: npt.NDArray[Any], start: int, dtype: np.dtype[Any], lines: Any) -> Any:
        require_finite(part, self.names, start, lines)
        with np.errstate(over="ignore", invalid="ignore"):  # refused below, with its place
            scaled = ((part - np.array(self.mean)) / np.array(self.std)).astype(dtype)
        bad = np.argwhere(~np.isfinite(scaled))
        if len(bad):
            row, column = map(int, bad[0])
            scales = self.mean[column] != 0 or self.std[column] != 1
            raise ValueError(
                f"rows: feature {self.names[column]!r} in {place(start + row, lines)} is "
                f"{part[row, column]}, which leaves the range of {dtype}"
                + " when it is standardised"
                * scales
            )
        return scaled.T

    def _positions(self, y: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        known = {label: i for i, label in enumerate(self.classes)}
        values = text_of(y).tolist()
        unknown = [i for i, value in enumerate(values) if value not in known]
        if unknown:
            i = unknown[0]
            raise ValueError(
                f"target: expected one of the {len(known)} classes of training "
                f"({short(self.classes)}), got {values[i]!r} in row {i} (from 0); "
                f"{len(unknown)} such in all: drop them, or train on data that has them"
            )
        return np.array([known[value] for value in values], np.int64)


def text_of(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y


def _require_whole(found: Preparation) -> None:
    """Every field of its type, and as many means as names"""
    n, classes = len(found.names), found.classes
    scales = (*found.mean, *found.std, found.target_mean, found.target_std)
    if (
        not n == len(found.mean) == len(found.std) > 0
        or not all(isinstance(x, float) and np.isfinite(x) for x in scales)
        or not all(s > 0 for s in (*found.std, found.target_std))
        or not all(isinstance(name, str) for name in (*found.names, *found.constant))
        or not all(isinstance(label, str | int | float) for label in classes)
        or len(classes) not in {"regression": {0}, "binary": {2}}.get(found.task, {len(classes)})
        or (found.task not in OUTPUTS or (found.task == "classes" and len(classes) < 2))
    ):
        raise ValueError("a field is missing, or is not what its name says")


def numbers(y: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if y.dtype.kind not in "biuf":
        raise TypeError(f"target: expected numbers for regression, got dtype {y.dtype}")
    return y.astype(np.float64)


def require_finite(
    part: npt.NDArray[Any], names: Sequence[str], start: int, lines: Any = None
) -> None:
    if part.dtype.kind not in "biuf":
        raise TypeError(f"rows: expected numbers, got dtype {part.dtype}")
    bad = np.argwhere(~np.isfinite(part))
    if len(bad):
        row, column = map(int, bad[0])
        raise ValueError(
            f"rows: expected finite numbers, got {part[row, column]} in "
            f"{place(start + row, lines)}, column {column}, feature {names[column]!r}: fill it or "
            "drop the row"
        )


def short(names: Sequence[object]) -> str:
    return ", ".join(map(repr, names[:5])) + ", …" * (len(names) > 5)
