"""A function without its custom derivatives: what it computes is differentiated by JAX instead."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, subjaxprs

CUSTOM = ("custom_vjp_call", "custom_jvp_call")
INLINED = ("jit", "closed_call", "custom_vjp_call", "remat2")


@dataclasses.dataclass(frozen=True)
class Undecorated:
    """f, every `jax.custom_vjp` inside it being the plain function that it decorates"""

    f: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        closed, out, arrays = self._traced(args)
        return jax.tree.unflatten(out, evaluate(closed, arrays))

    def is_plain(self, *args: Any) -> bool:
        """Whether f has no custom rule, of either kind, that could be taken out or be wrong"""
        return not has_rule(self._traced(args)[0].jaxpr, CUSTOM)

    def _traced(self, args: tuple[Any, ...]) -> tuple[ClosedJaxpr, Any, list[Any]]:
        """Its program, the structure of what it returns, and the arrays among the arguments"""
        leaves, structure = jax.tree.flatten(args)
        arrays = [x for x in leaves if _is_array(x)]
        shapes: list[Any] = []

        def of_arrays(arrays: Sequence[Any]) -> list[Any]:
            rest = iter(arrays)
            filled = [next(rest) if _is_array(x) else x for x in leaves]
            found, out = jax.tree.flatten(self.f(*jax.tree.unflatten(structure, filled)))
            shapes.append(out)
            return found

        closed = jax.make_jaxpr(of_arrays)(arrays)
        return closed, shapes[-1], arrays


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype")


def evaluate(closed: ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
    """What the program returns, custom rules for its backward pass left out"""
    values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values |= dict(zip(closed.jaxpr.invars, arguments, strict=True))

    def read(v: Any) -> Any:
        return v.val if isinstance(v, Literal) else values[v]

    for equation in closed.jaxpr.eqns:
        found = _apply(equation, [read(v) for v in equation.invars])
        values.update(zip(equation.outvars, found, strict=True))
    return [read(v) for v in closed.jaxpr.outvars]


def _apply(equation: Any, operands: list[Any]) -> Sequence[Any]:
    primitive, params = equation.primitive, equation.params
    if primitive.name in INLINED:
        return evaluate(_closed(params.get("call_jaxpr", params.get("jaxpr"))), operands)
    params = primitive.get_bind_params({name: _plain(x) for name, x in params.items()})
    found = primitive.bind(*operands, **params)
    return found if primitive.multiple_results else [found]


def _closed(jaxpr: Any) -> ClosedJaxpr:
    return jaxpr if isinstance(jaxpr, ClosedJaxpr) else ClosedJaxpr(jaxpr, ())


def _plain(param: Any) -> Any:
    """The same done to the bodies of loops and to branches"""
    if isinstance(param, tuple) and param and isinstance(param[0], ClosedJaxpr):
        return tuple(map(_plain, param))
    if not isinstance(param, ClosedJaxpr) or not has_rule(param.jaxpr, CUSTOM[:1]):
        return param
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in param.jaxpr.invars]
    return jax.make_jaxpr(lambda *xs: evaluate(param, xs))(*shapes)


def has_rule(jaxpr: Jaxpr, custom: Sequence[str]) -> bool:
    names = {equation.primitive.name for equation in jaxpr.eqns}
    return bool(names & set(custom)) or any(has_rule(x, custom) for x in subjaxprs(jaxpr))
