"""Laws of a backward pass: it is linear in its cotangent.

    pull(0)         = 0
    pull(−c)        = −pull(c)
    pull(2d + e/2)  = 2 pull(d) + pull(e)/2

d and e have the same signs, so that nothing cancels, and entries that are multiples of 1/8, so
that c = 2d + e/2 is exact in every dtype.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from verify.errors import entries
from verify.laws.batch import Law, Result
from verify.laws.judge import Subject, finding, named, wide
from verify.laws.program import Args, is_floating
from verify.report import Finding

Rng = np.random.Generator


class Cotangents(NamedTuple):
    """c = 2d + e/2, in the structure of what the forward pass gives"""

    c: Any
    d: Any
    e: Any


def draw(out: Any, rng: Rng) -> Cotangents:
    signs = jax.tree.map(lambda x: rng.choice([-1.0, 1.0], np.shape(x)), out)

    def of(sign: Any, x: Any) -> Any:
        drawn = sign * rng.integers(1, 17, np.shape(x)) / 8
        return np.asarray(drawn if is_floating(x) else 0 * drawn)

    d, e = (jax.tree.map(of, signs, out) for _ in range(2))
    c = jax.tree.map(lambda d, e: 2 * d + e / 2, d, e)
    return Cotangents(*(jax.tree.map(lambda x, y: x.astype(y.dtype), t, out) for t in (c, d, e)))


def linear(args: Args, cotangents: Cotangents) -> Law:
    """What f gives for (*args, c) follows from d, e and −c."""
    c, d, e = cotangents
    minus = jax.tree.map(np.negative, c)

    def back(of_d: Result, of_e: Result, of_minus: Result) -> Sequence[Result]:
        total = jax.tree.map(lambda x, y: 2 * x + y / 2, of_d, of_e)
        return [_pulled(total), _pulled(jax.tree.map(np.negative, of_minus))]

    return Law("linearity in the cotangent", [(*args, x) for x in (d, e, minus)], back)


def zero(s: Subject) -> list[Finding]:
    """Exactly"""
    *args, c = s.args
    pulled = _pulled(wide(s.f((*args, jax.tree.map(np.zeros_like, c)))))
    return [
        finding("a zero cotangent", entries(name, x, np.zeros_like(x), 0.0, s.dtype))
        for name, x in named(pulled).items()
    ]


def _pulled(result: Result) -> Result:
    return {name: x for name, x in result.items() if name != "out"}
