"""Right gradients obey every law that applies, in any layout; what does not apply is noted."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from student import ACTIVATIONS, Student, arguments

import pure_nn
from pure_nn import network, recompute
from verify.laws import Units, check_laws, plan
from verify.report import Report

RIGHT, ARGS = Student(), arguments()
CALLS = {"two calls", "arguments left alone", "jit = eager", "vmap = loop"}
OF_A_NETWORK = {*plan.BATCH, *plan.UNITS, plan.COLUMNS}


def tried(report: Report) -> set[str]:
    names = {finding.how.removeprefix("law: ") for finding in report.findings}
    return names - {"two calls, eagerly"}


def noted(report: Report) -> dict[str, str]:
    """Why a law was not tried"""
    notes = (note.split(": ", 1) for note in report.notes)
    return {law: why for names, why in notes for law in names.split(", ")}


NET = pure_nn.Network(("relu", "leaky_relu", "softmax"))


def of_net(params: Any, X: Any, Y: Any) -> Any:
    return recompute.value_and_grad(NET, params, X, Y)


def cast(dtype: str) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, jnp.dtype(dtype)), ARGS)


def test_all_of_a_network_of_pure_nn() -> None:
    report = check_laws(
        of_net,
        cast("float32"),
        activations=NET,
        outputs=lambda params, X, Y: network.predict(NET, params, X),
        deltas=lambda p, X, Y: network.backward(NET, p, network.forward(NET, p, X), Y)[1],
    )
    assert report.ok, str(report)
    assert tried(report) == CALLS - {"arguments left alone"} | OF_A_NETWORK
    assert report.notes == ()


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_networks_of_pure_nn(dtype: str) -> None:
    without = {"jit = eager", "vmap = loop"}
    report = check_laws(of_net, cast(dtype), activations=NET, without=without)
    assert report.ok, str(report)
    assert report.dtype == dtype
    assert tried(report) == {"two calls"} | OF_A_NETWORK
    assert noted(report).keys() == without


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_numpy(dtype: str) -> None:
    args = arguments(dtype=dtype)
    report = check_laws(RIGHT.value_and_grad, args, activations=ACTIVATIONS, deltas=RIGHT.deltas)
    assert report.ok, str(report)
    assert tried(report) == {"two calls", "arguments left alone"} | OF_A_NETWORK
    assert set(noted(report)) == {"jit = eager", "vmap = loop"}
    (note,) = report.notes
    assert note == (
        "jit = eager, vmap = loop: not tried, a function of NumPy, which JAX cannot trace"
    )


# other layouts


def transposed(tree: Any) -> Any:
    return jax.tree.map(np.transpose, tree)


def of_rows(params: Any, X: Any, Y: Any) -> Any:
    """One example per row; W is (n[ℓ-1], n[ℓ]), b is (1, n[ℓ])"""
    J, grads = RIGHT.value_and_grad(*transposed((params, X, Y)))
    return J, transposed(grads)


def of_dictionary(params: Any, X: Any, Y: Any) -> Any:
    """W1, b1, … as in courses"""
    layers = [{"W": params[f"W{l}"], "b": params[f"b{l}"]} for l in (1, 2, 3)]
    J, grads = RIGHT.value_and_grad(layers, X, Y)
    return J, {f"{k}{l}": g[k] for l, g in enumerate(grads, 1) for k in g}


DICTIONARY = {f"{k}{l}": layer[k] for l, layer in enumerate(ARGS[0], 1) for k in layer}
UNITS = [
    Units({f"['W{l}']": 0, f"['b{l}']": 0}, {f"['W{l + 1}']": 1} if l < 3 else {})
    for l in (1, 2, 3)
]


def of_sums(params: Any, X: Any, Y: Any) -> Any:
    J, grads = RIGHT.value_and_grad(params, X, Y)
    return J * X.shape[1], jax.tree.map(lambda g: g * X.shape[1], grads)


def with_X(params: Any, X: Any, Y: Any) -> Any:
    J, grads = RIGHT.value_and_grad(params, X, Y)
    return J, (grads, params[0]["W"].T @ RIGHT.deltas(params, X, Y)[0] / X.shape[1])


def with_labels(params: Any, X: Any, labels: Any) -> Any:
    return RIGHT.value_and_grad(params, X, np.eye(3)[labels].T)


CHAIN: dict[str, Any] = {"activations": ACTIVATIONS}
LAYOUTS: dict[str, tuple[Callable[..., Any], Any, dict[str, Any]]] = {
    "rows": (of_rows, transposed(ARGS), CHAIN | {"example_axis": 0}),
    "a dictionary": (of_dictionary, (DICTIONARY, *ARGS[1:]), CHAIN | {"units": UNITS}),
    "sums": (of_sums, ARGS, CHAIN | {"reduction": "sum"}),
    "X too": (with_X, ARGS, CHAIN | {"argnums": (0, 1), "examples": (1, 2)}),
    "labels": (with_labels, (*ARGS[:2], ARGS[2].argmax(0)), CHAIN),
    "no value": (lambda *args: RIGHT.value_and_grad(*args)[1], ARGS, CHAIN | {"has_value": False}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    f, args, settings = LAYOUTS[layout]
    report = check_laws(f, args, **settings)
    assert report.ok, str(report)
    assert tried(report) >= OF_A_NETWORK


NAMES = {
    "rows": {"J", "W[1]", "b[3]", "1ᵀW[3]"},
    "a dictionary": {"J", "params['W1']", "1ᵀparams['W3']"},
    "X too": {"J", "W[1]", "∂𝓛/∂X"},
}


@pytest.mark.parametrize("layout", NAMES)
def test_leaves_have_the_names_of_the_arguments(layout: str) -> None:
    f, args, settings = LAYOUTS[layout]
    report = check_laws(f, args, **settings)
    assert {finding.comparison.where for finding in report.findings} >= NAMES[layout]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mistake_in_each_layout(layout: str) -> None:
    f, args, settings = LAYOUTS[layout]

    def without_the_last(*args: Any) -> Any:
        given = f(*args)
        return jax.tree.map(lambda g: g + 1e-9 * np.arange(np.size(g)).reshape(g.shape), given)

    assert not check_laws(without_the_last, args, **settings).ok


# what does not apply


def test_nothing_is_known_of_the_network() -> None:
    notes = noted(check_laws(RIGHT.value_and_grad, ARGS))
    unknown = "not tried, the network is not known, see activations="
    assert {notes[law] for law in plan.UNITS} == {unknown}
    assert notes[plan.COLUMNS] == (
        "not tried, the output is not known to be softmax with cross-entropy"
    )


def test_one_example() -> None:
    report = check_laws(RIGHT.value_and_grad, arguments(B=1), activations=ACTIVATIONS)
    assert report.ok
    assert noted(report)["a permuted batch"] == "not tried, there is one example"
    assert noted(report)["a divided batch"] == "not tried, there is one example"
    assert "a duplicated batch" in tried(report)


def test_soft_targets_that_are_no_distributions() -> None:
    params, X, Y = ARGS
    report = check_laws(RIGHT.value_and_grad, (params, X, 2 * Y), activations=ACTIVATIONS)
    assert noted(report)[plan.COLUMNS] == "not tried, the targets of example 0 sum to 2, not 1"


def test_no_hidden_relu() -> None:
    activations = ("tanh", "tanh", "softmax")
    notes = noted(check_laws(RIGHT.value_and_grad, ARGS, activations=activations))
    assert notes["scaling of ReLU networks"] == (
        "not tried, no hidden ReLU, leaky ReLU or identity"
    )


def test_a_law_is_left_out() -> None:
    report = check_laws(RIGHT.value_and_grad, ARGS, without=["a duplicated batch"])
    assert noted(report)["a duplicated batch"] == "not tried, left out"
    assert "a duplicated batch" not in tried(report)


def test_numbers_that_would_overflow() -> None:
    args = arguments(B=30, dtype="float16")

    def large(*args: Any) -> Any:
        return RIGHT.value_and_grad(*args)[0] * np.float16(1e3), RIGHT.value_and_grad(*args)[1]

    notes = noted(check_laws(large, args, activations=ACTIVATIONS))
    overflow = "not tried, numbers 60 times as large could overflow in float16"
    assert notes["a duplicated batch"] == notes["scaling of ReLU networks"] == overflow


# what is no gradient to try


def keyed(params: Any, X: Any, Y: Any, key: Any) -> Any:
    """Randomness that is an argument"""
    noise = jax.random.normal(key, ())
    return jnp.mean(X) * noise, jax.tree.map(lambda x: noise * x, params)


def test_a_key_is_an_argument() -> None:
    args = jax.tree.map(np.float32, ARGS)
    assert check_laws(keyed, (*args, jax.random.key(0)), examples=(1, 2)).ok


def writes(params: Any, X: Any, Y: Any) -> Any:
    J, grads = RIGHT.value_and_grad(params, X, Y)
    params[1]["W"] -= 0.1 * grads[1]["W"]
    return J, grads


def not_finite(params: Any, X: Any, Y: Any) -> Any:
    return np.mean(X) / 0 * 0, params


NO_GRADIENTS: dict[str, tuple[Callable[..., Any], str]] = {
    "random": (
        lambda params, X, Y: (np.random.default_rng().normal(), params),
        "WRONG: two calls: two calls with the same arguments differ. Look for randomness",
    ),
    "writes": (writes, "WRONG: arguments left alone: the function changes its arguments."),
    "a list": (
        lambda params, X, Y: (np.mean(X), list(params)),
        "WRONG: params: expected a gradient of the structure ({'W': *, 'b': *}, ",
    ),
    "a shape": (
        lambda params, X, Y: (np.mean(X), transposed(params)),
        "WRONG: W[1]: expected shape (5, 4), got (4, 5)",
    ),
    "no scalar": (lambda params, X, Y: (X, params), "WRONG: J: expected one number, got shape"),
    "not finite": (
        lambda params, X, Y: (np.log(-abs(X)).mean(), params),
        "WRONG: J: is not finite",
    ),
    "zeros": (
        lambda params, X, Y: (0.0, jax.tree.map(np.zeros_like, params)),
        "UNDECIDED: the gradient: all zeros, and zeros obey every law: try other arguments",
    ),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("what", NO_GRADIENTS)
def test_no_gradient(what: str) -> None:
    f, message = NO_GRADIENTS[what]
    assert str(check_laws(f, ARGS)).startswith(message)


def test_arguments_that_are_written_into_are_named() -> None:
    wrong = [f for f in check_laws(writes, ARGS).findings if f.verdict == "wrong"]
    assert [f.comparison.where for f in wrong] == ["args[0][1]['W']"]
    assert "let it make a new array" in wrong[0].comparison.fault


def test_zeros_are_named() -> None:
    def dead(params: Any, X: Any, Y: Any) -> Any:
        J, grads = RIGHT.value_and_grad(params, X, Y)
        return J, (jax.tree.map(np.zeros_like, grads[0]), *grads[1:])

    report = check_laws(dead, ARGS)
    assert report.ok
    assert report.notes[0] == "all zeros, of which laws say nothing: W[1], b[1]"


def test_an_error_in_the_function_is_the_callers() -> None:
    with pytest.raises(KeyError, match="V"):
        check_laws(lambda params, X, Y: params[0]["V"], ARGS)


def test_a_function_of_one_batch_size() -> None:
    def of_six(params: Any, X: Any, Y: Any) -> Any:
        J, grads = RIGHT.value_and_grad(params, X, Y)
        return J, (*grads[:2], {**grads[2], "b": grads[2]["b"] + 0 * X.reshape(4, 6)[:1, :1]})

    report = check_laws(of_six, ARGS)
    untried = [f for f in report.findings if f.verdict == "undecided"]
    assert [f.how for f in untried] == ["law: a duplicated batch", "law: a divided batch"]
    assert "ValueError where the law was tried: cannot reshape" in untried[0].comparison.fault
    assert report.verdict == "undecided"


# bad calls

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a law": ({"without": ["B"]}, r"without: expected names of laws.*got \{'B'\}"),
    "a reduction": ({"reduction": "max"}, "reduction: expected 'mean' or 'sum', got 'max'"),
    "the axis": ({"example_axis": 0}, r"expected as many examples in each of args\[1, 2\]"),
    "activations": ({"activations": ("relu", "softmax")}, "activations: expected parameters of 2"),
    "units": (
        {"activations": ("relu",), "units": UNITS},
        "units: expected one for each of the 1 act",
    ),
    "names": ({"units": UNITS}, r"units: expected names of leaves.*W\[1\].*got"),
    "an axis of units": (
        {"units": [Units({"W[1]": 1, "b[1]": 0}, {"W[2]": 1})]},
        "units: expected axes of one length in a layer",
    ),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("what", BAD)
def test_bad_calls(what: str) -> None:
    settings, message = BAD[what]
    with pytest.raises(ValueError, match=message):
        check_laws(RIGHT.value_and_grad, ARGS, **settings)


def test_no_floats() -> None:
    with pytest.raises(TypeError, match=r"args: expected at least one array of floats.*got int"):
        check_laws(lambda x: (x, x), (3,))


def test_the_seed_decides() -> None:
    one, same, other = (check_laws(RIGHT.value_and_grad, ARGS, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one.findings != other.findings
    assert (one.seed, other.seed) == (1, 2)
