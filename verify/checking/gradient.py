"""A hand-written gradient of a cost."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import jax
import numpy as np

from pure_nn.checks import kind
from verify.checking.calls import unchanging
from verify.checking.engine import check
from verify.checking.hands import Gradient
from verify.checking.problem import Function, Hand, Problem
from verify.checking.settings import Options, chosen
from verify.checking.wrappers import First, name_of
from verify.derivatives.arguments import Arguments, arguments
from verify.derivatives.refusals import is_floating, is_foreign
from verify.report import Report


def check_gradient(
    cost: Callable[..., Any],
    by_hand: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    argnums: int | Sequence[int] = 0,
    has_value: bool = False,
    has_aux: bool = False,
    net: Any = None,
    **options: Unpack[Options],
) -> Report:
    """Whether by_hand(*args) is what `jax.grad(cost, argnums)(*args)` should be, to the last bits.

    by_hand     returns the gradient, or with has_value=True (value, gradient); NumPy or JAX
    cost        returns a number, or with has_aux=True (number, anything); NumPy or JAX
    net         the Network, where args are (params, X, Y), so that more mistakes are named
    options     the fields of `verify.settings.Settings`

    TypeError, ValueError: what no gradient can be checked of. CallFailed: one of the two raised.
    """
    settings = chosen(options)
    given = arguments(cost, args, argnums, strict=True)
    name, other = name_of(by_hand), name_of(cost)
    value = _number(cost, other, given, has_aux)
    hand = Hand(Gradient(by_hand, given.gradient, has_value, has_aux), name, is_linear=False)
    dtype = value.dtype if is_floating(value) else given.dtype
    f = First(cost) if has_aux else cost
    function = Function(f, other, [value], [("value", dtype)])
    title = f"check_gradient: {name} as the gradient of {other}"
    ones = [np.ones((), given.dtype)]
    return check(Problem(title, function, hand, given, [ones], settings, net))


def _number(cost: Callable[..., Any], name: str, given: Arguments, has_aux: bool) -> Any:
    """The cost, called eagerly. TypeError, ValueError: what is wrong with it, or its value."""
    out = unchanging(name, cost, given)
    if has_aux:
        if not (isinstance(out, tuple) and len(out) == 2):
            raise TypeError(f"{name}: has_aux=True expects (cost, anything), got {kind(out)}")
        out = out[0]
    _require_scalar(name, out, has_aux)
    value = np.asarray(out)
    if not np.isfinite(value.astype(np.float64)):
        raise ValueError(f"{name}: expected a finite cost, got {value}{_culprits(given)}")
    return value


def _require_scalar(name: str, out: Any, has_aux: bool) -> None:
    if isinstance(out, tuple) and len(out) == 2 and not has_aux:
        raise TypeError(f"{name}: expected one number, got a pair; pass has_aux=True")
    leaves = jax.tree.leaves(out)
    if leaves and is_foreign(leaves[0]):
        raise TypeError(f"{name}: expected a number, got {kind(out)}; return float(…) of it")
    if len(leaves) != 1 or np.shape(leaves[0]) != () or leaves[0] is not out:
        raise TypeError(
            f"{name}: expected one number, a cost, got {_said(out)}; return its sum or mean, or "
            "check a function of several outputs by check_rule or check_vjp"
        )
    if np.iscomplexobj(out):
        raise TypeError(
            f"{name}: expected a real number, got {getattr(out, 'dtype', 'complex')}; return its "
            "real part, or its absolute value"
        )
    if not (is_floating(out) or isinstance(out, np.generic)):
        raise TypeError(f"{name}: expected a floating number, got {_said(out)}")


def _said(out: Any) -> str:
    return f"shape {out.shape} of {out.dtype}" if hasattr(out, "shape") else kind(out)


def _culprits(given: Arguments) -> str:
    bad = [
        name
        for name, x in zip(given.names, given.arrays, strict=True)
        if is_floating(x) and not np.all(np.isfinite(np.asarray(x).astype(np.float64)))
    ]
    if bad:
        return f"; {', '.join(bad)} is not finite"
    return "; look for log(0), an overflowing exp or a division by 0"
