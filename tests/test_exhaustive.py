"""All of float32: slices of it, what is exact there, and that a stopped run goes on."""

import dataclasses
import json
import unittest.mock
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from verify import accuracy, errors
from verify.proof import cover, exhaustive, state
from verify.proof.exhaustive import BLOCK, SIGNS, Found, block
from verify.proof.state import State

NAMES = exhaustive.names()
SLICE = 2**12
AROUND = {"tiny": 2.0**-126, "0.5": 0.5, "1": 1.0, "8": 8.0, "44": 44.0, "88.7": 88.7, "1e38": 1e38}


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blocks of 2¹² numbers of each sign, and six of them."""
    monkeypatch.setattr(exhaustive, "BLOCK", SLICE)
    monkeypatch.setattr(exhaustive, "BLOCKS", 6)
    exhaustive._compiled.cache_clear()
    yield
    exhaustive._compiled.cache_clear()


def number_of(z: float) -> int:
    return int(np.float32(z).view(np.uint32)) // SLICE


def test_the_blocks_hold_every_float32() -> None:
    assert len(SIGNS) * exhaustive.BLOCKS * BLOCK == 2**32
    assert BLOCK % exhaustive.CHUNK == 0
    assert exhaustive.INFINITY % exhaustive.CHUNK == 0
    assert len(NAMES) == 14


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("z", AROUND.values(), ids=AROUND)
def test_a_slice(z: float) -> None:
    rows = exhaustive.accuracies(block(number_of(z), NAMES), 2 * SLICE)
    assert len(rows) == 14
    assert not [str(row) for row in rows if not row.ok]
    assert {row.inputs for row in rows} == {2 * SLICE}


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("bits", [0x7F800000, 0x7FC00000], ids=["infinity", "NaN"])
def test_limits(bits: int) -> None:
    rows = exhaustive.accuracies(block(bits // SLICE, NAMES), 2 * SLICE)
    assert not [str(row) for row in rows if not row.ok]


@pytest.mark.parametrize("z", AROUND.values(), ids=AROUND)
def test_what_is_exact(z: float) -> None:
    """As the functions of the oracles have it, and in the ULPs of the other tables."""
    near = np.float32(z) * (1 + np.linspace(0, 1e-3, 50, dtype=np.float32))
    wide = near.astype(np.float64)
    exact = exhaustive._exact(wide)
    for f in accuracy.SCALARS:
        for sign, (value, per_ulp) in zip((1, -1), exact[f.name], strict=True):
            expected = f.exact(sign * wide, np)
            np.testing.assert_allclose(value, expected, rtol=1e-14, atol=1e-60)
            unit = errors.ulp((expected, np.zeros_like(expected)), "float32")
            np.testing.assert_array_equal(per_ulp, 1 / unit)


def lossy(z: Any) -> Any:
    return 1 - jnp.tanh(z) ** 2


def silent(z: Any) -> Any:
    return jnp.where(jnp.isnan(z), 0, jax.nn.sigmoid(z))


def finite(z: Any) -> Any:
    return jnp.where(jnp.isinf(z), 0.5, jax.nn.sigmoid(z))


MISTAKES: dict[str, tuple[str, Any, float]] = {
    "lost digits": ("tanh′", lossy, 8.0),
    "NaN becomes a number": ("sigmoid", silent, np.nan),
    "a limit missed": ("sigmoid", finite, np.inf),
}


@pytest.mark.usefixtures("slices")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_would_be_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, ours, z = MISTAKES[mistake]
    scalars = [dataclasses.replace(f, ours=ours) for f in accuracy.SCALARS if f.name == name]
    monkeypatch.setattr(accuracy, "SCALARS", scalars)
    (row,) = exhaustive.accuracies(block(number_of(z), [name]), 2 * SLICE)
    assert row.error > 1000
    assert not row.ok


# stopped, and gone on with


class Stopped(ThreadPoolExecutor):
    """A thread that is interrupted at the end of the third block."""

    left = 3

    def submit(self, f: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        return super().submit(f if self.left >= 0 else interrupt, *args)


def interrupt(*args: Any) -> None:
    raise KeyboardInterrupt


def covered(path: Path, fingerprint: str = "this", *, stopped: bool = False) -> Any:
    with (Stopped if stopped else ThreadPoolExecutor)(1) as executor:
        return cover.cover(executor, state.load(path, fingerprint), NAMES, Console())


@pytest.mark.usefixtures("slices")
def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, path = covered(tmp_path / "other.json"), tmp_path / "deep" / "state.json"
    with pytest.raises(KeyboardInterrupt):
        covered(path, stopped=True)
    known = state.load(path, "this")
    assert known.done == {0, 1, 2}
    assert known.note == f"Goes on from {path}."
    counted = unittest.mock.Mock(side_effect=block)
    monkeypatch.setattr(exhaustive, "block", counted)
    assert covered(path) == at_once
    assert [call.args[0] for call in counted.call_args_list] == [3, 4, 5]
    assert at_once[0].inputs == 6 * 2 * SLICE
    assert not list(tmp_path.rglob("*.json*"))


@pytest.mark.usefixtures("slices")
def test_other_code_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with pytest.raises(KeyboardInterrupt):
        covered(path, "that", stopped=True)
    known = state.load(path, "this")
    assert not known.done
    assert "started again" in known.note


def test_the_fingerprint_knows_the_functions_and_the_device() -> None:
    prints = {state.fingerprint(names, d) for names in (NAMES, NAMES[1:]) for d in ("cpu", "gpu")}
    assert len(prints) == 4
    assert state.fingerprint(NAMES, "cpu") in prints


@pytest.mark.parametrize("content", ["", "[1]", '{"schema": "another"}', "\x00\xff", '{"a'])
def test_another_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content.encode("latin1"))
    with pytest.raises(ValueError, match=r"--state .*mine.json: expected the state of an exhaust"):
        state.load(path, "this")
    assert path.read_bytes() == content.encode("latin1")


def test_a_state_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    known = State(path, "this")
    known.add(7, {"tanh": Found(2.5, 3, 9.0)})
    known.save()
    monkeypatch.setattr(json, "dump", interrupt)
    with pytest.raises(KeyboardInterrupt):
        State(path, "this").save()
    assert state.load(path, "this").found == {"tanh": Found(2.5, 3, 9.0)}


def test_the_worst_is_the_same_in_any_order() -> None:
    one, two, three = Found(1.0, 5, 9.0), Found(2.0, 7, 1.0), Found(2.0, 3, 4.0)
    assert one.worse(two).worse(three) == three.worse(one).worse(two) == Found(2.0, 3, 9.0)
    assert Found().worse(Found(0.0, 0, 0.0)) == Found(0.0, 0, 0.0)
