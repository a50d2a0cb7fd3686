"""Counts of programs, compiled for the CPU and traced. They are the same on every run: no times."""

import collections
import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jaxprs

import pure_nn

NETWORKS = ((784, 128, 10), (784, 256, 128, 10))
HIDDEN = ("relu", "leaky_relu", "identity", "sigmoid", "tanh")
B = 64  # no layer of NETWORKS has 64 units, so that no product passes for another
COMPILED = "/jax/core/compile/backend_compile_duration"


class Product(NamedTuple):
    """PQ, whichever of the two the compiler put first: the sizes of the result, and of the sum."""

    result: tuple[int, int]
    terms: int


Products = collections.Counter[Product]


class Counts(NamedTuple):
    products: Products
    flops: int
    transcendentals: int
    bytes: int  # read and written by all instructions
    temporary: int  # bytes for what is neither given nor returned: what the backward pass keeps
    text: str


def counts(f: Callable[..., Any], *arrays: Any) -> Counts:
    """Of f compiled by XLA; the arrays may be shapes, as nothing is run."""
    compiled = jax.jit(f).lower(*arrays).compile()
    cost: Any = compiled.cost_analysis()
    memory: Any = compiled.memory_analysis()
    text = compiled.as_text() or ""
    return Counts(
        _dots(text),
        int(cost["flops"]),
        int(cost["transcendentals"]),
        int(cost["bytes accessed"]),
        int(memory.temp_size_in_bytes),
        text,
    )


def traced_products(f: Callable[..., Any], *arrays: Any) -> int:
    """Those of f as it is written, before XLA drops what is unused or merges what is equal"""
    return list(jaxprs.primitives(jax.make_jaxpr(f)(*arrays).jaxpr)).count("dot_general")


def equations(f: Callable[..., Any], *arrays: Any) -> int:
    return jaxprs.equations(jax.make_jaxpr(f)(*arrays).jaxpr)


def compilations(call: Callable[[], Any]) -> int:
    """How many programs XLA compiles while `call` runs, whoever asked for them"""
    found: list[str] = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        jax.block_until_ready(call())
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return found.count(COMPILED)


def flops(products: Products) -> int:
    """One multiplication and one addition for every term"""
    return sum(2 * math.prod(p.result) * p.terms * times for p, times in products.items())


# the products of the recipe, layer by layer


def forward(sizes: Sequence[int], *layers: int) -> Products:
    """W[ℓ]A[ℓ-1]"""
    return collections.Counter(_product(sizes[l], sizes[l - 1], B) for l in layers)


def pulls(sizes: Sequence[int], *layers: int) -> Products:
    """W[ℓ]ᵀΔ[ℓ]"""
    return collections.Counter(_product(sizes[l - 1], sizes[l], B) for l in layers)


def sums(sizes: Sequence[int], *layers: int) -> Products:
    """Δ[ℓ]A[ℓ-1]ᵀ"""
    return collections.Counter(_product(sizes[l], B, sizes[l - 1]) for l in layers)


def recipe(sizes: Sequence[int]) -> Products:
    """Three for every layer, but W[1]ᵀΔ[1]"""
    L = len(sizes) - 1
    return (
        forward(sizes, *range(1, L + 1))
        + pulls(sizes, *range(2, L + 1))
        + sums(sizes, *range(1, L + 1))
    )


# networks of shapes alone


def network(sizes: Sequence[int], hidden: str | pure_nn.Activation) -> pure_nn.Network:
    return pure_nn.Network((*(hidden,) * (len(sizes) - 2), "softmax"))


def shapes(sizes: Sequence[int]) -> tuple[Any, Any, Any]:
    """params, X and Y"""
    params = tuple(
        {"W": _shape(n, n_below), "b": _shape(n, 1)} for n_below, n in itertools.pairwise(sizes)
    )
    return params, _shape(sizes[0], B), _shape(sizes[-1], B)


def parameters(sizes: Sequence[int]) -> int:
    return sum(n * (n_below + 1) for n_below, n in itertools.pairwise(sizes))


def _shape(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def _product(m: int, k: int, n: int) -> Product:
    return Product((min(m, n), max(m, n)), k)


def _dots(text: str) -> Products:
    """The `dot` instructions of a compiled program"""
    shape = {
        name: tuple(map(int, sizes.split(",")))
        for name, sizes in re.findall(r"%(\S+) = \w+\[([\d,]+)\]", text)
    }
    dots = re.findall(r"%(\S+) = \S+ dot\(%(\S+), %\S+\), lhs_contracting_dims={(\d)}", text)
    assert len(dots) == text.count(" dot(")
    return collections.Counter(
        _product(shape[result][0], shape[left][int(axis)], shape[result][1])
        for result, left, axis in dots
    )
