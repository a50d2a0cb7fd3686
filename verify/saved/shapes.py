"""A file's arrays laid out as on the page: columns, W of shape (n, n_in), b of shape (n, 1)."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pure_nn.types import Activation
from verify.mistakes.recipe import Pass
from verify.saved import targets
from verify.saved.values import F64, Saved

Layer = dict[str, F64]
WAYS = (("columns", False), ("rows", True), ("rows", False), ("columns", True))


@dataclasses.dataclass(frozen=True, eq=False)
class Arrangement:
    """One way in which the file's shapes fit together.

    transposed   W is stored as (n_in, n)
    notes        what had to be assumed, by the quantity
    passes       forward, by the activations of the hidden layers, as they are computed
    """

    layout: str
    transposed: bool
    params: Sequence[Layer]
    grads: Sequence[Layer]
    X: F64
    Y: F64
    found: Mapping[str, Sequence[F64 | None]]
    masks: Mapping[int, F64]
    notes: Mapping[str, str]
    passes: dict[tuple[Activation, ...], Pass] = dataclasses.field(default_factory=dict)

    @property
    def B(self) -> int:
        return int(self.X.shape[1])

    @property
    def sizes(self) -> list[int]:
        return [len(self.X), *(len(layer["W"]) for layer in self.params)]


def arrangements(saved: Saved, layout: str = "") -> list[Arrangement]:
    """Every one that fits, the likeliest first.

    ValueError: none does; what was expected, and what came.
    """
    W, b = _parameters(saved)
    misfits = {t: _misfit(saved, W, b, t) for t in (False, True)}
    turned = [t for t, misfit in misfits.items() if misfit is None]
    if not turned:
        _, why = max(filter(None, misfits.values()), key=lambda misfit: misfit[0])
        raise ValueError(why)
    found, refused = [], []
    for l, t in WAYS:
        if t in turned and layout in ("", l):
            try:
                found.append(_arranged(saved, W, b, l, t))
            except targets.Misfit as error:
                refused.append(str(error))
    if not found:
        raise ValueError("; or ".join(dict.fromkeys(refused)))
    return found


def _parameters(saved: Saved) -> tuple[list[F64], list[F64]]:
    W, b = [], []
    for l in range(1, saved.L + 1):
        weights = saved.finite(f"W[{l}]", saved.floats(f"W[{l}]"))
        if weights.ndim not in (1, 2) or not weights.size:
            raise ValueError(
                f"{saved.label(f'W[{l}]')}: expected a matrix (n, n_in) or (n_in, n), got shape "
                f"{weights.shape}; layers other than dense ones are not known here"
            )
        W.append(np.atleast_2d(weights))
        b.append(saved.finite(f"b[{l}]", saved.floats(f"b[{l}]")))
    return W, b


def _page_W(W: F64, transposed: bool) -> F64:
    return W.T if transposed else W


def _misfit(
    saved: Saved, W: Sequence[F64], b: Sequence[F64], transposed: bool
) -> tuple[int, str] | None:
    """The first layer of which W and b do not fit, and why"""
    before = None
    for l in range(1, saved.L + 1):
        n, n_in = _page_W(W[l - 1], transposed).shape
        given = f"{saved.label(f'W[{l}]')} has shape {W[l - 1].shape}"
        if b[l - 1].size != n or max(b[l - 1].shape, default=1) != b[l - 1].size:
            bias = f"{saved.label(f'b[{l}]')} has shape {b[l - 1].shape}"
            return l, (
                f"{given}, {bias}: expected W (n, n_in) or (n_in, n), all alike, and n entries in b"
            )
        if before not in (None, n_in):
            order = ", ".join(saved.names.of[f"W[{k}]"] for k in range(1, saved.L + 1))
            return l, (
                f"{given}: expected weights for the {before} units of layer {l - 1}; the layers "
                f"are taken in the order {order}"
            )
        before = n
    return None


def _arranged(
    saved: Saved, W: Sequence[F64], b: Sequence[F64], layout: str, transposed: bool
) -> Arrangement:
    params = [
        {"W": _page_W(w, transposed), "b": bias.reshape(-1, 1)}
        for w, bias in zip(W, b, strict=True)
    ]
    grads = [
        {"W": _gradient(saved, f"dW[{l}]", W[l - 1], transposed), "b": _db(saved, l, b[l - 1])}
        for l in range(1, saved.L + 1)
    ]
    X = targets.inputs(saved, params[0]["W"].shape[1], layout)
    Y, said = targets.outputs(saved, len(params[-1]["W"]), X.shape[1], layout)
    notes = {"Y": said} if said else {}
    found = {kind: list(_found(saved, kind, layout)) for kind in ("Z", "A", "Δ")}
    masks = dict(_masks(saved, params, X.shape[1], layout))
    return Arrangement(layout, transposed, params, grads, X, Y, found, masks, notes)


def _gradient(saved: Saved, name: str, W: F64, transposed: bool) -> F64:
    """As W is stored; of another shape, as it came"""
    dW = saved.floats(name)
    dW = np.atleast_2d(dW) if dW.ndim == 1 and dW.size == W.size and 1 in W.shape else dW
    return dW.T if transposed and dW.ndim == 2 else dW


def _db(saved: Saved, l: int, b: F64) -> F64:
    """(n, 1) where b − η db has the shape of b; else such that its shape is seen to be wrong"""
    db = saved.floats(f"db[{l}]")
    column = b.ndim == 2 and b.shape[1] == 1 and b.size > 1
    if db.size == b.size and (db.shape == b.shape or not (column or _is_column(db))):
        return db.reshape(-1, 1)
    return db if column or db.size != b.size else db.T


def _is_column(x: F64) -> bool:
    return x.ndim == 2 and x.shape[1] == 1 and x.size > 1


def _turned(x: F64, layout: str) -> F64:
    return x.T if layout == "rows" and x.ndim == 2 else x


def _found(saved: Saved, kind: str, layout: str) -> Iterator[F64 | None]:
    for l in range(1, saved.L + 1):
        name = f"{kind}[{l}]"
        yield _turned(saved.numbers(name), layout) if saved.has(name) else None


def _masks(
    saved: Saved, params: Sequence[Mapping[str, Any]], B: int, layout: str
) -> Iterator[tuple[int, F64]]:
    """M[ℓ] over keep, unless it is so already"""
    keep = saved.number("keep")
    for l in range(1, saved.L + 1):
        name = f"M[{l}]"
        if saved.has(name):
            mask = _turned(saved.finite(name, saved.numbers(name)), layout)
            shape = (len(params[l - 1]["W"]), B)
            if mask.shape != shape:
                raise targets.Misfit(
                    f"{saved.label(name)}: expected a mask of shape {shape} in columns, got "
                    f"{mask.shape}"
                )
            yield l, _scaled(saved, name, mask, keep)


def _scaled(saved: Saved, name: str, mask: F64, keep: float | None) -> F64:
    if keep is None and np.max(mask) == 1 and np.min(mask) == 0:
        raise ValueError(
            f"{saved.label(name)}: expected keep beside a mask of 0 and 1, the probability that it "
            "is divided by; save keep=1.0 where it is not divided"
        )
    if keep is not None and not 0 < keep <= 1:
        raise ValueError(f"keep: expected a probability, 0 < keep ≤ 1, got {keep}")
    return mask / keep if keep is not None and np.max(mask) == 1 else mask
