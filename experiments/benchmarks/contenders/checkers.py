"""Checks of one and the same gradient: `verify.check_gradient` beside the usual checkers.

They do unlike things: `check_grads` compares along one random direction, `gradcheck` each entry
(`fast_mode`: one direction), `check_gradient` every entry with several oracles, and names what is
wrong.
"""

import functools
from typing import Any

from jax.test_util import check_grads

import pure_nn
import verify
from experiments.benchmarks.contenders import jax_steps, others
from experiments.benchmarks.contenders.jax_steps import OURS
from experiments.benchmarks.problem import Contender, Problem, Running


def own(problem: Problem) -> Running:
    net, (params, _, X, Y) = jax_steps.network_of(problem), jax_steps.given(problem, jax_steps.own)

    def cost(params: Any) -> Any:
        return pure_nn.cost(net, params, X, Y)

    def by_hand(params: Any) -> Any:
        return pure_nn.value_and_grad(net, params, X, Y)[1]

    def call() -> None:
        verify.check_gradient(cost, by_hand, (params,)).raise_if_wrong()

    return Running(call)


def of_jax(problem: Problem) -> Running:
    net, (params, _, X, Y) = jax_steps.network_of(problem), jax_steps.given(problem, jax_steps.own)

    def cost(params: Any) -> Any:
        return pure_nn.cost(net, params, X, Y)

    return Running(lambda: check_grads(cost, (params,), order=1, modes=("rev",)))


def of_torch(problem: Problem, *, fast: bool) -> Running:
    it = others.Torch(problem)
    given = tuple(it.model.parameters())
    names = [name for name, _ in it.model.named_parameters()]

    def cost(*given: Any) -> Any:
        call = it.torch.func.functional_call
        return it.loss(call(it.model, dict(zip(names, given, strict=True)), (it.X,)), it.Y)

    return Running(lambda: it.torch.autograd.gradcheck(cost, given, fast_mode=fast))


CHECKERS = (
    Contender(f"{OURS}: check_gradient", own),
    Contender("jax: check_grads", of_jax),
    Contender("PyTorch: gradcheck", functools.partial(of_torch, fast=False)),
    Contender("PyTorch: gradcheck, fast", functools.partial(of_torch, fast=True)),
)
