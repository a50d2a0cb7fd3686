"""A state comes back from a checkpoint bit for bit, in its structure and where it was."""

import json
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from states import assert_same_state, bits, like, numbered

import pure_nn
from pure_nn import checkpoint
from pure_nn.checkpoint import State

pytestmark = pytest.mark.usefixtures("standard_promotion", "x64")
KEY = jax.random.key(7)
PATTERNS = {  # quiet and signalling NaN with payloads, −0, the smallest subnormal, ∞, 1
    "float64": [0x7FF8000000000ABC, 0xFFF0000000000001, 1 << 63, 1, 0x7FF << 52, 0x3FF << 52],
    "float32": [0x7FC00ABC, 0xFF800001, 1 << 31, 1, 0x7F800000, 0x3F800000],
    "bfloat16": [0x7FC5, 0xFF81, 1 << 15, 1, 0x7F80, 0x3F80],
    "float16": [0x7E05, 0xFC01, 1 << 15, 1, 0x7C00, 0x3C00],
}
OPTIMIZERS = {
    "sgd": optax.sgd(0.1),
    "momentum after clipping": optax.chain(optax.clip(1.0), optax.sgd(0.1, momentum=0.9)),
    "adam with a schedule": optax.adamw(optax.cosine_decay_schedule(1e-3, 10)),
    "hyperparameters in the state": optax.inject_hyperparams(optax.adam)(1e-3),
    "noise, with its own key": optax.chain(optax.add_noise(0.1, 0.5, KEY), optax.sgd(0.1)),
    "every second step": optax.MultiSteps(optax.sgd(0.1), 2).gradient_transformation(),
}


def pattern(dtype: str) -> Any:
    width = np.dtype(dtype).itemsize
    return np.array(PATTERNS[dtype], f"uint{8 * width}").view(dtype)


def run(params: Any, opt_state: Any = (), key: Any = KEY) -> State:
    costs = np.array([0.1, -0.0, np.nan])
    extra = {"rate": 0.1, "sizes": [4, 3], "best": None, "data": {"sha256": "ab"}}
    return State(params, opt_state, key, 3, 17, costs, extra)


def saved(folder: Path, state: State) -> State:
    with checkpoint.Folder(folder) as opened:
        opened.save(state)
        got = opened.latest(like(state))
    assert got is not None
    return got


@pytest.mark.parametrize("dtype", PATTERNS)
def test_every_bit_of_every_dtype(dtype: str, tmp_path: Path) -> None:
    state = run({"host": pattern(dtype), "device": jnp.asarray(pattern(dtype))})
    got = saved(tmp_path, state)
    assert_same_state(got, state)
    assert isinstance(got.params["host"], np.ndarray)
    assert isinstance(got.params["device"], jax.Array)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_state_of_an_optimizer(
    optimizer: optax.GradientTransformation, tmp_path: Path
) -> None:
    params = ({"W": jnp.ones((2, 3)), "b": jnp.zeros((2, 1))},)
    state = run(params, optimizer.init(params))
    assert_same_state(saved(tmp_path, state), state)


OTHERS = {
    "a key of another kind": run((), key=jax.random.key(1, impl="rbg")),
    "an old-style key": run((), key=np.array([1, 2], np.uint32)),
    "no key": run((), key=None),
    "several keys": run((), {"keys": jax.random.split(KEY, 3)}),
    "counters": run((), [np.int32(2**31 - 1), np.uint32(2**32 - 1), np.array([True, False])]),
    "no entries": run({"W": np.zeros((0, 3), np.float16)})._replace(costs=np.zeros(0)),
    "only zeros below zero": run({"W": np.full((3, 2), -0.0)}),
    "names that could be paths": run({"a/b": np.ones(1), "a.b": np.ones(2), "": np.ones(3)}),
}


@pytest.mark.parametrize("state", OTHERS.values(), ids=OTHERS)
def test_whatever_else_a_state_holds(state: State, tmp_path: Path) -> None:
    assert_same_state(saved(tmp_path, state), state)


def test_arrays_come_back_to_their_devices(tmp_path: Path) -> None:
    mesh = jax.make_mesh((4,), ("B",))
    over = jax.NamedSharding(mesh, jax.P("B"))
    state = run(jax.device_put(np.arange(8.0), over))
    got = saved(tmp_path, state)
    assert_same_state(got, state)
    assert got.params.sharding == over


def test_parameters_are_read_without_knowing_the_run(tmp_path: Path) -> None:
    params = pure_nn.init(KEY, (3, 4, 2))
    state = run(params, optax.adam(0.1).init(params))
    saved(tmp_path, state)
    got = checkpoint.read(tmp_path)
    assert isinstance(got.params, tuple)
    assert bits(got.params) == bits(params)
    assert bits([got.key, got.costs]) == bits([state.key, state.costs])
    assert got.opt_state is None
    assert got.extra == state.extra


def test_one_bit_more_would_be_seen() -> None:
    one, other = (run({"W": np.array([b], np.uint32).view("float32")}) for b in (1, 2))
    with pytest.raises(AssertionError):
        assert_same_state(one, other)


def test_nothing_is_pickled(tmp_path: Path) -> None:
    saved(tmp_path, run(pure_nn.init(KEY, (3, 2))))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [p for p in files if p.read_bytes()[:1] == b"\x80" or b"cnumpy" in p.read_bytes()]
    assert json.loads((tmp_path / "00000001" / "manifest.json").read_text())["format"] == 1


EXTRAS = {
    "no dict": [1],
    "numbers as keys": {1: 2},
    "a tuple": {"sizes": (1, 2)},
    "not a number": {"cost": float("nan")},
    "an array": {"cost": np.ones(2)},
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS)
def test_extra_that_json_would_change_is_refused(extra: Any, tmp_path: Path) -> None:
    with (
        checkpoint.Folder(tmp_path) as folder,
        pytest.raises(checkpoint.CheckpointError, match="extra: expected a dict that JSON"),
    ):
        folder.save(numbered(1)._replace(extra=extra))


def test_leaves_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    with (
        checkpoint.Folder(tmp_path) as folder,
        pytest.raises(checkpoint.CheckpointError, match=r"opt_state\['rate'\]: .* got float"),
    ):
        folder.save(numbered(1)._replace(opt_state={"rate": 0.1}))


def test_without_orbax_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with (
        checkpoint.Folder(tmp_path) as folder,
        pytest.raises(ImportError, match=r"needs orbax: pip install 'pure_nn\[checkpoint\]'"),
    ):
        folder.save(numbered(1))
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
