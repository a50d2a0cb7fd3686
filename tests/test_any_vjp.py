"""custom_vjps wherever they stand: inside loops and branches, with arguments of any kind."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradients import QUICK, x_of

import verify
from verify.report import Report


def by_hand(factor: float) -> Any:
    @jax.custom_vjp
    def sine(x: Any) -> Any:
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, v: (factor * v * jnp.cos(x),))
    return sine


def in_a_scan(sine: Any) -> Any:
    return lambda x: jax.lax.scan(lambda c, row: (c + sine(row), sine(c)), x[0], x)


def in_a_branch(sine: Any) -> Any:
    return lambda x: jax.lax.cond(x[0, 0] > 100, jnp.cos, sine, x)


PLACES: dict[str, Any] = {
    "itself": lambda sine: sine,
    "called": lambda sine: lambda x: jnp.sum(sine(2 * x), axis=0),
    "under jit": lambda sine: jax.jit(lambda x: sine(sine(x))),
    "in a scan": in_a_scan,
    "in a branch": in_a_branch,
    "under vmap": lambda sine: jax.vmap(lambda row: jnp.sum(sine(row))),
    "under checkpoint": lambda sine: jax.checkpoint(lambda x: sine(x) * 2),
}


def found(place: str, factor: float) -> Report:
    return verify.check_vjp(PLACES[place](by_hand(factor)), (x_of(),), **QUICK)


@pytest.mark.parametrize("place", PLACES)
def test_right_wherever_it_stands(place: str) -> None:
    report = found(place, 1.0)
    assert report.ok, str(report)


@pytest.mark.parametrize("place", PLACES)
def test_wrong_wherever_it_stands(place: str) -> None:
    assert found(place, 1.0001).verdict == "wrong"


# arguments that are not differentiated


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 2))
def scaled(f: Any, x: Any, n: int) -> Any:
    return f(x) * n


def _scaled_forward(f: Any, x: Any, n: int) -> Any:
    return f(x) * n, x


def _scaled_backward(f: Any, n: int, x: Any, v: Any) -> Any:
    return (v * jnp.cos(x) * n,)


scaled.defvjp(_scaled_forward, _scaled_backward)


def test_functions_and_numbers_as_arguments() -> None:
    assert verify.check_vjp(scaled, (jnp.sin, x_of(), 3), **QUICK).ok
    assert verify.check_vjp(scaled, (jnp.exp, x_of(), 3), **QUICK).verdict == "wrong"


@jax.custom_vjp
def picked(logits: Any, labels: Any) -> Any:
    log_p = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(log_p, labels[:, None], axis=-1)[:, 0]


def _picked_backward(res: Any, v: Any) -> Any:
    logits, labels = res
    one_hot = jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    return v[:, None] * (jax.nn.softmax(logits) - one_hot), None


picked.defvjp(lambda *args: (picked(*args), args), _picked_backward)
LABELS = np.array([0, 2, 2, 1])


def test_integers_among_the_arguments() -> None:
    report = verify.check_vjp(picked, (x_of(dtype="float32"), LABELS))
    assert report.ok, str(report)
    assert {f.comparison.where for f in report.findings} == {"out", "logits"}


def test_a_rule_gives_none_for_integers() -> None:
    def forward(logits: Any, labels: Any) -> Any:
        return picked(logits, labels), (logits, labels)

    assert verify.check_rule(forward, _picked_backward, (x_of(), LABELS), **QUICK).ok


def test_residuals_and_outputs_of_any_structure() -> None:
    def forward(p: Any, x: Any) -> Any:
        y = p["w"] @ x
        return {"y": y, "norm": jnp.sum(y**2), "n": len(y)}, {"p": p, "kept": [x, (y, "text")]}

    def backward(factor: float) -> Any:
        def back(res: Any, v: Any) -> Any:
            p, (x, (y, _)) = res["p"], res["kept"]
            dy = v["y"] + factor * v["norm"] * y
            return {"w": dy @ x.T}, p["w"].T @ dy

        return back

    args = ({"w": x_of((2, 4))}, x_of())
    right = verify.check_rule(forward, backward(2.0), args, **QUICK)
    assert right.ok, str(right)
    assert {f.comparison.where for f in right.findings} >= {"out['norm']", "out['y']", "x"}
    assert verify.check_rule(forward, backward(1.0), args, **QUICK).verdict == "wrong"


# gradients changed on purpose


@jax.custom_vjp
def rounded(x: Any) -> Any:
    return jnp.round(x)


rounded.defvjp(lambda x: (jnp.round(x), None), lambda _, v: (v,))


@jax.custom_vjp
def clipped(x: Any) -> Any:
    return x


clipped.defvjp(lambda x: (x, None), lambda _, v: (jnp.clip(v, -1.0, 1.0),))


def test_straight_through_is_not_the_derivative_of_rounding() -> None:
    assert verify.check_vjp(rounded, (x_of(),), **QUICK).verdict == "wrong"


def test_clipping_is_not_linear_but_right_for_small_cotangents() -> None:
    report = verify.check_vjp(clipped, (x_of(),), **QUICK)
    wrong = {f.how for f in report.findings if f.verdict == "wrong"}
    assert "law: linear" in wrong
    small = [0.01 * x_of(), 0.02 * x_of()[::-1]]
    assert verify.check_vjp(clipped, (x_of(),), cotangents=small, **QUICK).ok


def test_zero_times_infinity() -> None:
    @jax.custom_vjp
    def f(x: Any) -> Any:
        return x * 1.0

    f.defvjp(lambda x: (x * 1.0, x), lambda x, v: (v / jnp.abs(v) * jnp.abs(v),))
    report = verify.check_vjp(f, (x_of(),), **QUICK)
    assert {f.how for f in report.findings if f.verdict == "wrong"} == {"law: zero"}


def test_elementwise_functions_are_counted_in_ulps_of_the_entry() -> None:
    tiny = np.array([1e-9, 1.0, -2.0])

    def forward(x: Any) -> Any:
        return x**3, x

    def off(x: Any, v: Any) -> Any:
        return (3 * v * (x * x + 1e-25),)

    report = verify.check_rule(forward, off, (tiny,), **QUICK)
    worst = report.worst()
    assert worst is not None
    assert (worst.unit, worst.comparison.index) == ("entry", (0,))
    assert report.verdict == "wrong"


def test_sums_are_counted_in_ulps_of_the_largest_entry() -> None:
    def forward(W: Any, x: Any) -> Any:
        return W @ x, (W, x)

    def backward(res: Any, v: Any) -> Any:
        return v @ res[1].T, res[0].T @ v

    report = verify.check_rule(forward, backward, (x_of((2, 4)), x_of()), **QUICK)
    assert {finding.unit for finding in report.findings} == {"leaf"}


# nothing by hand


@jax.custom_jvp
def cube(x: Any) -> Any:
    return x**3


cube.defjvp(lambda primals, tangents: (cube(*primals), 3 * primals[0] ** 2 * tangents[0]))
PLAIN: dict[str, tuple[Any, Any, str]] = {
    "no rule": (jnp.sin, None, "undecided"),
    "no rule in a scan": (in_a_scan(jnp.sin), None, "undecided"),
    "no rule, a reference": (jnp.sin, lambda x: jnp.cos(x - jnp.pi / 2), "ok"),
    "a rule": (by_hand(1.0), None, "ok"),
    "a rule in a scan": (in_a_scan(by_hand(1.0)), None, "ok"),
    "a custom_jvp": (cube, None, "ok"),
}


@pytest.mark.parametrize("what", PLAIN)
def test_without_a_rule_there_is_nothing_to_check(what: str) -> None:
    f, reference, verdict = PLAIN[what]
    report = verify.check_vjp(f, (x_of(),), reference)
    assert report.verdict == verdict, str(report)
    assert ("there is no custom rule in it" in str(report)) == (verdict == "undecided")


# a backward pass that is another function's


def straight_through(factor: float) -> Any:
    @jax.custom_vjp
    def rounded(x: Any) -> Any:
        return jnp.round(x)

    rounded.defvjp(lambda x: (jnp.round(x), x), lambda x, v: (factor * v * (abs(x) <= 1),))
    return rounded


def surrogate(x: Any) -> Any:
    h = jnp.clip(x, -1, 1)
    return h + jax.lax.stop_gradient(jnp.round(x) - h)


def test_a_backward_pass_of_a_flat_function_is_told_how_it_is_checked() -> None:
    report = verify.check_vjp(straight_through(1.0), (x_of(),), **QUICK)
    assert report.verdict == "wrong"
    assert "reference=lambda x: h(x) + jax.lax.stop_gradient(rounded(x) - h(x))" in str(report)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "ok"), (1.0001, "wrong")])
def test_straight_through(factor: float, verdict: str) -> None:
    f = straight_through(factor)
    report = verify.check_vjp(f, (x_of(),), surrogate, oracles=("same dtype",), seed=0)
    assert report.verdict == verdict, str(report)
