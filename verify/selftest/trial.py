"""One mistake in one layer of one task, and what it changes there.

What rounding does is measured on the student's own work: the right gradient in extended precision
against the right one of inputs that are a ULP off and of a g that rounds otherwise, as the exp of
another library does, in forms that keep their digits and in those of the books. More than rounding
is 64 times that; what is between is counted apart.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from verify.selftest.designs import draw
from verify.selftest.planted import Planted
from verify.selftest.student import Changes, gradients, work_of
from verify.selftest.task import Floats, Layers, Task

RERUNS, VISIBLE, EQUAL = 4, 64.0, 2.0
DRAWS = 400  # of a task in which a mistake can be made
Gradient = tuple[Layers, Layers]  # dW and db
Arrays = dict[str, Floats]  # by name, in the order of the backward pass


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """A gradient as it came, with the mistakes that were planted and their layers"""

    task: Task
    planted: tuple[tuple[Planted, int], ...]
    gradient: Gradient

    @functools.cached_property
    def got(self) -> Arrays:
        return named(self.gradient)

    @functools.cached_property
    def right(self) -> Arrays:
        exact = self.task.astype(np.longdouble)
        return named(gradients(dataclasses.replace(exact, careful=True)))

    @functools.cached_property
    def rounding(self) -> Arrays:
        """The largest difference in a few runs, a ULP of the largest entry, and underflow"""
        u, least = unit(self.task.dtype), float(jnp.finfo(self.task.dtype).smallest_subnormal)
        runs = [named(gradients(*nudged(self.task, i))) for i in range(RERUNS)]
        return {
            name: np.max([np.abs(run[name] - array) for run in runs], axis=0)
            + (2 * u * np.max(np.abs(array)) + 4 * least)
            for name, array in self.right.items()
        }

    @functools.cached_property
    def errors(self) -> Arrays:
        """In multiples of what rounding does; NaN and another shape are wrong beyond measure."""
        return {
            name: _error(self.got[name], x, self.rounding[name]) for name, x in self.right.items()
        }

    @functools.cached_property
    def wrong(self) -> list[str]:
        """What is wrong by more than rounding"""
        return [name for name, error in self.errors.items() if np.max(error) > VISIBLE]

    @property
    def equal(self) -> bool:
        """Nothing is wrong by more than rounding may be."""
        return all(np.max(error) <= EQUAL for error in self.errors.values())

    def names(self) -> list[tuple[str, ...]]:
        """Of each mistake, what it may be called"""
        work = work_of(self.task)
        overflow = () if finite(self.gradient) else ("not finite",)
        return [(*mistake.names(work, k), *overflow) for mistake, k in self.planted]


def plant(task: Task, planted: Sequence[tuple[Planted, int]]) -> Trial:
    changes: Changes = {(mistake.step, k): mistake.change for mistake, k in planted}
    return Trial(task, tuple(planted), gradients(task, changes))


def tasks(
    mistakes: Sequence[Planted], seed: int, dtype: Any, design: int | None = None
) -> Iterator[tuple[Task, tuple[int, ...]]]:
    """Tasks in which all the mistakes can be made, and in which layers"""
    for i in range(DRAWS):
        task = draw((seed, i), dtype, design)
        work, rng = work_of(task), np.random.default_rng((seed, i, 1))
        layers = [mistake.layers(work) for mistake in mistakes]
        if all(layers) and finite((work.dW, work.db)):
            yield task, tuple(int(rng.choice(where)) for where in layers)


def finite(gradient: Gradient) -> bool:
    arrays = (x.astype(np.float64) for layers in gradient for x in layers.values())
    return all(bool(np.all(np.isfinite(x))) for x in arrays)


def named(gradient: Gradient) -> Arrays:
    """db[L], dW[L], db[L-1] …"""
    layers = sorted(gradient[0], reverse=True)
    return {f"{d}[{k}]": gradient[i][k] for k in layers for i, d in ((1, "db"), (0, "dW"))}


def _error(got: Floats, right: Floats, rounding: Floats) -> Floats:
    if got.shape != right.shape:
        return np.array(np.inf)
    error = np.abs(got - right) / rounding
    return np.where(np.isfinite(got.astype(np.float64)), error, np.inf)


def nudged(task: Task, i: int) -> tuple[Task, Changes]:
    """Parameters, features and what g gives a ULP up or down; in careful forms and in others"""
    rng, u = np.random.default_rng((task.seed, i)), unit(task.dtype)

    def near(array: Floats) -> Floats:
        sign = rng.choice((-1.0, 1.0), array.shape)
        nudged: Floats = (array * (1 + 2 * u * sign)).astype(array.dtype)
        return nudged

    W, b = ({k: near(x) for k, x in layers.items()} for layers in (task.W, task.b))
    near_task = dataclasses.replace(task, careful=bool(i % 2), W=W, b=b, X=near(task.X))
    return near_task, {("G", k): lambda work, k, G: near(G) for k in W}


def unit(dtype: Any) -> float:
    """The unit roundoff"""
    return float(jnp.finfo(dtype).eps) / 2
