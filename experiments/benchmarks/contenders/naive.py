"""Our step with g′ as people write it, of A alone, beside the accurate one."""

from typing import Any

import pure_nn
from experiments.benchmarks.contenders import jax_steps
from experiments.benchmarks.contenders.jax_steps import OURS
from experiments.benchmarks.problem import Contender, Problem, Running

NAIVE = f"{OURS}, naive g′"
G_PRIME = {"tanh": lambda Z, A: 1 - A * A, "sigmoid": lambda Z, A: A * (1 - A)}


def _step(problem: Problem) -> Any:
    own = pure_nn.Network((problem.hidden, problem.output)).activations[0]
    g = pure_nn.Activation(f"{own.name} of A", own.g, G_PRIME[problem.hidden], range=own.range)
    net = pure_nn.Network((*[g] * (len(problem.sizes) - 2), problem.output))
    return jax_steps.step_of(net, problem)


def naive(problem: Problem) -> Running:
    return jax_steps.running(problem, _step)


ACCURATE_AND_NAIVE = (jax_steps.STEPS[0], Contender(NAIVE, naive))
