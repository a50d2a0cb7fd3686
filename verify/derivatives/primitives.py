"""JAX's primitives in NumPy, for arrays of numbers of any kind: of many digits, or of 80 bits.

NumPy applies exp to an array of objects by calling the method exp of each, so the same line
serves every kind.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from verify.derivatives import shapes

Primitive = Callable[..., Any]  # of the parameters, then the operands


class NotInTheTable(Exception):
    """A primitive that has no form here."""


def _plain(f: Primitive) -> Primitive:
    return lambda params, *operands: f(*operands)


def _method(name: str) -> Primitive:
    def apply(params: Any, x: Any, *rest: Any) -> Any:
        if x.dtype != object:
            raise NotInTheTable(f"{name} in extended precision")
        each = np.frompyfunc(lambda x, *rest: getattr(x, name)(*rest), 1 + len(rest), 1)
        return each(x, *rest)

    return apply


def _whole(f: Primitive) -> Primitive:
    """Of objects these give Python's integers, which 0 · x makes numbers of this kind again."""
    return lambda params, x: f(x) + 0 * x


def _divide(x: Any, y: Any) -> Any:
    """x/y, where 1/0 is infinite as it is in floating point"""
    try:
        return x / y
    except ZeroDivisionError:
        return np.frompyfunc(_quotient, 2, 1)(x, y)


def _quotient(x: Any, y: Any) -> Any:
    if y != 0:
        return x / y
    return x * math.inf if x != 0 else x * math.nan


def _power(x: Any, y: Any) -> Any:
    try:
        return x**y
    except ZeroDivisionError:
        return _divide(x**0, x**-y)


# sums and products


def _dot_general(params: Any, x: Any, y: Any) -> Any:
    """Both as (batch, rows, terms) and (batch, terms, columns)"""
    (terms_x, terms_y), (batch_x, batch_y) = params["dimension_numbers"]
    rows = [i for i in range(x.ndim) if i not in (*terms_x, *batch_x)]
    columns = [i for i in range(y.ndim) if i not in (*terms_y, *batch_y)]
    shape = [x.shape[i] for i in (*batch_x, *rows)] + [y.shape[i] for i in columns]
    batch = math.prod(x.shape[i] for i in batch_x)
    terms = math.prod(x.shape[i] for i in terms_x)
    x = x.transpose(*batch_x, *rows, *terms_x).reshape(batch, -1 if x.size else 0, terms)
    y = y.transpose(*batch_y, *terms_y, *columns).reshape(batch, terms, -1 if y.size else 0)
    return np.matmul(x, y).reshape(shape)


def _reduction(f: Primitive) -> Primitive:
    return lambda params, x: f(x, axis=tuple(params["axes"]))


def _argument(f: Primitive) -> Primitive:
    return lambda params, x: f(x, axis=params["axes"][0]).astype(params["index_dtype"])


def _cumulative(f: Any) -> Primitive:
    def apply(params: Any, x: Any) -> Any:
        x, axis = (np.flip(x, params["axis"]) if params["reverse"] else x), params["axis"]
        summed = f.accumulate(x, axis=axis)
        return np.flip(summed, axis) if params["reverse"] else summed

    return apply


# choices


def _select_n(params: Any, which: Any, *cases: Any) -> Any:
    if len(cases) > 2:
        return np.choose(which, cases)
    return np.where(which, cases[1], cases[0])


def _clamp(params: Any, low: Any, x: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _is_finite(params: Any, x: Any) -> Any:
    each = np.frompyfunc(lambda v: v - v == 0, 1, 1)
    return np.asarray(each(x), bool)


SAME = ("stop_gradient", "copy", "copy_p", "reduce_precision")

TABLE: Mapping[str, Primitive] = {
    **{name: lambda params, x: x for name in SAME},
    **{name: _plain(getattr(np, name)) for name in ("exp", "exp2", "log", "log1p", "expm1")},
    **{name: _plain(getattr(np, name)) for name in ("tanh", "sinh", "cosh", "sqrt", "cbrt")},
    **{name: _plain(getattr(np, name)) for name in ("sin", "cos", "tan")},
    **{name: _whole(getattr(np, name)) for name in ("sign", "floor", "ceil")},
    **{f"a{name}": _plain(getattr(np, f"arc{name}")) for name in ("sin", "cos", "tan")},
    **{f"a{name}": _plain(getattr(np, f"arc{name}")) for name in ("sinh", "cosh", "tanh")},
    **{name: _method(name) for name in ("erf", "erfc", "erf_inv", "lgamma", "digamma")},
    "polygamma": lambda params, n, x: _method("polygamma")(params, x, n),
    "add": _plain(np.add),
    "add_any": _plain(np.add),
    "sub": _plain(np.subtract),
    "mul": _plain(np.multiply),
    "neg": _plain(np.negative),
    "abs": _plain(np.abs),
    "square": lambda params, x: x * x,
    "div": _plain(_divide),
    "pow": _plain(_power),
    "integer_pow": lambda params, x: _power(x, params["y"]),
    "rsqrt": lambda params, x: _divide(1, np.sqrt(x)),
    "logistic": lambda params, x: 1 / (1 + np.exp(-x)),
    "max": _plain(np.maximum),
    "min": _plain(np.minimum),
    "clamp": _clamp,
    "select_n": _select_n,
    "is_finite": _is_finite,
    **{name: _plain(getattr(np, f"logical_{name}")) for name in ("and", "or", "xor", "not")},
    **{name: _plain(getattr(np, of)) for name, of in {"eq": "equal", "ne": "not_equal"}.items()},
    **{name: _plain(getattr(np, of)) for name, of in {"lt": "less", "gt": "greater"}.items()},
    "le": _plain(np.less_equal),
    "ge": _plain(np.greater_equal),
    "dot_general": _dot_general,
    "reduce_sum": _reduction(np.sum),
    "reduce_prod": _reduction(np.prod),
    "reduce_max": _reduction(np.max),
    "reduce_min": _reduction(np.min),
    "reduce_and": _reduction(np.all),
    "reduce_or": _reduction(np.any),
    "argmax": _argument(np.argmax),
    "argmin": _argument(np.argmin),
    "cumsum": _cumulative(np.add),
    "cumprod": _cumulative(np.multiply),
    "cummax": _cumulative(np.maximum),
    "cummin": _cumulative(np.minimum),
    "broadcast_in_dim": shapes.broadcast_in_dim,
    "reshape": shapes.reshape,
    "transpose": lambda params, x: x.transpose(params["permutation"]),
    "squeeze": lambda params, x: np.squeeze(x, tuple(params["dimensions"])),
    "expand_dims": lambda params, x: np.expand_dims(x, tuple(params["dimensions"])),
    "stack": lambda params, *xs: np.stack(xs, axis=params["axis"]),
    "unstack": lambda params, x: list(np.moveaxis(x, params["axis"], 0)),
    "tile": lambda params, x: np.tile(x, params["reps"]),
    "concatenate": lambda params, *xs: np.concatenate(xs, axis=params["dimension"]),
    "slice": shapes.slice_of,
    "split": shapes.split,
    "optimization_barrier": lambda params, *xs: xs,
    "convert_element_type": shapes.cast,
}
