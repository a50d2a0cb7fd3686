"""`python -m verify`: every row is right, a wrong one is named, and nothing public has no row."""

import dataclasses
import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import example, pairs
from rich.console import Console

import pure_nn
from pure_nn.named import ACTIVATIONS, LOSSES
from verify import accuracy, lawful, networks, public, rows, rules, stacks
from verify.cases import HOWS, Case, How
from verify.laws.plan import LAWS
from verify.networks import check_network
from verify.proof import run
from verify.proof.plan import Plan
from verify.proof.run import prove

ROWS = [
    pytest.param(i, how, id=f"{row.case.name}-{how.dtype}-{'jit' if how.compiled else 'eager'}")
    for i, row in enumerate(rows.rows())
    for how in row.hows
]
COMPILED, EAGER = How("float64", compiled=True), How("float32", compiled=False)


@pytest.mark.parametrize(("number", "how"), ROWS)
def test_row(number: int, how: How) -> None:
    (found,) = rows.check(number, [how])
    assert found.ok, f"{found.ours}; jax.grad: {found.autodiff}"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    "number", range(0, len(rows.rows()), 7), ids=lambda i: rows.rows()[i].case.name
)
def test_row_of_16_bits(number: int, dtype: str) -> None:
    (found,) = rows.check(number, [How(dtype, compiled=True)])
    assert found.ok, str(found.ours)


def entry_off(tree: Any, dtype: str) -> Any:
    """The largest entry of the last leaf, by a thousandth or, in float64, by 1e-10."""
    *others, last = jax.tree.leaves(tree)
    by = {"float32": 1e-3, "float64": 1e-10}[dtype]
    i = jnp.unravel_index(jnp.argmax(jnp.abs(last)), last.shape)
    return jax.tree.unflatten(
        jax.tree.structure(tree), [*others, last.at[i].multiply(jnp.asarray(1 + by, last.dtype))]
    )


MISTAKES: dict[str, Any] = {
    "sign": lambda tree, dtype: jax.tree.map(lambda x: -x, tree),
    "zeros": lambda tree, dtype: jax.tree.map(jnp.zeros_like, tree),
    "one entry": entry_off,
    "NaN": lambda tree, dtype: jax.tree.map(lambda x: x.at[(0,) * x.ndim].set(jnp.nan), tree),
    "a list around it": lambda tree, dtype: [tree],
    "an axis": lambda tree, dtype: jax.tree.map(lambda x: x[None], tree),
    "a dtype": lambda tree, dtype: jax.tree.map(lambda x: x.astype("float16"), tree),
}
SAMPLE = [*rules.all_rules()][::5] + [*public.all_public()][::3]


def mistaken(case: Case, mistake: str, dtype: str) -> Case:
    def by_hand(*arrays: Any) -> Any:
        return MISTAKES[mistake](case.by_hand(*arrays), dtype)

    return dataclasses.replace(case, by_hand=by_hand)


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_a_mistake_would_be_found(case: Case, mistake: str) -> None:
    assert not mistaken(case, mistake, "float64").check(COMPILED).ok
    assert not mistaken(case, mistake, "float32").check(EAGER).ok


# nothing public has no row


def test_every_public_function_has_a_row() -> None:
    functions = {name for name, x in vars(pure_nn).items() if name[0].islower() and callable(x)}
    functions -= {"init", *ACTIVATIONS, *LOSSES}
    assert {*public.PUBLIC, *stacks.STACKED} == functions | {"interop.cost"}
    assert len(public.PUBLIC) + len(stacks.STACKED) == 13  # quantities: test_verify_quantities


def test_every_activation_has_its_row() -> None:
    names = {case.name for case in rules.all_rules()}
    public_ones = {pure_nn.identity, pure_nn.leaky_relu, pure_nn.relu}
    public_ones |= {pure_nn.sigmoid, pure_nn.softmax, pure_nn.tanh}
    assert {f"{make()!r}: A, and Δ = dA pulled through g" for make in public_ones} <= names


@pairs
def test_every_pair_has_its_rows(output: str, loss: str) -> None:
    names = {case.name for case in rules.all_rules()}
    made = pure_nn.Network((output,), loss)
    pair = f"{made.loss!r} of {made.activations[0]!r}"
    assert {f"{made.loss!r}: ∂𝓛/∂A", f"{pair}: 𝓛 and Δ[L]"} <= names


def test_every_law_of_jax_functions_has_a_row() -> None:
    assert set(lawful.NAMES) == {*LAWS, "two calls", "two calls, eagerly"} - {lawful.OF_NUMPY}


def test_a_law_that_was_not_tried_is_a_failure() -> None:
    found = lawful.Lawful("gravity").check(COMPILED)
    assert not found.ok
    assert found.ours.fault == "there is nothing to compare"


def test_a_broken_law_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a ReLU network whose gradient is a sum, not a mean"""
    right = pure_nn.value_and_grad

    def of_sums(net: Any, params: Any, X: Any, Y: Any) -> Any:
        J, grads = right(net, params, X, Y)
        return J, jax.tree.map(lambda mean: mean * X.shape[1], grads)

    monkeypatch.setattr(pure_nn, "value_and_grad", of_sums)
    findings = lawful.findings.__wrapped__("float32")
    broken = {finding.how for finding in findings if finding.verdict == "wrong"}
    assert broken == {"law: a duplicated batch", "law: a divided batch"}


def test_networks_have_the_way_of_their_row() -> None:
    hows = [row.hows for row in rows.rows() if row.section.startswith("Networks")]
    assert hows == [((row["dtype"], row["compiled"]),) for row in networks.design()]
    assert {how for (how,) in hows} == set(HOWS)


# the command


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def quick(*numbers: int) -> Plan:
    """These rows, and one sweep."""
    sweep = (accuracy.scalars, "float16")
    names = frozenset(f.name for f in accuracy.SCALARS)
    return Plan(numbers, (), (sweep,), names, ())


def test_prints_its_tables(threads: Any, capsys: pytest.CaptureFixture[str]) -> None:
    *_, network = (i for i, row in enumerate(rows.rows()) if row.hows == (COMPILED,))
    assert prove(threads, quick(0, 27, network), Console()).ok
    out = capsys.readouterr().out
    numbers = r"( +[0-9.]+){7}   "
    assert re.search(rf"Rules\n{numbers}identity\(\): A, and Δ = dA pulled through g\n", out)
    assert re.search(rf"Public functions\n{numbers.replace('7', '6')}cost\n", out)
    assert re.search(r"Networks: every pair of values occurs\n +[0-9.]+ +[0-9.]+   [0-9]+ – ", out)
    assert "sigmoid′              float16        63,488" in out
    assert out.endswith("entries compared; 22 passed, 0 failed\n")


def wrong_row(number: int) -> Any:
    row, case = rows.rows()[number], [*rules.all_rules()][number]
    return row._replace(case=mistaken(case, "one entry", "float64"))


def with_rows(monkeypatch: pytest.MonkeyPatch, changed: Sequence[Any]) -> None:
    monkeypatch.setattr(rows, "rows", lambda: changed)
    monkeypatch.setattr(run, "rows", lambda: changed)


def test_a_failure_is_named(
    threads: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_rows(monkeypatch, (wrong_row(3), rows.rows()[1]))
    assert not prove(threads, quick(0, 1), Console()).ok
    out = capsys.readouterr().out
    assert "float64 jit: [1][" in out
    assert "WRONG" in out
    assert out.endswith("20 passed, 2 failed\n")


def test_oracles_that_disagree_are_a_failure(
    threads: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row, case = rows.rows()[3], [*rules.all_rules()][3]
    wrong = dataclasses.replace(case, reference=lambda Z, dA: (case.by_hand(Z, dA)[0], dA))
    with_rows(monkeypatch, (row._replace(case=wrong),))
    assert not prove(threads, quick(0), Console()).ok
    assert "float64 jit: the oracles disagree; jax.grad: [1][" in capsys.readouterr().out


def test_lost_digits_are_a_failure(
    threads: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exact = accuracy.SCALARS[5]
    lossy = dataclasses.replace(exact, ours=lambda z: 1 - jnp.tanh(z) ** 2)
    monkeypatch.setattr(accuracy, "SCALARS", (lossy,))
    assert not prove(threads, quick(0), Console()).ok
    assert "WRONG" in capsys.readouterr().out


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpmath", None)
    monkeypatch.delitem(sys.modules, "verify.oracles")
    with pytest.raises(ModuleNotFoundError, match=r"verify needs mpmath.*'pure_nn\[verify\]'"):
        importlib.import_module("verify.oracles")


# any network


def test_check_network() -> None:
    net, params, X, Y = example("softmax", "cross_entropy", L=4, dtype="float32")
    found = check_network(net, params, X, Y)
    assert found.ok
    assert found.entries == 1 + sum(np.size(x) for x in jax.tree.leaves(params))


def test_check_network_finds_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    args = example("softmax", "cross_entropy", L=2, dtype="float32")
    right = pure_nn.value_and_grad

    def without_the_mean(net: Any, params: Any, X: Any, Y: Any, **kwargs: Any) -> Any:
        J, grads = right(net, params, X, Y, **kwargs)
        return J, ({**grads[0], "b": grads[0]["b"] * X.shape[1]}, *grads[1:])

    monkeypatch.setattr(pure_nn, "value_and_grad", without_the_mean)
    found = check_network(*args)
    assert not found.ok
    assert found.where == "b[1]"
