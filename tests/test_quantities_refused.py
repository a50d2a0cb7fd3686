"""What no quantity can be of is refused, by what was expected and what came."""

import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from helpers import as_jax, numpy_data, numpy_params
from quantity import Example, of_arrays

import pure_nn
from pure_nn import quantities as q
from verify import oracles

pytestmark = pytest.mark.usefixtures("as_installed")

NET, SIZES, B = pure_nn.Network(("tanh", "sigmoid")), (3, 4, 2), 6
KEY = jax.random.key(0)
NONE: Any = "tanh"  # which is no network, on purpose
passed: Any = oracles.compiled(of_arrays)


@functools.cache
def given(net: pure_nn.Network = NET, sizes: Any = SIZES, examples: int = B) -> Example:
    params, V = (as_jax(numpy_params(sizes, seed), "float32") for seed in (8, 3))
    X, Y = (x[:, :examples] for x in as_jax(numpy_data(sizes, B, ""), "float32"))
    found: Example = passed(net, params, X, Y, V)
    return found


TAKES: dict[str, tuple[str, ...]] = {
    "individual_gradients": ("net", "cache", "deltas"),
    "squared_norms": ("net", "cache", "deltas"),
    "inner_products": ("net", "cache", "deltas", "V"),
    "gram": ("net", "cache", "deltas"),
    "tangent_kernel": ("net", "params", "cache"),
    "clipped_sum": ("net", "cache", "deltas"),
    "second_moment": ("net", "cache", "deltas"),
    "variance": ("net", "cache", "deltas"),
    "signal_to_noise": ("net", "cache", "deltas"),
    "noise_scale": ("net", "cache", "deltas"),
    "gauss_newton_diagonal": ("net", "params", "cache", "Y"),
    "hessian_diagonal": ("net", "params", "cache", "Y", "deltas"),
    "kronecker_factors": ("net", "params", "cache", "Y"),
    "kfra_factors": ("net", "params", "cache", "Y"),
    "hessian_product": ("net", "params", "cache", "Y", "deltas", "V"),
    "gauss_newton_product": ("net", "params", "cache", "Y", "V"),
    "empirical_fisher_product": ("net", "cache", "deltas", "V"),
    "stuck": ("net", "cache"),
}
MORE: dict[str, Any] = {"clipped_sum": {"clip": 1.0}}


def call(name: str, e: Example, **how: Any) -> Any:
    return getattr(q, name)(*(getattr(e, x) for x in TAKES[name]), **{**MORE.get(name, {}), **how})


def refuse(message: str, error: type[Exception] = ValueError) -> Any:
    return pytest.raises(error, match=re.escape(message))


def taking(argument: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", [name for name in TAKES if argument in TAKES[name]])


def refusing(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)


@pytest.mark.parametrize("name", TAKES)
def test_what_is_right_is_taken(name: str) -> None:
    e = given()
    assert jax.eval_shape(lambda: call(name, e)) is not None


# the arguments of all


@pytest.mark.parametrize("name", TAKES)
def test_no_network(name: str) -> None:
    with refuse("net: expected a pure_nn.Network first, got str", TypeError):
        call(name, given()._replace(net=NONE))


@pytest.mark.parametrize("name", TAKES)
def test_no_cache(name: str) -> None:
    with refuse("cache: expected a Cache(Z, A), as from forward, got tuple of 2", TypeError):
        call(name, given()._replace(cache=((), ())))


@taking("deltas")
def test_deltas_of_another_network(name: str) -> None:
    others = given(sizes=(3, 5, 2)).deltas
    with refuse("deltas[1]: expected shape (4, 6), 4 being the units of its layer, got (5, 6)"):
        call(name, given()._replace(deltas=others))


@taking("deltas")
def test_deltas_of_another_depth(name: str) -> None:
    deltas = given().deltas[:2]
    with refuse("deltas: expected (None, Δ[1], …, Δ[2]), as from backpropagate, got tuple of 2"):
        call(name, given()._replace(deltas=deltas))


@taking("deltas")
def test_deltas_of_another_batch(name: str) -> None:
    with refuse("deltas[1]: expected shape (4, 6), 4 being the units of its layer, got (4, 3)"):
        call(name, given()._replace(deltas=given(examples=3).deltas))


@taking("Y")
def test_targets_of_another_shape(name: str) -> None:
    with refuse("Y: expected shape (2, 6), 2 being the rows of Ŷ, got (3, 6)"):
        call(name, given()._replace(Y=jnp.zeros((3, B))))
    with refuse("the examples are in its rows: pass Y.T"):
        call(name, given()._replace(Y=given().Y.T))


@taking("params")
def test_params_of_another_network(name: str) -> None:
    with refuse("do not belong to W[1] (5, 3); pass the cache of forward with these params"):
        call(name, given()._replace(params=given(sizes=(3, 5, 2)).params))


# directions


def changed(leaf: str, x: Any) -> Any:
    first, second = given().V
    return first, {**second, leaf: x}


DIRECTIONS: dict[str, tuple[Callable[[], Any], str, type[Exception]]] = {
    "an array": (
        lambda: jnp.zeros(22),
        "direction: expected a tuple or list like the params, of 2 entries, got ArrayImpl",
        ValueError,
    ),
    "a layer": (
        lambda: given().V[:1],
        "direction: expected a tuple or list like the params, of 2 entries, got tuple of 1",
        ValueError,
    ),
    "an entry without b": (
        lambda: (given().V[0], {"W": given().V[1]["W"]}),
        "direction: expected entry 2 to be {'W': …, 'b': …}, got dict of 1",
        TypeError,
    ),
    "W turned": (
        lambda: changed("W", jnp.zeros((4, 2))),
        "direction: W[2]: expected shape (2, 4), as the params, got (4, 2)",
        ValueError,
    ),
    "b flat": (
        lambda: changed("b", jnp.zeros(2)),
        "direction: b[2]: expected shape (2, 1), as the params, got (2,)",
        ValueError,
    ),
    "integers": (
        lambda: changed("W", jnp.zeros((2, 4), jnp.int32)),
        "direction: W[2]: expected one of float64, float32, bfloat16, float16, got int32",
        TypeError,
    ),
    "16 bits": (
        lambda: changed("W", jnp.zeros((2, 4), jnp.bfloat16)),
        "direction: W[2]: expected float32, the dtype of the cache, got bfloat16; cast one of them",
        TypeError,
    ),
}


@taking("V")
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_directions(direction: str, name: str) -> None:
    make, message, error = DIRECTIONS[direction]
    with refuse(message, error):
        call(name, given()._replace(V=make()))


@refusing("hessian_product", "gauss_newton_product", "inner_products")
def test_a_list_is_a_direction_too(name: str) -> None:
    e = given()
    assert jax.eval_shape(lambda: call(name, e._replace(V=list(e.V)))) is not None


# one example


@refusing("variance", "signal_to_noise")
def test_the_variance_of_one_example(name: str) -> None:
    with refuse("variance: expected two examples or more, got one, which has none"):
        call(name, given(examples=1))


def test_the_noise_of_one_example() -> None:
    with refuse("noise_scale: expected two examples or more, got one, which has no noise"):
        call("noise_scale", given(examples=1))


@pytest.mark.parametrize("sizes", [(0, 4), (4, 4), (8, 4)], ids=str)
def test_batch_sizes(sizes: tuple[int, int]) -> None:
    with refuse(f"B_small: expected 0 < B_small < B_big, got {sizes[0]} and {sizes[1]}"):
        q.two_batch_noise_scale(jnp.ones(()), jnp.ones(()), *sizes)


# what is asked


CLIPS = [0.0, -1.0, float("inf"), float("nan"), "x", None, True, jnp.zeros(2)]


@pytest.mark.parametrize("clip", CLIPS, ids=str)
def test_a_clip_that_is_not_positive(clip: Any) -> None:
    with refuse(f"clip: expected a norm to clip at, positive and finite, got {clip!r}"):
        call("clipped_sum", given(), clip=clip)
    with refuse(f"clip: expected a norm to clip at, positive and finite, got {clip!r}"):
        call("clipped_sum", given(), clip=[1.0, clip])


@pytest.mark.parametrize("clip", [[], [1.0], [1.0, 2.0, 3.0]], ids=len)
def test_as_many_clips(clip: Any) -> None:
    with refuse(f"clip: expected one norm, or 2, one for each layer, got {len(clip)}"):
        call("clipped_sum", given(), clip=clip)


def test_a_product_of_another_shape() -> None:
    with refuse("product: expected HV of the structure and shapes of V, (3,)"):
        q.largest_eigenvalue(lambda v: v[:2], jnp.ones(3), KEY)


@refusing("gauss_newton_diagonal", "kronecker_factors")
def test_kinds(name: str) -> None:
    with refuse("kind: expected exact, sampled or empirical, got 'monte carlo'"):
        call(name, given(), kind="monte carlo")
    with refuse("key: expected one to draw targets by, such as jax.random.key(0)"):
        call(name, given(), kind="sampled", key=None)
    with refuse("key: expected a key, as from jax.random.key(0), got int", TypeError):
        call(name, given(), kind="sampled", key=0)


@pytest.mark.parametrize("below", [0.0, -1.0, float("nan")])
def test_a_slope_to_be_stuck_below(below: float) -> None:
    with refuse(f"below: expected a slope above 0, got {below}"):
        call("stuck", given(), below=below)


def test_iterations() -> None:
    with refuse("iterations: expected 1 or more, got 0"):
        q.largest_eigenvalue(lambda v: v, jnp.ones(3), KEY, iterations=0)


def test_names_beside_the_gradient() -> None:
    e = given()
    with refuse("also: expected some of squared_norms, inner_products, gram, clipped_sum"):
        q.value_and_grad(e.net, e.params, e.X, e.Y, also=("norms",))
    with refuse("also: expected several names, such as ('gram',), got one", TypeError):
        q.value_and_grad(e.net, e.params, e.X, e.Y, also="gram")
    with refuse("direction: expected a tuple or list like the params, of 2 entries, got NoneType"):
        q.value_and_grad(e.net, e.params, e.X, e.Y, also={"hessian_product": {"direction": None}})
    with refuse("clip", TypeError):
        q.value_and_grad(e.net, e.params, e.X, e.Y, also=("clipped_sum",))
    for name in ("kronecker_factors", "clipped_sum"):
        with refuse(
            f"observed: expected some of squared_norms, gram, second_moment, variance, "
            f"signal_to_noise, noise_scale, delta_rms, delta_ratios, cosines, stuck, got {name!r}"
        ):
            q.observed(e.net, name)
    with refuse("net: expected a pure_nn.Network first, got str", TypeError):
        q.observed(NONE, "gram")


# networks that do not admit it


def quartic(Z: Any, A: Any, Y: Any) -> Any:
    return jnp.sum((A - Y) ** 4, axis=0)


def quartic_dA(A: Any, Y: Any) -> Any:
    return 4 * (A - Y) ** 3


OWN_LOSS = pure_nn.Network(("tanh", "sigmoid"), pure_nn.Loss("quartic", quartic, quartic_dA))
CURVED = [name for name in TAKES if "Y" in TAKES[name]]


@refusing(*CURVED)
def test_a_loss_whose_second_derivative_is_not_known(name: str) -> None:
    message = "net: expected a loss of pure_nn whose second derivative is known, squared_error"
    with refuse(message):
        call(name, given(OWN_LOSS))


@refusing(*CURVED)
def test_a_loss_with_the_name_of_another(name: str) -> None:
    """Twice the squared error, and not what is known of it"""
    twice = pure_nn.Loss(
        "squared_error", lambda Z, A, Y: jnp.sum((A - Y) ** 2, 0), lambda A, Y: 2 * (A - Y)
    )
    with refuse("binary_cross_entropy, got squared_error, of your own"):
        call(name, given(pure_nn.Network(("tanh", "sigmoid"), twice)))


def test_a_loss_of_no_likelihood_cannot_be_sampled() -> None:
    net = pure_nn.Network(("tanh", "sigmoid"), "cross_entropy")
    with refuse("squared_error, got sigmoid with cross_entropy"):
        call("kronecker_factors", given(net), key=KEY)


@refusing("kfra_factors", "hessian_diagonal")
def test_a_hidden_softmax(name: str) -> None:
    with refuse(f"{name}: expected hidden units with a g′ each, layer 1 is softmax"):
        call(name, given(pure_nn.Network(("softmax", "sigmoid"))))


def test_the_diagonal_of_an_output_whose_jacobian_is_none() -> None:
    net = pure_nn.Network(("tanh", "softmax"), "squared_error")
    with refuse("softmax with cross_entropy, got softmax with squared_error"):
        call("hessian_diagonal", given(net))


PLAIN = ("kfra_factors", "hessian_diagonal", "hessian_product", "gauss_newton_product")


@functools.cache
def stacked() -> Example:
    net, sizes = pure_nn.Network(("tanh", "tanh", "sigmoid")), (3, 3, 3, 2)
    e = given(net, sizes)
    found: Example = passed(net, pure_nn.stack(e.params, net), e.X, e.Y, pure_nn.stack(e.V, net))
    return found


@refusing(*PLAIN)
def test_layers_in_one_entry(name: str) -> None:
    with refuse(f"{name}: expected one layer in each entry; pass pure_nn.unstack(params)"):
        call(name, stacked())


# feedback

WRONG_F: dict[str, tuple[Callable[[], Any], str]] = {
    "turned": (lambda: [jnp.zeros((2, 4))], "expected F[2] of shape (4, 2), got (2, 4)"),
    "none": (list, "expected F[2] of shape (4, 2), got 0 matrices"),
}


@pytest.mark.parametrize("wrong", WRONG_F)
@pytest.mark.parametrize("rule", ["feedback_alignment", "direct_feedback"])
def test_feedback_matrices_of_another_shape(rule: str, wrong: str) -> None:
    make, message = WRONG_F[wrong]
    e, delta_L = given(), () if rule == "feedback_alignment" else (given().deltas[-1],)
    with refuse(f"{rule}: {message}"):
        of_F = getattr(q, rule)(make(), *delta_L)
        pure_nn.backpropagate(e.net, e.params, e.cache, e.deltas[-1], rule=of_F)


NO_F: dict[str, tuple[Any, str]] = {
    "nothing": (
        None,
        "feedback_alignment: expected a tuple or list of F[2], …, F[L], got NoneType",
    ),
    "a mapping": ({2: jnp.eye(2)}, "feedback_alignment: expected a tuple or list"),
    "numbers": ([[[1.0]]], "feedback_alignment: F[2]: expected a NumPy or JAX array, got list"),
}


@pytest.mark.parametrize("wrong", NO_F)
def test_no_feedback_matrices(wrong: str) -> None:
    F, message = NO_F[wrong]
    with refuse(message, TypeError):
        q.feedback_alignment(F)


def test_no_key_of_feedback() -> None:
    no_key: Any = 0
    with refuse("key: expected a key, as from jax.random.key(0), got int", TypeError):
        q.random_feedback(no_key, given().params)


def test_feedback_within_an_entry() -> None:
    e = stacked()
    F = q.random_feedback(KEY, pure_nn.unstack(e.params))
    with refuse(
        "feedback_alignment: expected one layer in each entry; pass pure_nn.unstack(params)"
    ):
        pure_nn.backpropagate(e.net, e.params, e.cache, e.deltas[-1], rule=q.feedback_alignment(F))


def test_angles_to_the_deltas_of_another_network() -> None:
    e, others = given(), given(sizes=(3, 5, 2)).deltas
    with refuse("others[1]: expected shape (4, 6), 4 being the units of its layer, got (5, 6)"):
        q.alignment_angles(e.net, e.cache, e.deltas, others)
