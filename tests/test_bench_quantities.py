"""The quantities that are timed are those of `vmap(grad)`, and each contender runs."""

import importlib.util
from typing import Any

import jax
import numpy as np
import pytest

from experiments.benchmarks import rounds
from experiments.benchmarks.contenders import jax_steps
from experiments.benchmarks.contenders.quantities import (
    CLIPPED,
    NORMS,
    PROGRAMS,
    QUANTITIES,
    SECOND,
)
from experiments.benchmarks.problem import Contender, Problem, Workload
from pure_nn.quantities import PerExample

pytestmark = pytest.mark.slow

TINY = Problem((5, 4, 3), 6)
NEEDS = {"BackPACK": "backpack", "Opacus": "opacus", "PyTorch": "torch"}
PAIRS: dict[str, tuple[Any, Any]] = {
    NORMS: (lambda found: found[2]["squared_norms"].all, lambda found: found[0]),
    CLIPPED: (lambda found: found, lambda found: found),
    SECOND: (lambda found: found[2]["second_moment"], lambda found: found[1]),
}


def computed(name: str) -> Any:
    params, (X, Y) = jax_steps.params_of(TINY), jax_steps.columns_of(TINY)
    return jax.jit(PROGRAMS[name], static_argnums=0)(jax_steps.network_of(TINY), params, X, Y)


@pytest.mark.usefixtures("standard_promotion")
@pytest.mark.parametrize("name", PAIRS)
def test_ours_is_that_of_autodiff(name: str) -> None:
    ours, theirs = PAIRS[name]
    got, expected = ours(computed(f"pure_nn, {name}")), theirs(computed(f"vmap(grad), {name}"))
    for x, y in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("standard_promotion")
def test_another_quantity_would_be_found() -> None:
    norms: PerExample = computed(f"pure_nn, {NORMS}")[2]["squared_norms"]
    of_W = sum(layer["W"] for layer in norms.layers)
    assert not np.allclose(of_W, computed(f"vmap(grad), {NORMS}")[0], rtol=1e-2)


def where_installed(contender: Contender) -> Any:
    module = NEEDS.get(contender.name.split(",")[0], "jax")
    absent = pytest.mark.skipif(not importlib.util.find_spec(module), reason=f"no {module}")
    return pytest.param(contender, id=contender.name, marks=absent)


@pytest.mark.parametrize("contender", [where_installed(c) for c in QUANTITIES])
@pytest.mark.usefixtures("standard_promotion")
@pytest.mark.filterwarnings("ignore")  # of the peers
def test_each_runs(contender: Contender) -> None:
    workload = Workload("w", TINY, (contender,), seconds=0.0, alike=False)
    found = rounds.measure(workload, 3, lambda text: None)
    assert contender.name in found.timed, found.missing
