"""What a compiled program counts, and what its backward pass is handed: the price of a step."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Counts(NamedTuple):
    """Of one call. `residuals` are the bytes that the backward pass reads of the forward pass, but
    for what both are given, where the two are programs of their own."""

    bytes_accessed: int
    temporary_bytes: int
    transcendentals: int
    residual_bytes: int | None = None


def of(program: Any, residual_bytes: int | None = None) -> Counts:
    cost, memory = program.cost_analysis(), program.memory_analysis()
    return Counts(
        int(cost["bytes accessed"]),
        int(memory.temp_size_in_bytes),
        int(cost.get("transcendentals", 0)),
        residual_bytes,
    )


def residuals(cost: Any, params: Any, *data: Any) -> int:
    def forward(params: Any, *data: Any) -> Any:
        return jax.vjp(lambda params: cost(params, *data), params)

    traced, (J, pull) = jax.make_jaxpr(forward, return_shape=True)(params, *data)
    given, kept = set(map(id, traced.jaxpr.invars)), list(map(id, traced.jaxpr.outvars[1:]))
    shapes = dict(zip(kept, jax.tree.leaves(pull), strict=True))
    own = {name: shape for name, shape in shapes.items() if name not in given}

    def backward(own: dict[int, Any]) -> Any:
        """From zeros for what is given, which are no arguments and so are not counted"""
        zeros = {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
        read = [(zeros | own)[name] for name in kept]
        return jax.tree.unflatten(jax.tree.structure(pull), read)(jnp.ones(J.shape, J.dtype))

    memory: Any = jax.jit(backward).lower(own).compile().memory_analysis()
    return int(memory.argument_size_in_bytes)
