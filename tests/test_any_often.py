"""Many checks in one process: what is compiled for functions that are gone does not pile up."""

import gc
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gradients import by_hand, cost, params_and_data

import verify
from verify.derivatives import kept

ROUNDS = 6


def memory_maps() -> int:
    gc.collect()
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("\n")


def maps_after_another() -> int:
    """A check of functions that are made anew"""
    args = params_and_data()
    report = verify.check_gradient(lambda *x: cost(*x), lambda *x: by_hand(*x), args)
    assert report.ok, str(report)
    return memory_maps()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
def test_memory_maps_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 10)
    counts = [maps_after_another() for _ in range(ROUNDS)]
    assert max(counts[ROUNDS // 2 :]) <= max(counts[: ROUNDS // 2]) + 50


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
def test_they_would_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 10**6)
    counts = [maps_after_another() for _ in range(3)]
    assert counts[-1] > counts[0] + 100


def test_programs_of_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[None] = []

    @jax.jit
    def own(x: Any) -> Any:
        traced.append(None)
        return jnp.sin(x)

    monkeypatch.setattr(kept, "MOST", 0)
    x = np.ones(3, np.float32)
    own(x)
    args = params_and_data()
    assert verify.check_gradient(cost, by_hand, args).ok
    own(x)
    assert len(traced) == 1
