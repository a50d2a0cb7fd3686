"""A function with a hand-written vector-Jacobian product."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from verify.checking.calls import unchanging
from verify.checking.engine import check
from verify.checking.hands import Pullback
from verify.checking.inlined import Undecorated
from verify.checking.outs import described
from verify.checking.problem import Function, Hand, Problem
from verify.checking.settings import Options, chosen
from verify.checking.wrappers import name_of
from verify.derivatives.arguments import arguments
from verify.derivatives.programs import outputs
from verify.errors import Comparison
from verify.report import Finding, Report

NO_RULE = (
    "there is no custom rule in it, and so nothing by hand to check: it is JAX's own derivative "
    "that is compared, with itself; pass the function that has the rule, or a reference="
)
FLAT = (
    "∂{name} is 0 here; where the backward pass is to be that of another function h, as a "
    "straight-through estimator's is, compare it with that: reference=lambda x: "
    "h(x) + jax.lax.stop_gradient({name}(x) - h(x)), oracles=['same dtype']"
)


def check_vjp(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    reference: Callable[..., Any] | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    cotangents: Sequence[Any] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Whether `jax.vjp(f, *args)`, by the custom_vjp of f or of what it calls, is ∂f.

    reference    a function of the same arguments without custom rules: by default f without its
                 own; where JAX cannot differentiate that (a Pallas kernel), its values alone
    argnums      the arguments that are checked: by default all of floating numbers
    cotangents   each like the output; by default three random ones
    options      the fields of `verify.checking.settings.Settings`

    Checked too: that f has the values of the reference, that the product is linear, and 0 of 0.
    Where f has no custom rule and there is no reference, nothing is decided. A backward pass that
    is to be that of another function h has reference=lambda x: h(x) + stop_gradient(f(x) - h(x)),
    and oracles=["same dtype"], as differences do not see it.

    TypeError, ValueError: what cannot be checked. CallFailed: one of the functions raised.
    """
    settings = chosen(options)
    given = arguments(f, args, argnums, strict=argnums is not None)
    name = name_of(f)
    out = described(name, unchanging(name, f, given))
    plain = Undecorated(f) if reference is None else reference
    plain_name = f"{name} without its custom rules" if reference is None else name_of(reference)
    returned = unchanging(plain_name, plain, given)
    hand = Hand(
        Pullback(f, given.wanted, given.treedef, given.fixed), f"jax.vjp of {name}", is_linear=True
    )
    vs = out.cotangents(cotangents, np.random.default_rng(settings.seed))
    function = Function(plain, plain_name, outputs(returned), out.labels)
    title = f"check_vjp: the backward pass of {name}"
    report = check(Problem(title, function, hand, given, vs, settings))
    if reference is None and unchanging(name, Undecorated(f).is_plain, given):
        return _empty(report, name)
    wrong = [x.comparison for x in report.findings if x.verdict == "wrong"]
    if wrong and all(x.expected == 0 for x in wrong):
        return dataclasses.replace(report, notes=(*report.notes, FLAT.format(name=name)))
    return report


def _empty(report: Report, name: str) -> Report:
    """A reference that is the same derivative is no check, as one of zeros is none."""
    found = Finding("eager", Comparison(name, fault=NO_RULE), "undecided")
    findings, notes = (*report.findings, found), (*report.notes, *report.mistakes)
    return dataclasses.replace(report, findings=findings, mistakes=(), notes=notes)
