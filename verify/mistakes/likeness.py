"""What an array is of the array that it should be: a multiple, the transpose, one entry off."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from verify.mistakes.factors import EASY, ROUND, describe, is_round
from verify.mistakes.forms import F64
from verify.mistakes.leaf import Leaf, Mistake, cheapest, close, equation, lower_precision

FEW = 0.25  # of the entries may be wrong, for those that are to be called few


def likenesses(leaf: Leaf) -> list[Mistake]:
    """The cheapest explanations, all that fit."""
    with np.errstate(all="ignore"):
        found = list(_of_shape(leaf) if leaf.got.shape != leaf.right.shape else _of_values(leaf))
    return cheapest(found)


# of another shape


def _of_shape(leaf: Leaf) -> Iterator[Mistake]:
    name, got, right = leaf.name, leaf.got, leaf.right
    shapes = f"its shape is {got.shape}, not {right.shape}"
    if dataclasses.replace(leaf, got=got.T).is_almost_right:
        yield Mistake("transposed", name, f"{name} is transposed: {shapes}")
    elif got.size == right.size and np.squeeze(got).shape == np.squeeze(right).shape:
        yield from _lost_axis(leaf, shapes)
    if got.size == 1 and right.size > 1:
        for what, total in (("sum", np.sum(right)), ("mean", np.mean(right))):
            if close(np.reshape(got, ()), np.asarray(total), leaf.tol):
                yield Mistake(
                    "one scalar",
                    name,
                    f"{name} is one number, the {what} of all its "
                    f"entries: {shapes}; sum over the examples alone",
                )


def _lost_axis(leaf: Leaf, shapes: str) -> Iterator[Mistake]:
    again = leaf.got.reshape(leaf.right.shape)
    lost = f"{leaf.name} has lost an axis: {shapes}; sum with keepdims=True"
    if dataclasses.replace(leaf, got=again).is_almost_right:
        yield Mistake("keepdims lost", leaf.name, lost)
    for m in likenesses(dataclasses.replace(leaf, got=again)):
        yield dataclasses.replace(m, text=f"{lost}; and {m.text}", cost=m.cost + 0.5)


# of the right shape


def _of_values(leaf: Leaf) -> Iterator[Mistake]:
    name, got = leaf.name, leaf.got
    if not np.all(np.isfinite(got)):
        yield _not_finite(leaf)
        return
    if not np.any(got):
        yield Mistake("zero", name, f"{name} is zero: it was left out")
        return
    yield from _few(leaf)
    yield from _rounded(leaf)
    if leaf.is_near:
        return  # as near as that, anything fits
    yield from _multiples(leaf)
    yield from _rearranged(leaf)
    yield from _with_the_parameter(leaf)
    if leaf.l2 and leaf.name.startswith("dW"):
        yield from _of_the_data_term(leaf)


def _not_finite(leaf: Leaf) -> Mistake:
    first, *others = np.argwhere(~np.isfinite(leaf.got))
    many = f"{len(others) + 1} NaN or infinite entries, the first"
    entries = many if others else "one NaN or infinite entry,"
    text = f"{leaf.name} has {entries} at {tuple(map(int, first))}"
    return Mistake("not finite", leaf.name, text)


def _multiples(leaf: Leaf) -> Iterator[Mistake]:
    """θ = ⟨got, right⟩/⟨right, right⟩, of more than one entry unless θ has a name"""
    largest = np.max(np.abs(leaf.right)) or 1.0
    right, got = np.atleast_1d(leaf.right / largest), np.atleast_1d(leaf.got / largest)
    θ = float(np.sum(got * right) / np.sum(right * right))
    if leaf.is_like(θ * leaf.right):
        known, text = describe(θ, leaf.lengths, 4 * leaf.tol)
        plain, simple = (is_round(θ, 4 * leaf.tol, least) for least in (ROUND, EASY))
        if known or plain or (_is_sensible(θ, leaf.tol) and several(right, 100 * leaf.tol)):
            said = f"{leaf.name} {text}{equation(leaf.name) if 'mean' in text else ''}"
            yield Mistake(f"factor {text}", leaf.name, said, 1.0 if known or simple else 1.5)


def _is_sensible(θ: float, tol: float) -> bool:
    return 1e-3 < abs(θ) < 1e6 and abs(θ - 1) > 100 * tol


def several(x: F64, small: float) -> bool:
    """Whether a factor is more than a fit to one number: three entries, in two units"""
    units = np.max(np.abs(x).reshape(len(x), -1), axis=1, initial=0)
    return _count(x, small) > 2 and _count(units, small) > 1


def _count(x: F64, small: float) -> int:
    """Entries that are not small beside the largest"""
    return int(np.sum(np.abs(x) > small * np.max(np.abs(x), initial=0)))


def _of_the_data_term(leaf: Leaf) -> Iterator[Mistake]:
    data, what = leaf.without_l2(), leaf.name.removeprefix("d")
    if leaf.is_like(leaf.l2 * np.asarray(leaf.value)):
        yield Mistake("zero", leaf.name, f"{leaf.name} is λ{what} alone: Δ Aᵀ/B was left out")
    for m in (*_multiples(data), *_rearranged(data)):
        yield dataclasses.replace(m, text=f"but for its L2 term, which is right, {m.text}")


def _rearranged(leaf: Leaf) -> Iterator[Mistake]:
    name, right = leaf.name, leaf.right
    if right.size == 1:
        return
    changed: Mapping[str, Any] = {
        "transposed": right.T,
        "in reverse order along its rows": right[::-1],
        "in reverse order along its columns": right[..., ::-1],
        "without its signs": np.abs(right),
        "squared": right**2,
        "only the signs of its entries": np.sign(right),
    }
    for how, array in changed.items():
        if leaf.is_like(array):
            kind = "transposed" if how == "transposed" else "rearranged"
            yield Mistake(kind, name, f"{name} is {how}")
    for what, total in (("sum", np.sum(right)), ("mean", np.mean(right))):
        if leaf.is_constant and leaf.is_like(np.full_like(right, total)):
            text = f"{name} is the {what} of all its entries in every entry"
            yield Mistake("one scalar", name, f"{text}: sum over the examples alone")


def _with_the_parameter(leaf: Leaf) -> Iterator[Mistake]:
    """got = right + μ value: an L2 term"""
    value, size = leaf.value, float(np.max(np.abs(leaf.right)))
    if value is None or value.size < 3 or not np.any(value):
        return
    μ = float(np.sum((leaf.got - leaf.right) * value) / np.sum(value * value))
    if (
        leaf.is_like(leaf.right + μ * value)
        and _count(leaf.got - leaf.right, 100 * leaf.tol) > 2
        and abs(μ) * np.max(np.abs(value)) > 4 * leaf.tol * size
    ):
        yield Mistake(*_l2(leaf, μ))


def _l2(leaf: Leaf, μ: float) -> tuple[str, str, str]:
    what = leaf.name.removeprefix("d")
    of, near = f"{leaf.name} is off by {μ:.6g} {what}", leaf.l2 and abs(μ) / leaf.l2
    if what.startswith("b"):
        return "L2 on b", leaf.name, f"{of}: an L2 term is applied to b, which has none"
    if not leaf.l2:
        missing = "is missing" if μ < 0 else "is one too many"
        kind = "L2 missing" if μ < 0 else "L2 doubled"
        return kind, leaf.name, f"{of}: an L2 term λ{what} {missing}, or has another λ"
    if μ < 0:
        partly = "" if not near or abs(near - 1) < 1e-3 else " in part"
        return "L2 missing", leaf.name, f"{of}: the L2 term λ{what} is missing{partly}"
    again = "is doubled" if near and abs(near - 1) < 1e-3 else "is one too many, or has the wrong λ"
    return "L2 doubled", leaf.name, f"{of}: the L2 term λ{what} {again}"


def _few(leaf: Leaf) -> Iterator[Mistake]:
    """One entry, one row or column, or all beyond a limit"""
    name, got, right, wrong = leaf.name, leaf.got, leaf.right, leaf.wrong
    where, limit = np.argwhere(wrong), np.max(np.abs(got))
    at_limit = np.all(np.abs(got[wrong]) >= limit * (1 - leaf.tol))
    if len(where) > 2 and at_limit and np.all(np.abs(right[wrong]) > limit) and not np.all(wrong):
        yield Mistake("clipped", name, f"{name} is clipped at ±{limit:.6g}")
    elif len(where) == 1 and right.size > 3:
        i = tuple(map(int, where[0]))
        values = f"got {got[i]:.9g}, expected {right[i]:.9g}"
        text = f"{name}[{', '.join(map(str, i))}] alone is wrong: {values}"
        yield Mistake("one entry", name, text, 2.0)
        if right.ndim == 2 and got[i] == 0:
            yield from _one_line(leaf, where)
    elif len(where) and right.ndim == 2 and (np.mean(wrong) <= FEW or not np.any(got[wrong])):
        yield from _one_line(leaf, where)


def _one_line(leaf: Leaf, where: Any) -> Iterator[Mistake]:
    zero = "" if np.any(leaf.got[leaf.wrong]) else " (zero there)"
    for axis, line in enumerate(("row", "column")):
        lines = np.unique(where[:, axis])
        alone = len(where) > 1 or not np.any(np.take(leaf.got, lines, axis))
        if len(lines) == 1 and min(leaf.right.shape) > 1 and alone:
            text = f"{leaf.name} is wrong in {line} {lines[0]} alone{zero}"
            yield Mistake("one line", leaf.name, text, 2.0)


def _rounded(leaf: Leaf) -> Iterator[Mistake]:
    """All its entries are numbers of fewer bits, which the right ones are not, and near them"""
    precision = lower_precision([leaf.got], leaf.claimed)
    if precision and not lower_precision([leaf.right], leaf.claimed):
        near = 16 * float(jnp.finfo(precision).eps) * np.max(np.abs(leaf.right))
        if np.all(np.abs(leaf.got - leaf.right) < near):
            text = f"holds numbers of {precision}: it is computed in a lower precision"
            yield Mistake("precision", leaf.name, f"{leaf.name} {text} than claimed", 0.9)
