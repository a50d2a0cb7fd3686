"""What else a program computed, as the diagnosis takes it: Z, A and Δ of every layer."""

from collections.abc import Mapping, Sequence

from verify.mistakes import forms
from verify.saved.closeness import close
from verify.saved.readings import Reading
from verify.saved.values import F64

Lists = dict[str, Sequence[F64]]


def forward(reading: Reading) -> Lists:
    """Z and A; where the file has only some, the others as they follow from these."""
    at = reading.at
    if all(x is None for kind in ("Z", "A") for x in at.found[kind]):
        return {}
    Z: list[F64] = []
    A: list[F64] = []
    before = at.X
    for l, layer in enumerate(at.params, 1):
        right = layer["W"] @ before + layer["b"]
        z = _or(at.found["Z"][l - 1], right)
        Z.append(z)
        right = forms.g(reading.activations[l - 1], _of_shape(z, right)) * at.masks.get(l, 1.0)
        A.append(_or(at.found["A"][l - 1], right))
        before = _of_shape(A[-1], right)
    return {"Z": Z, "A": A}


def _or(given: F64 | None, right: F64) -> F64:
    return right if given is None else given


def _of_shape(given: F64, right: F64) -> F64:
    return given if given.shape == right.shape else right


def deltas(reading: Reading) -> tuple[Lists, Mapping[str, str]]:
    """Δ of all layers, without the 1/B that those of autodiff carry, and what was done."""
    given = [Δ for Δ in reading.at.found["Δ"] if Δ is not None]
    if len(given) < len(reading.at.params):
        some = "not compared, as those of other layers are absent"
        return {}, {"Δ": some} if given else {}
    factor, B = reading.loss.factor, reading.at.B
    right = [factor * reading.page("Δ", l) for l in range(1, len(given) + 1)]
    plain = any(close(Δ, x, 1e-3) for Δ, x in zip(given, right, strict=True))
    if not plain and any(close(B * Δ, x, 1e-3) for Δ, x in zip(given, right, strict=True)):
        said = f"times B = {B} here, as they carry the 1/B of the mean"
        return {"deltas": [B * Δ / factor for Δ in given]}, {"Δ": said}
    return {"deltas": [Δ / factor for Δ in given]}, {}
