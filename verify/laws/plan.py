"""Which laws apply to a gradient, or to a rule, and why the others do not."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pure_nn.network import Network
from verify.laws import batch, cotangent, judge, outputs, units
from verify.laws.batch import Batch, Law
from verify.laws.cotangent import Cotangents
from verify.laws.gradient import Gradient
from verify.laws.judge import Rng, Subject
from verify.laws.program import Args
from verify.laws.units import HOMOGENEOUS, Units
from verify.report import Finding

Step = tuple[str, Callable[[], list[Finding]] | str]  # a law, or why it does not apply
CALLS = ("arguments left alone", "jit = eager", "vmap = loop")
BATCH = ("a permuted batch", "a duplicated batch", "a divided batch")
UNITS = ("relabelled units", "scaling of ReLU networks")
COLUMNS = "columns of Δ[L] sum to 0"
COTANGENT = ("a zero cotangent", "linearity in the cotangent")
LAWS = (*CALLS, *BATCH, *UNITS, COLUMNS, *COTANGENT)


class Architecture(NamedTuple):
    """What was said of the network: activations by name, the loss, the units of each layer."""

    activations: tuple[str, ...]
    loss: str | None
    units: tuple[Units, ...]

    @property
    def hidden(self) -> list[Units]:
        return [layer for layer in self.units if layer.out_of]

    @property
    def homogeneous(self) -> list[Units]:
        """The hidden layers with g(sz) = s g(z)"""
        pairs = zip(self.units, self.activations, strict=False)
        return [layer for layer, g in pairs if layer.out_of and g in HOMOGENEOUS]


def architecture(
    activations: Network | Sequence[str],
    loss: str | None,
    given: Sequence[Units] | None,
    params: Any,
    example_axis: int,
) -> Architecture:
    """ValueError: activations for parameters that are no layers of {"W", "b"}, or not as many."""
    if isinstance(activations, Network):
        loss, names = activations.loss.name, [g.name for g in activations.activations]
    else:
        names = [str(g) for g in activations]
    if given is None:
        _require_chain(names, params)
        given = units.chain(len(names), example_axis)
    elif names and len(names) != len(given):
        raise ValueError(
            f"units: expected one for each of the {len(names)} activations, got {len(given)}"
        )
    return Architecture(tuple(names), loss, tuple(given))


def _require_chain(names: Sequence[str], params: Any) -> None:
    layers = isinstance(params, list | tuple) and all(
        isinstance(layer, Mapping) and set(layer) == {"W", "b"} for layer in params
    )
    if names and not (layers and len(params) == len(names)):
        raise ValueError(
            f"activations: expected parameters of {len(names)} layers {{'W': …, 'b': …}} in a "
            "sequence, one for each activation; for others say units=, which leaves have an axis "
            "of one entry for each unit"
        )


def of_calls(s: Subject, rng: Rng) -> Iterator[Step]:
    """Of any function"""
    if s.f.of_numpy:
        yield CALLS[0], lambda: judge.arguments_left_alone(s)
    yield CALLS[1], s.f.untraceable or (lambda: judge.jit_is_eager(s))
    yield CALLS[2], s.f.untraceable or (lambda: judge.vmap_is_loop(s, rng))


def of_batch(s: Subject, of: Batch, rng: Rng) -> Iterator[Step]:
    few = "there is one example" if of.B else "no argument holds examples"
    yield BATCH[0], few if of.B < 2 else law(s, lambda: batch.permuted(of, s.args, rng))
    much = few if of.B < 1 else judge.too_large(s, 2 * of.B)
    yield BATCH[1], much or law(s, lambda: batch.duplicated(of, s.args))
    yield BATCH[2], few if of.B < 2 else law(s, lambda: batch.divided(of, s.args))


def of_units(s: Subject, gradient: Gradient, net: Architecture, rng: Rng) -> Iterator[Step]:
    def changed(make: Callable[..., Law], layers: Sequence[Units]) -> Callable[[], list[Finding]]:
        return law(s, lambda: make(layers, gradient, s.args, rng))

    unknown = "the network is not known, see activations="
    why = "nothing is hidden" if net.units else unknown
    yield UNITS[0], changed(units.relabelled, net.hidden) if net.hidden else why
    why = "no hidden ReLU, leaky ReLU or identity" if net.activations else unknown
    much = why if not net.homogeneous else judge.too_large(s, 2 * gradient.batch.B)
    yield UNITS[1], much or changed(units.rescaled, net.homogeneous)


def of_output(s: Subject, gradient: Gradient, net: Architecture, Y: Any) -> Iterator[Step]:
    softmax = net.activations[-1:] == ("softmax",) and net.loss in (None, "cross_entropy")
    if not softmax:
        yield COLUMNS, "the output is not known to be softmax with cross-entropy"
    elif why := outputs.no_distribution(Y, gradient.batch.axis):
        yield COLUMNS, why
    else:
        into, axis = net.units[-1].into, gradient.batch.axis
        axes = outputs.axes(s.result, into, gradient.names, axis)
        yield COLUMNS, lambda: outputs.sum_to_zero(s, axes)


def of_cotangent(s: Subject, args: Args, cotangents: Cotangents) -> Iterator[Step]:
    yield COTANGENT[0], lambda: cotangent.zero(s)
    yield COTANGENT[1], law(s, lambda: cotangent.linear(args, cotangents))


def law(s: Subject, make: Callable[[], Law]) -> Callable[[], list[Finding]]:
    return lambda: judge.follows(s, make())


def require_known(names: Collection[str]) -> None:
    if unknown := set(names) - set(LAWS):
        raise ValueError(f"without: expected names of laws, which are {LAWS}, got {unknown}")
