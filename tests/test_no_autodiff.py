"""The backward pass is written out: no autodiff in the compiled program nor in the source."""

import ast
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from helpers import PAIRS, SIZES, example
from jaxprs import primitives

import pure_nn

SOURCES = sorted(
    path for path in Path(pure_nn.__file__).parent.rglob("*.py") if path.stem != "differentiable"
)
AUTODIFF = {"grad", "vjp", "jvp", "linearize", "linear_transpose", "jacfwd", "jacrev", "hessian"}
AUTODIFF |= {"custom_vjp", "custom_jvp", "custom_gradient", "defvjp", "defjvp"}
CUSTOM = {"custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"}
CASES = [pytest.param(*pair, L, id=f"{'-'.join(pair)}-L{L}") for pair in PAIRS for L in SIZES]


def autodiff_names(source: str) -> set[str]:
    """What the source names of autodiff, `value_and_grad` counting where it is JAX's."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                found |= {name.rpartition(".")[2]} & AUTODIFF
        match node:
            case ast.Attribute(value=ast.Name(id="jax"), attr="value_and_grad"):
                found.add("jax.value_and_grad")
            case ast.ImportFrom(module="jax", names=names):
                found |= {f"jax.{n.name}" for n in names if n.name == "value_and_grad"}
    return found


def unusual_identifiers(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    names = {
        getattr(node, field, None) for node in nodes for field in ("id", "arg", "attr", "name")
    }
    return {name for name in names if name and not name.isascii()}


@pytest.mark.parametrize(("output", "loss", "L"), CASES)
def test_no_custom_rule_in_the_jaxpr(output: str, loss: str, L: int) -> None:
    jaxpr = jax.make_jaxpr(pure_nn.value_and_grad)(*example(output, loss, L, dtype="float32"))
    found = set(primitives(jaxpr.jaxpr))
    assert "dot_general" in found
    assert not found & CUSTOM


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_no_custom_rule_with_weights_and_inputs(dtype: str) -> None:
    net, params, X, Y = example(L=3, dtype=dtype)

    def all_of_it(X: Any) -> Any:
        grads, deltas = pure_nn.backward(
            net, params, pure_nn.forward(net, params, X), Y, weights=jnp.ones(5)
        )
        return grads, pure_nn.input_gradient(net, params, deltas)

    assert not set(primitives(jax.make_jaxpr(all_of_it)(X).jaxpr)) & CUSTOM


@pytest.mark.parametrize("f", [jax.nn.relu, jax.jit(jax.nn.relu), jax.vmap(jax.nn.relu)])
def test_a_custom_rule_would_be_found(f: Any) -> None:
    nested = jax.make_jaxpr(lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, length=2))
    assert "custom_jvp_call" in set(primitives(nested(jnp.ones(3)).jaxpr))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_source_names_autodiff(path: Path) -> None:
    assert not autodiff_names(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "line",
    [
        "jax.grad(f)",
        "from jax import vjp",
        "jax.value_and_grad(f)",
        "from jax import value_and_grad",
        "import jax as j; j.linearize(f, x)",
        "f.defvjp(g, h)",
        "@jax.custom_jvp\ndef f(): ...",
    ],
)
def test_a_name_of_autodiff_would_be_found(line: str) -> None:
    assert autodiff_names(line)


@pytest.mark.parametrize("line", ["grads = 1", "pure_nn.value_and_grad(x)", "'jax.grad'", "# vjp"])
def test_other_names_are_no_autodiff(line: str) -> None:
    assert not autodiff_names(line)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_identifiers_are_ASCII_but_for_the_letters_of_the_page(path: Path) -> None:
    assert unusual_identifiers(path.read_text(encoding="utf-8")) <= {"Δ", "σ"}


def test_an_unusual_identifier_would_be_found() -> None:
    assert unusual_identifiers("def f(ε): é = μ.η") == {"ε", "é", "μ", "η"}
