"""Every silent widening, broadcast and warning is an error under test; eight virtual devices."""

from collections.abc import Iterator

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def x64() -> Iterator[None]:
    """Float64 for one test, by the context that users have."""
    with jax.enable_x64(True):
        yield
