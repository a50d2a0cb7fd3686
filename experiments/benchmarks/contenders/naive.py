"""Our step with g′ as people write it, of A alone, beside the accurate one."""

import functools
from typing import Any

import pure_nn
import pure_nn.interop
from experiments.benchmarks.contenders import jax_steps
from experiments.benchmarks.contenders.jax_steps import OURS
from experiments.benchmarks.problem import Contender, Problem, Running

NAIVE = f"{OURS}, naive g′"
G_PRIME = {"tanh": lambda Z, A: 1 - A * A, "sigmoid": lambda Z, A: A * (1 - A)}


def _network(problem: Problem) -> pure_nn.Network:
    own = pure_nn.Network((problem.hidden, problem.output)).activations[0]
    g = pure_nn.Activation(f"{own.name} of A", own.g, G_PRIME[problem.hidden], range=own.range)
    return pure_nn.Network((*[g] * (len(problem.sizes) - 2), problem.output))


def _step(problem: Problem) -> Any:
    return jax_steps.step_of(_network(problem), problem)


def _cost(problem: Problem) -> Any:
    return functools.partial(pure_nn.interop.cost, _network(problem))


def naive(problem: Problem) -> Running:
    return jax_steps.running(problem, _step, _cost)


ACCURATE_AND_NAIVE = (jax_steps.STEPS[0], Contender(NAIVE, naive))
