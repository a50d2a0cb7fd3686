"""How far a gradient may be off that is right on paper and stores its values in the dtype.

On paper g′ is a function of A = g(Z), as in 1 − A² or A(1 − A), and Δ a difference, as in A − Y.
Who stores A to its last place knows such a slope to u times the terms that it is made of, and where
a unit saturates that is all of it. Whichever form automatic differentiation takes, here

    the slope of A is off by u max |g′(tZ)|, 0 < t ≤ 1     the largest on the way from 0 to Z
    every result is off by u times itself                  of the value and of the gradient
    every sum is off by u times its absolute terms         as in `verify.derivatives.rounding`

The largest slope on the way is 1 for tanh, as are the terms of 1 − A², and 1/4 for sigmoid.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr

from verify.derivatives import responses, slopes
from verify.derivatives.arguments import Arguments, Call
from verify.derivatives.kept import cached
from verify.derivatives.primal import Primal
from verify.derivatives.programs import Leaves, Pulled, merged, outputs
from verify.derivatives.rounding import Off, Signs, perturbed


class OnPaper:
    """A value and gradient, and how they may come out on paper; equal to itself alone.

    Both with the shifts of softmax constant, so that nothing but rounding is between them.
    """

    def __init__(self, call: Call, wanted: tuple[int, ...]) -> None:
        self.call, self.wanted = call, wanted

    def __call__(self, arrays: Leaves, cotangent: Leaves) -> Pulled:
        closed = self._traced(arrays)
        shapes = jax.eval_shape(lambda x: slopes.steepest(closed, x, self.wanted), arrays)
        δ = [jnp.zeros(x.shape, x.dtype) for x in shapes]
        return self._pulled(closed, arrays, cotangent, δ)

    def _traced(self, arrays: Leaves) -> ClosedJaxpr:
        return jax.make_jaxpr(lambda *x: outputs(self.call(list(x))))(*arrays)

    def off(self, arrays: Leaves, cotangent: Leaves, by: Off) -> Pulled:
        closed = self._traced(arrays)
        steepest = slopes.steepest(closed, arrays, self.wanted)
        signs = Signs(by.seed + 1, max((x.size for x in steepest), default=1))
        δ = [by.u * signs.of(x.shape) * x for x in steepest]
        pulled = functools.partial(self._pulled, closed)
        program, shapes = jax.make_jaxpr(pulled, return_shape=True)(arrays, cotangent, δ)
        given = [*jax.tree.leaves(arrays), *cotangent, *δ]
        found = perturbed(program, given, by._replace(every=True))
        tree: Pulled = jax.tree.unflatten(jax.tree.structure(shapes), found)
        return tree

    def _pulled(self, closed: ClosedJaxpr, arrays: Leaves, cotangent: Leaves, δ: Leaves) -> Pulled:
        def f(some: Leaves) -> list[Any]:
            return slopes.off(closed, merged(arrays, self.wanted, some), self.wanted, δ)

        out, pullback = jax.vjp(f, [jnp.asarray(arrays[i]) for i in self.wanted])
        given = [jnp.asarray(v, x.dtype) for v, x in zip(cotangent, out, strict=True)]
        return Pulled(out, pullback(given)[0])


@cached(64)
def _of(call: Call, wanted: tuple[int, ...]) -> OnPaper:
    return OnPaper(call, wanted)


def response(
    function: Primal, given: Arguments, arrays: Leaves, cotangent: Leaves, rng: Any
) -> list[Any]:
    """How far each entry of the gradient moves then: the largest of 24 random changes.

    Nothing where the program cannot be traced.
    """
    if function.program is None:
        return []
    program = _of(function.call, function.wanted)
    found = responses.of(program, given, arrays, cotangent, rng, responses.ROUNDS)
    return list(found.largest.gradient)
