"""Deep narrow networks: layer by layer, stacked, and with activations computed again."""

import functools
from typing import Any

import jax

import pure_nn
from experiments.benchmarks import counts
from experiments.benchmarks.contenders import jax_steps
from experiments.benchmarks.contenders.jax_steps import OURS, Stepping
from experiments.benchmarks.counts import Counts
from experiments.benchmarks.problem import Contender, Problem, Running, Weights

STACKED, RECOMPUTED = f"{OURS}, stacked", f"{OURS}, recompute"


def stacked(problem: Problem) -> Running:
    params, state, X, Y = jax_steps.given(problem, jax_steps.own)
    stepping = Stepping(
        jax.jit(jax_steps.own(problem), donate_argnums=(0, 1)),
        pure_nn.stack(params, jax_steps.network_of(problem)), state, X, Y,
    )  # fmt: skip

    def weights() -> Weights:
        return jax_steps.weights_of(pure_nn.unstack(stepping.params))

    return Running(stepping, stepping.wait, weights)


def _gradients(problem: Problem, *, recompute: bool) -> Running:
    params, _, X, Y = jax_steps.given(problem, jax_steps.own)
    net, found = jax_steps.network_of(problem), list[Any]()

    @jax.jit
    def gradients(params: Any, X: Any, Y: Any) -> Any:
        return pure_nn.value_and_grad(net, params, X, Y, recompute=recompute)

    def call() -> None:
        found[:] = gradients(params, X, Y)

    def stepped() -> Weights:
        rate = problem.learning_rate
        return jax_steps.weights_of(jax.tree.map(lambda x, dx: x - rate * dx, params, found[1]))

    def counted() -> Counts:
        return counts.of(gradients.lower(params, X, Y).compile())

    return Running(call, lambda: jax.block_until_ready(found), stepped, counted)


DEEP = (Contender(STACKED, stacked),)
RECOMPUTE = tuple(
    Contender(name, functools.partial(_gradients, recompute=name == RECOMPUTED))
    for name in (RECOMPUTED, OURS)
)
