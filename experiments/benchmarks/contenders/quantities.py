"""The gradient with a quantity beside it: of pure_nn, of `vmap(grad)`, of BackPACK and of Opacus.

The first is our gradient alone. Peers differ from their own gradient as ours do from ours, so that
theirs is a contender too. No weights are updated: each call is the same.
"""

import functools
import importlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import pure_nn
from experiments.benchmarks import counts
from experiments.benchmarks.contenders import jax_steps
from experiments.benchmarks.contenders.jax_steps import OURS
from experiments.benchmarks.contenders.others import Torch
from experiments.benchmarks.problem import Contender, Problem, Running
from pure_nn import quantities

CLIP = 1.0
NORMS, CLIPPED, SECOND, KFAC = "squared norms", "clipped sum", "second moment", "K-FAC factors"
Program = Callable[[pure_nn.Network, Any, Any, Any], Any]


def _compiled(program: Program, problem: Problem) -> Running:
    """Of params, X and Y in our layout"""
    compiled: Any = jax.jit(program, static_argnums=0)
    params, (X, Y) = jax_steps.params_of(problem), jax_steps.columns_of(problem)
    given = jax_steps.network_of(problem), params, X, Y
    found: list[Any] = [None]

    def call() -> None:
        found[0] = compiled(*given)

    return Running(
        call,
        lambda: jax.block_until_ready(found[0]),
        counted=lambda: counts.of(compiled.lower(*given).compile()),
    )


# ours


def _beside(name: str, **arguments: Any) -> Program:
    def program(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
        return quantities.value_and_grad(net, params, X, Y, also={name: arguments})

    return program


def _clipped(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
    """In the place of the gradient"""
    cache = pure_nn.forward(net, params, X)
    deltas = pure_nn.backpropagate(net, params, cache, pure_nn.output_delta(net, cache, Y))
    return quantities.clipped_sum(net, cache, deltas, CLIP).sum


# by autodiff of each example


def _of_each(net: pure_nn.Network, params: Any, X: Any, Y: Any) -> Any:
    def cost(params: Any, x: Any, y: Any) -> Any:
        return pure_nn.cost(net, params, x[:, None], y[:, None])

    return jax.vmap(jax.grad(cost), (None, 1, 1))(params, X, Y)


def _norms_of(grads: Any) -> Any:
    leaves = jax.tree.leaves(grads)
    return sum(jnp.sum(jnp.square(g), axis=tuple(range(1, g.ndim))) for g in leaves)


def _norms_of_each(*given: Any) -> Any:
    grads = _of_each(*given)
    return _norms_of(grads), jax.tree.map(lambda g: jnp.mean(g, axis=0), grads)


def _clipped_of_each(*given: Any) -> Any:
    grads = _of_each(*given)
    c = jnp.minimum(1, CLIP / jnp.sqrt(_norms_of(grads)))
    return jax.tree.map(lambda g: jnp.tensordot(c, g, 1), grads)


def _squares_of_each(*given: Any) -> Any:
    grads = _of_each(*given)
    means = [jax.tree.map(lambda g, k=k: jnp.mean(g**k, axis=0), grads) for k in (1, 2)]
    return tuple(means)


# by PyTorch


def _pytorch(problem: Problem) -> Running:
    it = Torch(problem)

    def call() -> None:
        it.optimizer.zero_grad()
        it.cost(it.X, it.Y).backward()

    return Running(call, it.wait)


def _backpack(problem: Problem, extension: str) -> Running:
    it = Torch(problem)
    backpack = importlib.import_module("backpack")
    extensions = importlib.import_module("backpack.extensions")
    model, loss = backpack.extend(it.model), backpack.extend(it.loss)

    def call() -> None:
        it.optimizer.zero_grad()
        with backpack.backpack(getattr(extensions, extension)()):
            loss(model(it.X), it.Y).backward()

    return Running(call, it.wait)


def _ghost(problem: Problem) -> Running:
    """Opacus' ghost clipping: norms by one backward pass, the clipped sum by another"""
    it = Torch(problem)
    opacus = importlib.import_module("opacus.grad_sample")
    clipping = opacus.GradSampleModuleFastGradientClipping
    model = clipping(it.model, max_grad_norm=CLIP, use_ghost_clipping=True)
    loss = it.torch.nn.CrossEntropyLoss(reduction="none")

    def call() -> None:
        it.optimizer.zero_grad()
        losses = loss(model(it.X), it.Y)
        losses.mean().backward(retain_graph=True)
        it.optimizer.zero_grad()
        c = model.get_clipping_coef()
        model.disable_hooks()
        (c * losses).sum().backward()
        model.enable_hooks()

    return Running(call, it.wait)


def _of(made: Callable[..., Running], **kinds: Any) -> Callable[[Problem], Running]:
    return functools.partial(made, **kinds)


PROGRAMS: dict[str, Program] = {
    OURS: lambda *given: pure_nn.value_and_grad(*given),
    f"{OURS}, {NORMS}": _beside("squared_norms"),
    f"{OURS}, {CLIPPED}": _clipped,
    f"{OURS}, {SECOND}": _beside("second_moment"),
    f"{OURS}, {KFAC}": _beside("kronecker_factors", kind="empirical"),
    f"vmap(grad), {NORMS}": _norms_of_each,
    f"vmap(grad), {CLIPPED}": _clipped_of_each,
    f"vmap(grad), {SECOND}": _squares_of_each,
}
QUANTITIES = (
    *(Contender(name, functools.partial(_compiled, program)) for name, program in PROGRAMS.items()),
    Contender("PyTorch", _pytorch),
    Contender(f"BackPACK, {NORMS}", _of(_backpack, extension="BatchL2Grad")),
    Contender(f"BackPACK, {SECOND}", _of(_backpack, extension="SumGradSquared")),
    Contender(f"BackPACK, {KFAC}", _of(_backpack, extension="KFAC")),
    Contender(f"Opacus, {CLIPPED}", _ghost),
)
