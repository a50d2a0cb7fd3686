"""`check_laws` and `check_rule_laws`: every law that applies; which do not is noted, and why."""

import dataclasses
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from pure_nn.network import Network
from verify.derivatives.arguments import parameter_names
from verify.laws import cotangent, judge, plan, words
from verify.laws.batch import Batch, Result
from verify.laws.gradient import PER_EXAMPLE, Gradient, Rule
from verify.laws.judge import Rng, Subject
from verify.laws.plan import Step
from verify.laws.program import Args, called, coarsest, numpy_arrays, precision, program
from verify.laws.units import Units
from verify.report import Finding, Report


def check_laws(
    value_and_grad: Callable[..., Any],
    args: Args,
    *,
    argnums: int | tuple[int, ...] = 0,
    has_value: bool = True,
    reduction: Literal["mean", "sum"] = "mean",
    examples: tuple[int, ...] | None = None,
    example_axis: int = -1,
    activations: Network | Sequence[str] = (),
    loss: str | None = None,
    units: Sequence[Units] | None = None,
    targets: int = -1,
    outputs: Callable[..., Any] | None = None,
    deltas: Callable[..., Any] | None = None,
    without: Collection[str] = (),
    seed: int | None = None,
    name: str = "",
) -> Report:
    """The laws of (J, gradient) = value_and_grad(*args), a mean or a sum over examples.

    examples      the arguments that hold them along `example_axis`; all but argnums
    activations   names, of a chain of dense layers (the first argument that is differentiated),
                  or its Network; the last with its `loss`
    units         where the leaves are not W[ℓ] and b[ℓ] of a sequence of {"W", "b"}
    targets       the argument that holds Y
    outputs       Ŷ = outputs(*args), or any pytree of arrays with one entry per example
    deltas        Δ[1 … L] = deltas(*args), or Δ[L] alone, without 1/B
    without       names of laws that do not hold, as scaling does not for a cost with L2
    seed          of what is random in the laws; a fresh one by default

    ValueError: a law that is not known, arguments that do not hold the same number of examples,
    units that the parameters do not have. TypeError: no array of floats.
    """
    args = numpy_arrays(args)
    of = Batch.found(args, _examples(args, argnums, examples), PER_EXAMPLE, example_axis, reduction)
    names = parameter_names(value_and_grad, len(args))
    gradient = Gradient(value_and_grad, names, argnums, has_value, outputs, deltas, of)
    layers = args[argnums if isinstance(argnums, int) else argnums[0]]
    net = plan.architecture(activations, loss, units, layers, example_axis)

    def steps(s: Subject, rng: Rng) -> Iterable[Step]:
        yield from plan.of_batch(s, of, rng)
        yield from plan.of_units(s, gradient, net, rng)
        yield from plan.of_output(s, gradient, net, s.args[targets])

    check = Check(gradient, args, gradient.params(args), steps, chosen(seed), reduction)
    return check.report(name or called(value_and_grad), without)


def check_rule_laws(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    args: Args,
    *,
    examples: tuple[int, ...] = (),
    example_axis: int = -1,
    without: Collection[str] = (),
    seed: int | None = None,
    name: str = "",
) -> Report:
    """The laws of a rule: (out, res) = forward(*args), backward(res, c) one cotangent per argument.

    examples    the arguments that hold them along `example_axis`, as `out` then does; the
                cotangents of the others are sums over the examples

    ValueError: a law that is not known, another number of cotangents than of arguments, arguments
    that do not hold the same number of examples. TypeError: no array of floats.
    """
    args = numpy_arrays(args)
    with precision(args):
        out = program(lambda *given: forward(*given)[0], args)(args)
    seed = chosen(seed)
    cotangents = cotangent.draw(out, np.random.default_rng(seed))
    given = (*args, cotangents.c)
    where = (*examples, len(args)) if examples else ()
    of = Batch.found(given, where, PER_EXAMPLE, example_axis, "sum")

    rule = Rule(forward, backward, parameter_names(forward, len(args)), of)

    def steps(s: Subject, rng: Rng) -> Iterable[Step]:
        yield from plan.of_batch(s, of, rng)
        yield from plan.of_cotangent(s, args, cotangents)

    check = Check(rule, given, rule.params(args), steps, seed, "sum")
    return check.report(name or called(backward), without)


@dataclasses.dataclass(frozen=True)
class Check:
    """A function by names of its results, what `grads` are the gradient of, and its laws."""

    f: Callable[..., Result]
    args: Args
    params: dict[str, Any]
    steps: Callable[[Subject, Rng], Iterable[Step]]
    seed: int
    reduction: str

    def report(self, name: str, without: Collection[str]) -> Report:
        plan.require_known(without)
        dtype = coarsest(self.args)
        with precision(self.args):
            findings, notes = self.applied(dtype, without)
        mistakes = words.broken(findings, self.reduction)
        return Report(name, dtype.name, tuple(findings), (), mistakes, tuple(notes), self.seed)

    def applied(
        self, dtype: np.dtype[Any], without: Collection[str]
    ) -> tuple[list[Finding], list[str]]:
        """One after the other, until two calls differ"""
        rng, run = np.random.default_rng(self.seed), program(self.f, self.args)
        result = run(self.args)
        if found := judge.faults(result, self.params):
            return found, ["no law was tried"]
        s = judge.subject(run, self.args, dtype, rng)
        found = judge.two_calls(s)
        if not all(finding.verdict == "ok" for finding in found):
            return found, ["no other law was tried: pass randomness as an argument, such as a key"]
        found += judge.nothing(s)
        notes, untried = judge.zeros(s), dict[str, list[str]]()
        for name, law in (*plan.of_calls(s, rng), *self.steps(s, rng)):
            why = "left out" if name in without else law
            if isinstance(why, str):
                untried.setdefault(why, []).append(name)
            else:
                found += why()
        notes += [f"{', '.join(names)}: not tried, {why}" for why, names in untried.items()]
        return found, notes


def chosen(seed: int | None) -> int:
    return secrets.randbelow(2**32) if seed is None else seed


def _examples(
    args: Args, argnums: int | tuple[int, ...], given: tuple[int, ...] | None
) -> tuple[int, ...]:
    differentiated = (argnums,) if isinstance(argnums, int) else argnums
    others = tuple(i for i in range(len(args)) if i not in differentiated)
    return others if given is None else given
