"""A hand-written pair: a forward pass, and the backward pass that pulls a cotangent back."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from pure_nn.checks import kind
from verify.checking.calls import unchanging
from verify.checking.engine import check
from verify.checking.hands import Rule
from verify.checking.outs import described
from verify.checking.problem import Function, Hand, Problem
from verify.checking.settings import Options, chosen
from verify.checking.wrappers import First, name_of
from verify.derivatives.arguments import Arguments, arguments
from verify.derivatives.programs import outputs
from verify.report import Report


def check_rule(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    argnums: int | Sequence[int] | None = None,
    reference: Callable[..., Any] | None = None,
    cotangents: Sequence[Any] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Whether backward(res, v), where forward(*args) gives (out, res), is vᵀ∂out/∂args.

    backward     returns one cotangent per argument; None for one that has no derivative
    argnums      which of them are checked: by default all of floating numbers
    reference    a function of args that returns out; by default that of forward
    cotangents   v, each like out; by default three random ones
    options      the fields of `verify.checking.settings.Settings`

    Checked too: that out is that of the reference, that backward is linear in v, and 0 where v is.

    TypeError, ValueError: what no rule can be checked of. CallFailed: one of them raised.
    """
    settings = chosen(options)
    given = arguments(forward, args, argnums, strict=argnums is not None)
    name = name_of(forward)
    out = described(name, _out(name, forward, given))
    f, f_name = (First(forward), name) if reference is None else (reference, name_of(reference))
    returned = unchanging(f_name, f, given)
    is_array = tuple(fixed is None for fixed in given.fixed)
    pull = Rule(forward, backward, out.structure, out.fillers, given.wanted, is_array)
    hand = Hand(pull, f"{name} and {name_of(backward)}", is_linear=True)
    vs = out.cotangents(cotangents, np.random.default_rng(settings.seed))
    function = Function(f, f_name, outputs(returned), out.labels)
    title = f"check_rule: {name_of(backward)} as the backward pass of {name}"
    return check(Problem(title, function, hand, given, vs, settings))


def _out(name: str, forward: Callable[..., Any], given: Arguments) -> Any:
    returned = unchanging(name, forward, given)
    if not (isinstance(returned, tuple | list) and len(returned) == 2):
        raise TypeError(
            f"{name}: expected (out, res), the output and what the backward pass needs, got "
            f"{kind(returned)}"
        )
    return returned[0]
