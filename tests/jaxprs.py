"""What is counted in a jaxpr: its equations and matrix products, those within others too."""

from typing import Any

import jax


def inner(equation: Any) -> list[Any]:
    found = jax.tree.leaves(list(equation.params.values()), is_leaf=is_jaxpr)
    return [getattr(x, "jaxpr", x) for x in found if is_jaxpr(x)]


def equations(jaxpr: Any) -> int:
    """How many, those within others too"""
    return sum(1 + sum(map(equations, inner(equation))) for equation in jaxpr.eqns)


def products(jaxpr: Any) -> int:
    """How many are computed, those of a scan as often as it runs"""
    return sum(
        equation.params.get("length", 1) * sum(map(products, inner(equation)))
        + (equation.primitive.name == "dot_general")
        for equation in jaxpr.eqns
    )


def is_jaxpr(x: Any) -> bool:
    return hasattr(x, "eqns") or hasattr(x, "jaxpr")
