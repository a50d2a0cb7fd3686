"""The words of a file, in the spellings of courses and libraries: activations, losses, layouts."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import pure_nn
from pure_nn.types import Activation
from verify.saved import smooth

ACTIVATIONS: Mapping[str, Callable[..., Activation]] = {
    "relu": pure_nn.relu,
    "tanh": pure_nn.tanh,
    "sigmoid": pure_nn.sigmoid,
    "leaky_relu": pure_nn.leaky_relu,
    "identity": pure_nn.identity,
    "softmax": pure_nn.softmax,
    "elu": smooth.elu,
    "selu": smooth.selu,
    "gelu": smooth.gelu,
    "gelu_tanh": smooth.gelu_tanh,
    "silu": smooth.silu,
    "softplus": smooth.softplus,
}
ALSO = {
    "logistic": "sigmoid",
    "expit": "sigmoid",
    "leakyrelu": "leaky_relu",
    "lrelu": "leaky_relu",
    "linear": "identity",
    "none": "identity",
    "hyperbolictangent": "tanh",
    "logsoftmax": "softmax",
    "swish": "silu",
    "gelutanh": "gelu_tanh",
    "gelunew": "gelu_tanh",
}
CONSTANTS = {"relu": "at_zero", "leaky_relu": "a", "elu": "a"}
DTYPES = ("float64", "float32", "bfloat16", "float16")


@dataclasses.dataclass(frozen=True)
class Loss:
    """A loss of pure_nn and what the file's is a multiple of it, in words too."""

    name: str
    factor: float
    said: str


def losses(n: int) -> dict[str, Loss]:
    """By the word that states it, for n output units"""
    square = "squared_error"
    return {
        "binary_cross_entropy": Loss(
            "binary_cross_entropy", 1.0, "𝓛 = −Σ (Y log A + (1 − Y) log(1 − A))"
        ),
        "cross_entropy": Loss("cross_entropy", 1.0, "𝓛 = −Σ Y log A"),
        "squared_error": Loss(square, 1.0, "𝓛 = ½‖A − Y‖²"),
        "sse": Loss(square, 2.0, "𝓛 = ‖A − Y‖², without ½"),
        "mse": Loss(square, 2.0 / n, f"𝓛 = ‖A − Y‖²/n, n = {n} units, without ½"),
    }


LOSSES = {
    "binarycrossentropy": "binary_cross_entropy",
    "bce": "binary_cross_entropy",
    "bceloss": "binary_cross_entropy",
    "bcewithlogits": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy",
    "logloss": "binary_cross_entropy",
    "logistic": "binary_cross_entropy",
    "crossentropy": "cross_entropy",
    "ce": "cross_entropy",
    "crossentropyloss": "cross_entropy",
    "categoricalcrossentropy": "cross_entropy",
    "sparsecategoricalcrossentropy": "cross_entropy",
    "softmaxcrossentropy": "cross_entropy",
    "nll": "cross_entropy",
    "nllloss": "cross_entropy",
    "squarederror": "squared_error",
    "halfsquarederror": "squared_error",
    "quadratic": "squared_error",
    "sse": "sse",
    "sumofsquares": "sse",
    "sumsquarederror": "sse",
    "mse": "mse",
    "mseloss": "mse",
    "meansquarederror": "mse",
}
LAYOUTS = {
    "columns": "columns",
    "column": "columns",
    "cols": "columns",
    "rows": "rows",
    "row": "rows",
    "batchfirst": "rows",
}
REDUCTIONS = {"mean": "mean", "average": "mean", "avg": "mean", "sum": "sum", "total": "sum"}


def texts(name: str, value: Any) -> list[str]:
    """Of an array of text, or one text with commas."""
    given = np.asarray(value)
    if given.dtype.kind not in "US" or given.ndim > 1:
        raise ValueError(
            f"{name}: expected text, such as 'relu,relu,softmax', got {given.dtype} of shape "
            f"{given.shape}"
        )
    each = [x.decode("utf-8", "replace") if isinstance(x, bytes) else str(x) for x in given.flat]
    return [part.strip() for text in each for part in _split(text)]


def _split(text: str) -> list[str]:
    """At commas outside of brackets"""
    return re.split(r",(?![^(]*\))", text)


def plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).lower()


def one(name: str, value: Any, known: Mapping[str, str]) -> str:
    given = texts(name, value)
    word = known.get(plain(given[0])) if len(given) == 1 else None
    if word is None:
        raise ValueError(
            f"{name}: expected one of {', '.join(_distinct(known.values()))}, got "
            f"{', '.join(given)!r}"
        )
    return word


def dtype(value: Any) -> str:
    return one("dtype", value, {name: name for name in DTYPES})


def activations(value: Any, L: int) -> tuple[Activation, ...]:
    """As many as there are layers"""
    given = texts("activations", value)
    if len(given) != L:
        raise ValueError(
            f"activations: expected {L}, one for each W, such as "
            f"{','.join(['relu'] * (L - 1) + ['softmax'])!r}, got {len(given)}: {', '.join(given)}"
        )
    return tuple(map(_activation, given))


def _activation(text: str) -> Activation:
    word, _, constant = text.rstrip(") ").partition("(")
    name = ALSO.get(plain(word), word.strip().lower())
    if name not in ACTIVATIONS or (constant and name not in CONSTANTS):
        raise ValueError(
            f"activations: expected some of {', '.join(ACTIVATIONS)}, got {text!r}; those with a "
            "constant are written leaky_relu(0.2) and relu(at_zero=0)"
        )
    return ACTIVATIONS[name](**{CONSTANTS[name]: _constant(text, constant)} if constant else {})


def _constant(text: str, constant: str) -> float:
    try:
        return float(constant.rpartition("=")[2])
    except ValueError:
        raise ValueError(
            f"activations: expected a number in the brackets of {text!r}, as in leaky_relu(0.2)"
        ) from None


def _distinct(words: Iterable[str]) -> Sequence[str]:
    return list(dict.fromkeys(words))
