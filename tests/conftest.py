"""Every silent widening, broadcast and warning is an error under test; eight virtual devices."""

from collections.abc import Iterator
from pathlib import Path

import jax
import jaxtyping
import pytest

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


MAPS = 20_000  # of the 65,530 that Linux lets a process have: each compiled program takes some


@pytest.fixture(autouse=True, scope="module")
def few_programs() -> Iterator[None]:
    """Those of the files before are forgotten in time: without room for one more, XLA crashes."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_text().count("\n") > MAPS:
        jax.clear_caches()


@pytest.fixture
def x64() -> Iterator[None]:
    """Float64 for one test, by the context that users have."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the run-time type checks of the tests: a message has to be pure_nn's own."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(scope="session")
def vectors_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The conformance vectors, written once; tests that change them copy them."""
    from verify import vectors  # not before the run-time type checks are in place

    folder = tmp_path_factory.mktemp("vectors") / "new" / "folder"
    vectors.write(folder)
    return folder


@pytest.fixture
def standard_promotion() -> Iterator[None]:
    """Dtypes and ranks promoted as users of JAX have it."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
