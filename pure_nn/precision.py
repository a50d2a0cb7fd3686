"""One rule of arithmetic for every equation: compute in at least float32, round once."""

import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array, Float

P = ParamSpec("P")
R = TypeVar("R")


def wide_dtype(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype to compute in: float32 for the 16-bit types, else the dtype itself."""
    return jnp.dtype(jnp.float32) if dtype.itemsize < 4 else dtype


def widen(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return x.astype(wide_dtype(x.dtype))


def product(P: Float[Array, "m k"], Q: Float[Array, "k n"]) -> Float[Array, "m n"]:
    """PQ, accumulated in at least float32 and not yet rounded back.

    Where k is sharded by a mesh of explicit axes, the sum is over its devices.
    """
    p, q = jax.typeof(P).sharding, jax.typeof(Q).sharding
    everywhere = NamedSharding(p.mesh, PartitionSpec(p.spec[0], q.spec[1])) if p.spec[1] else None
    wide = wide_dtype(P.dtype)
    return jnp.matmul(P, Q, preferred_element_type=wide, out_sharding=everywhere)


def traced_once(f: Callable[P, R]) -> Callable[P, R]:
    """f as one call of the program that takes it, however often: traced once for each shape.

    Its constants, the arguments that are floats, are part of the program.
    """
    arguments = inspect.signature(f).parameters.values()
    constants = [argument.name for argument in arguments if argument.annotation is float]
    return cast(Callable[P, R], jax.jit(f, static_argnames=constants))
