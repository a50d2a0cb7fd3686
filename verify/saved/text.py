"""What is said of a file: what was read, stated and inferred."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from verify.saved.choose import Choice, File
from verify.saved.fit import Judged
from verify.saved.readings import Reading
from verify.saved.values import Saved

KINDS = ("W", "b", "dW", "db", "Z", "A", "Δ", "M")


def heading(name: str, reading: Reading) -> str:
    at = reading.at
    n = " → ".join(map(str, at.sizes))
    many = "s" * (len(at.params) > 1)
    return f"{name}: {len(at.params)} layer{many}, n = {n}, B = {at.B} example{'s' * (at.B > 1)}"


def read(saved: Saved, best: Judged) -> Iterator[str]:
    """Which names stand for what, and how they are stored"""
    at = best.reading.at
    for kind in KINDS:
        names = [saved.names.of.get(f"{kind}[{l}]") for l in range(1, saved.L + 1)]
        if any(names):
            called = ", ".join(name or "–" for name in names)
            said = best.notes.get(kind, "") or stored(kind, at.transposed)
            yield f"{kind + '[ℓ]':<6} {called}{f', {said}' * bool(said)}"
    for kind in ("X", "Y", "J"):
        if saved.has(kind):
            said = at.notes.get(kind, "")
            array = f"{saved.names.of[kind]} {_shape(saved, kind)}"
            yield f"{kind:<6} {array}{f', {said}' * bool(said)}"


def _shape(saved: Saved, kind: str) -> str:
    array = saved.raw(kind)
    return str(array.shape) if array.size > 1 else f"= {array.reshape(-1)[0]:.9g}"


def stored(kind: str, transposed: bool) -> str:
    return "stored transposed, as (n_in, n)" if transposed and kind in ("W", "dW") else ""


def facts(reading: Reading) -> Mapping[str, str]:
    """What may be stated or inferred, but for the dtype"""
    l2 = {"l2": f"λ = {reading.l2:.6g}"} if reading.l2 else {}
    return {
        "layout": f"{reading.at.layout}, an example in each {reading.at.layout.removesuffix('s')}",
        "activations": ", ".join(map(_plain, reading.activations)),
        "loss": f"{reading.loss.name}, {reading.loss.said}",
        "reduction": reading.reduction,
        **l2,
    }


def _plain(g: object) -> str:
    """relu of relu(at_zero=1.0), as on the page"""
    return str(g).removesuffix("()").removesuffix("(at_zero=1.0)")


def stated(saved: Saved, file: File, best: Judged) -> Iterator[str]:
    for what, value in facts(best.reading).items():
        if is_stated(saved, what):
            logits = what == "activations" and file.stated.logits
            yield f"{what}: {value}{', which the loss applies to the logits' * logits}"
    if best.reading.at.masks:
        yield f"dropout of layers {', '.join(map(str, best.reading.at.masks))}"
    if saved.has("dtype"):
        yield f"dtype: {file.dtype}"


def inferred(saved: Saved, file: File, best: Judged) -> Iterator[str]:
    for what, value in facts(best.reading).items():
        if not is_stated(saved, what):
            others = what == "layout" and len({at.layout for at in file.at}) > 1
            yield f"{what}: {value}{'; the shapes leave it open' * others}"
    if not saved.has("dtype"):
        yield f"dtype: {file.dtype}, as the gradients are stored"


def is_stated(saved: Saved, what: str) -> bool:
    return saved.has(what) or (what == "l2" and saved.has("lambd"))


def unseen(choice: Choice) -> Iterator[str]:
    """What these data do not show, and what explains as much as the best reading"""
    best, equals = choice.best, choice.equals
    if best.diagnosis.verdict != "wrong":
        yield from best.diagnosis.notes
        yield from _zeros(best.reading)
    same = [j for j in equals if j.diagnosis.names == best.diagnosis.names]
    for what, values in _differences(best, same).items():
        yield f"{what}: with {values} all would be the same"
    others = [j for j in equals if j.diagnosis.names != best.diagnosis.names]
    for what, values in _differences(best, others).items():
        yield f"{what}: {values} would leave as many mistakes, but others; state {what} to decide"


def _zeros(reading: Reading) -> Iterator[str]:
    """Gradients that prove nothing"""
    layers = range(1, len(reading.at.params) + 1)
    zero = [l for l in layers if not np.any(reading.page("Δ", l))]
    if zero:
        named = ", ".join(f"Δ[{l}]" for l in zero)
        yield f"{named}: 0 for these data, and so are its gradients: a wrong g′ would not be seen"


def _differences(best: Judged, equals: Sequence[Judged]) -> Mapping[str, str]:
    ours = facts(best.reading)
    found: dict[str, list[str]] = {}
    for other in equals:
        for what, value in facts(other.reading).items():
            if ours.get(what) != value and value not in found.setdefault(what, []):
                found[what].append(value)
    return {
        what: " or ".join(values[:4]) + f" or {len(values) - 4} more" * (len(values) > 4)
        for what, values in found.items()
        if values
    }
