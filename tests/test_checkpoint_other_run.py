"""A checkpoint of another network, optimizer, dtype or configuration is refused, and says why."""

import itertools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from states import assert_same_state

from pure_nn.checkpoint import CheckpointError, Folder, State, read

KEY = jax.random.key(0)
NETWORK = {"activations": ["tanh", "sigmoid"]}


def run(
    sizes: tuple[int, ...] = (3, 4, 1),
    optimizer: optax.GradientTransformation = optax.adam(0.1),  # noqa: B008  # a value, no call
    dtype: str = "float32",
    key: Any = KEY,
    extra: Any = None,
) -> State:
    ones = [
        {"W": jnp.ones((n, m), dtype), "b": jnp.ones((n, 1), dtype)}
        for m, n in itertools.pairwise(sizes)
    ]
    params = tuple(ones)
    return State(params, optimizer.init(params), key, 1, 0, np.ones(2), extra or {})


OTHERS: dict[str, tuple[State, str]] = {
    "units": (
        run((3, 5, 1)),
        r"params\[0\]\['W'\]: expected float32 \(5, 3\), got float32 \(4, 3\)",
    ),
    "layers": (run((3, 4, 4, 1)), r"params\[1\]\['W'\]: expected float32 \(4, 4\), got .*\(1, 4\)"),
    "one layer": (
        run((3, 4)),
        r"opt_state\[0\]\.mu\[1\]|params\[1\]\['W'\]: expected no such array",
    ),
    "dtype": (run(dtype="float16"), r"params.*: expected float16 \(4, 3\), got float32"),
    "another optimizer": (
        run(optimizer=optax.sgd(0.1, 0.9)),
        r"opt_state\[0\]\.trace.*: expected float32 \(4, 3\), got no such array",
    ),
    "no optimizer state": (
        run(optimizer=optax.sgd(0.1)),
        r"opt_state\[0\]\.count: expected no such array, got int32 \(\)",
    ),
    "weight decay, of the same arrays": (
        run(optimizer=optax.adamw(0.1)),
        r"opt_state: expected \(ScaleByAdamState.*EmptyState\(\), EmptyState\(\)\), got",
    ),
    "another kind of key": (
        run(key=jax.random.key(0, impl="rbg")),
        r"key: expected key<rbg> \(\), got key<threefry2x32> \(\)",
    ),
    "no key": (run(key=None), r"key: expected no such array"),
    "another configuration": (
        run(extra={"network": {"activations": ["relu", "sigmoid"]}}),
        r"extra\['network'\]: expected \{.*relu.*\}, got \{.*tanh.*\}",
    ),
    "a new configuration": (run(extra={"l2": 0.1}), r"extra\['l2'\]: expected 0\.1, got None"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    with Folder(path) as opened:
        opened.save(run(extra={"network": NETWORK}))
    return path


@pytest.mark.parametrize(("like", "message"), OTHERS.values(), ids=OTHERS)
def test_another_run_is_refused(like: State, message: str, folder: Path) -> None:
    with (
        Folder(folder) as opened,
        pytest.raises(CheckpointError, match=f"another run: {message}.*or another folder"),
    ):
        opened.latest(like, skip_damaged=True)


def test_the_same_run_is_not(folder: Path) -> None:
    same = run(extra={"network": NETWORK})
    other_values = jax.tree.map(lambda x: x, same)._replace(epoch=8, costs=np.zeros(9))
    assert_same_state(read(folder, other_values), same)
    assert_same_state(read(folder, run()), same)


def test_a_list_of_layers_is_no_other_network(folder: Path) -> None:
    like = run()
    got = read(folder, like._replace(params=list(like.params)))
    assert isinstance(got.params, list)


def test_float64_names_what_enables_it(tmp_path: Path) -> None:
    with jax.enable_x64(True), Folder(tmp_path) as opened:
        opened.save(run(dtype="float64"))
    with pytest.raises(CheckpointError, match=r"got float64 .*needs `with jax\.enable_x64\(True\)"):
        read(tmp_path, run())
    assert read(tmp_path).params[0]["W"].dtype == np.float64


def test_versions_that_differ_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pure_nn.checkpoint.manifest.versions", lambda: {"optax": "0.1"})
    with pytest.raises(CheckpointError, match=r"versions differ: optax \S+ then, 0\.1 now"):
        read(folder, run((3, 5, 1)))


def test_other_parameters_than_layers_need_their_structure(tmp_path: Path) -> None:
    state = run()._replace(params={"kernel": np.ones(2)})
    with Folder(tmp_path) as opened:
        opened.save(state)
    with pytest.raises(CheckpointError, match=r"params\['kernel'\] is no W or b of a layer"):
        read(tmp_path)
    assert_same_state(read(tmp_path, state), state)
