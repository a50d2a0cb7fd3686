"""An epoch streamed from disk is the epoch in memory, bit for bit, in bounded memory."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import pure_nn
from pure_nn import data, training

grain = pytest.importorskip("grain")
KEY, SGD = jax.random.key(3), optax.sgd(0.1, momentum=0.9)
NET = pure_nn.Network(("tanh", "softmax"), dropout=(0.0, 0.3))
M = 103

BOUND = """
import resource, sys, warnings
import jax, numpy as np, optax, pure_nn
from pure_nn import data, training

path, m, n = sys.argv[1], 1 << 16, 1024
rows = data.mapped(path)["data"]
labels = np.arange(m, dtype=np.int32) % 2
names = tuple(map(str, range(n)))
plain = data.Preparation(names, (0.0,) * n, (1.0,) * n, "binary", (0, 1))
net, sgd = pure_nn.Network(("sigmoid",)), optax.sgd(0.1)
params = pure_nn.init(jax.random.key(0), (n, 1))


def run(params, examples):
    source = data.Source(rows, labels, plain, examples=examples)
    how = dict(optimizer=sgd, batch_size=64, key=jax.random.key(1), chunk=8)
    return training.streamed_epoch(net, params, sgd.init(params), source, **how)


params = run(params, np.arange(1 << 10))[0]
(used,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (int(used) * 1024 + (96 << 20),) * 2)
print(rows.nbytes >> 20, float(run(params, None)[2]) > 0)
try:
    np.array(rows)
except MemoryError:
    print("more than the bound")
"""


def written(folder: Path) -> tuple[Any, Any, data.Preparation]:
    """Rows and labels mapped from an uncompressed NPZ, and what prepares them"""
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(2, 3, (M, 2, 3)), rng.integers(0, 3, M)
    np.savez(folder / "a.npz", rows=rows, labels=labels)
    found = data.mapped(folder / "a.npz")
    return found["rows"], found["labels"], data.prepare(rows.reshape(M, -1), labels)


def init() -> tuple[Any, Any]:
    params = pure_nn.init(jax.random.key(1), (6, 5, 3))
    return params, SGD.init(params)


def bits(tree: Any) -> list[bytes]:
    return [np.asarray(x).tobytes() for x in jax.tree.leaves(tree)]


def gradient(cache: Any, deltas: Any, grads: Any) -> Any:
    return grads[0]["b"]


def test_the_same_bits_as_in_memory(tmp_path: Path) -> None:
    """12 batches in chunks of 5, 5 and 2, and a rest of 7."""
    rows, labels, preparation = written(tmp_path)
    how: Any = {"optimizer": SGD, "batch_size": 8, "key": KEY, "observe": gradient}
    X = jnp.asarray(preparation.X(rows.reshape(M, -1)))
    Y = jnp.asarray(preparation.Y(labels))
    source = data.Source(rows, labels, preparation)
    expected = training.epoch(NET, *init(), X, Y, **how)
    got = training.streamed_epoch(NET, *init(), source, chunk=5, **how)
    assert bits(got) == bits(expected)
    assert bits(got) != bits(training.epoch(NET, *init(), X[:, ::-1], Y, **how))


def test_chunks_from_a_step_on_are_the_rest_of_those_from_the_first(tmp_path: Path) -> None:
    source = data.Source(*written(tmp_path))
    order = np.random.default_rng(1).permutation(M)
    whole = list(training.chunks(source, order, batch_size=8, chunk=5))
    assert [c.first for c in whole] == [0, 5, 10, 12]
    assert [c.batches.shape for c in whole] == [(5, 8), (5, 8), (2, 8), (1, 7)]
    rest = list(training.chunks(source, order, batch_size=8, chunk=5, start=5))
    assert bits(rest) == bits(whole[1:])
    assert list(training.chunks(source, order[:96], batch_size=8, start=12)) == []


def test_a_source_of_some_examples(tmp_path: Path) -> None:
    rows, labels, preparation = written(tmp_path)
    part = np.array([7, 3, 90, 3])
    X, Y = data.Source(rows, labels, preparation, examples=part)[np.array([2, 0])]
    np.testing.assert_array_equal(X, preparation.X(rows[[90, 7]].reshape(2, -1)))
    np.testing.assert_array_equal(Y, preparation.Y(labels[[90, 7]]))


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA and /proc are Linux's")
def test_memory_is_bounded(tmp_path: Path) -> None:
    """256 MB of rows within 96 MB more than before; the rows themselves do not fit there."""
    np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.float32, (1 << 16, 1024))
    run = [sys.executable, "-c", BOUND, str(tmp_path / "a.npy")]
    done = subprocess.run(run, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "256 True\nmore than the bound\n"


def test_what_is_wrong_in_a_chunk_ends_the_epoch(tmp_path: Path) -> None:
    rows, labels, preparation = written(tmp_path)
    bad = np.array(rows)
    bad[50, 1, 0] = np.nan
    source = data.Source(bad, labels, preparation)
    how: Any = {"optimizer": SGD, "batch_size": 8, "order": jnp.arange(M), "key": KEY, "chunk": 5}
    message = r"got nan in row 10 \(from 0\), column 3, feature '3'.*of the examples 40, 41, 42"
    with pytest.raises(ValueError, match=message):
        training.streamed_epoch(NET, *init(), source, **how)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 104}, "batch_size: expected an integer from 1 to 103, the examples of X"),
        ({"key": None}, "key: expected one to shuffle the batches by"),
        ({"chunk": 0}, "chunk: expected an integer from 1 on, got 0"),
        ({"order": np.arange(5)}, "order: expected shape (103,), got (5,)"),
    ],
    ids=["batch size", "key", "chunk", "order"],
)
@pytest.mark.usefixtures("as_installed")
def test_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    how: Any = {"optimizer": SGD, "batch_size": 8, "key": KEY} | change
    with pytest.raises(ValueError, match=re.escape(message)):
        training.streamed_epoch(NET, *init(), data.Source(*written(tmp_path)), **how)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": np.zeros(3)}, "a target of shape (m,), got (103, 2, 3) and (3,)"),
        ({"rows": np.zeros(103)}, "expected rows of shape (m, features)"),
        ({"examples": np.zeros(0, np.int64)}, "source: expected at least one example, got none"),
    ],
    ids=["target", "rows", "examples"],
)
def test_sources_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        dataclasses.replace(data.Source(*written(tmp_path)), **change)


def test_grain_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    source = data.Source(*written(tmp_path))
    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(ImportError, match=r"streaming needs grain .* pip install 'pure_nn.data.'"):
        next(training.chunks(source, np.arange(M), batch_size=8))
