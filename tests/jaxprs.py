"""What is counted in a jaxpr: its primitives and matrix products, those within others too."""

from collections.abc import Iterator
from typing import Any

import jax


def primitives(jaxpr: Any) -> Iterator[str]:
    """The names of all primitives of a jaxpr, of those inside the parameters of others too."""
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        for jaxpr_inside in inner(equation):
            yield from primitives(jaxpr_inside)


def equations(jaxpr: Any) -> int:
    """How many, those within others too"""
    return len(list(primitives(jaxpr)))


def products(jaxpr: Any) -> int:
    """How many are computed, those of a scan as often as it runs"""
    return sum(
        equation.params.get("length", 1) * sum(map(products, inner(equation)))
        + (equation.primitive.name == "dot_general")
        for equation in jaxpr.eqns
    )


def inner(equation: Any) -> list[Any]:
    found = jax.tree.leaves(list(equation.params.values()), is_leaf=_is_jaxpr)
    return [getattr(x, "jaxpr", x) for x in found if _is_jaxpr(x)]


def _is_jaxpr(x: Any) -> bool:
    return hasattr(x, "eqns") or hasattr(x, "jaxpr")
