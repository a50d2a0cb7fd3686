"""The checkers that people use, which say no more than right or wrong."""

import importlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from verify.selftest.engines import Said
from verify.selftest.student import cost
from verify.selftest.task import Floats, Layers, Task
from verify.selftest.trial import Gradient


def by_check_grads(task: Task, gradient: Gradient) -> Said:
    """`jax.test_util.check_grads` of a custom_vjp whose backward pass gives this gradient"""
    with jax.enable_x64(True):
        try:
            check_grads(_custom_vjp(task, gradient), _leaves(task.W, task.b), 1, modes=["rev"])
        except (AssertionError, ValueError, TypeError) as error:
            return Said("wrong", text=str(error))
    return Said("ok")


def _custom_vjp(task: Task, gradient: Gradient) -> Any:
    def value(*leaves: Any) -> Any:
        return jnp.asarray(cost(_with(task, [np.asarray(x) for x in leaves])), task.dtype)

    def backward(_: None, cotangent: Any) -> Any:
        scale = np.asarray(cotangent)
        return tuple(jnp.asarray(scale * x, task.dtype) for x in _leaves(*gradient))

    f = jax.custom_vjp(value)
    f.defvjp(lambda *leaves: (value(*leaves), None), backward)
    return f


def by_gradcheck(task: Task, gradient: Gradient) -> Said:
    """`torch.autograd.gradcheck`, slow mode, of a Function whose backward gives this gradient"""
    torch = importlib.import_module("torch")
    leaves = [torch.tensor(x, requires_grad=True) for x in _leaves(task.W, task.b)]
    try:
        torch.autograd.gradcheck(_function(torch, task, gradient).apply, leaves)
    except RuntimeError as error:
        return Said("wrong", text=str(error))
    return Said("ok")


def _function(torch: Any, task: Task, gradient: Gradient) -> Any:
    class Cost(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *leaves: Any) -> Any:
            changed = _with(task, [x.detach().numpy() for x in leaves])
            return torch.tensor(cost(changed), dtype=leaves[0].dtype)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            return tuple(cotangent * torch.tensor(x) for x in _leaves(*gradient))

    return Cost


def has_torch() -> bool:
    try:
        importlib.import_module("torch")
    except ImportError:
        return False
    return True


def _leaves(weights: Layers, biases: Layers) -> list[Floats]:
    return [layers[k] for layers in (weights, biases) for k in sorted(layers)]


def _with(task: Task, leaves: list[Floats]) -> Task:
    keys = sorted(task.W)
    W, b = leaves[: len(keys)], leaves[len(keys) :]
    return task.with_parameters(dict(zip(keys, W, strict=True)), dict(zip(keys, b, strict=True)))
