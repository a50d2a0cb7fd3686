"""Mistakes in gradients of which no network is known, leaf by leaf."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

from verify.mistakes.forms import F64
from verify.mistakes.leaf import Leaf, Mistake, lower_precision
from verify.mistakes.likeness import likenesses

LEAST, MOST = 2.0**-44, 0.02


def name_leaves(
    got: Mapping[str, F64],
    expected: Mapping[str, F64],
    values: Mapping[str, F64],
    bounds: Mapping[str, F64],
    lengths: Mapping[int, str],
    dtype: DTypeLike | None = None,
) -> tuple[str, ...]:
    """A sentence for each mistake; none where nothing is known.

    values   the arguments that the gradients belong to
    bounds   how far rounding takes each entry
    lengths  what has how many entries, by which a factor is called
    dtype    in which they are computed; by default the lowest of which all values are numbers
    """
    claimed = str(jnp.dtype(dtype or lower_precision(values.values(), "float64") or "float64"))
    places: dict[str, list[str]] = {}
    for name, right in expected.items():
        size = float(np.max(np.abs(right), initial=0)) or 1.0
        tol = float(np.clip(4 * np.max(bounds[name], initial=0) / size, LEAST, MOST))
        known = {what: n for n, what in lengths.items()}
        array = np.asarray(got[name], np.float64)
        allowed = np.broadcast_to(np.asarray(bounds[name]), right.shape)
        value = values.get(name)
        leaf = Leaf(name, array, right, allowed, value, tol, known, claimed=claimed)
        if not leaf.is_right:
            found = _swapped(leaf, expected) or likenesses(leaf)
            text = ", or ".join(m.text.removeprefix(f"{name} ") for m in found)
            places.setdefault(text, []).append(name)
    return tuple(f"{', '.join(names)}: {text}" for text, names in places.items() if text)


def _swapped(leaf: Leaf, expected: Mapping[str, F64]) -> list[Mistake]:
    return [
        Mistake("swapped", leaf.name, f"{leaf.name} is the gradient of {other}")
        for other, right in expected.items()
        if other != leaf.name and leaf.is_like(right)
    ]
