"""Initialisation refuses what it cannot draw."""

import math
import re
from typing import Any

import jax
import pytest

import pure_nn

pytestmark = pytest.mark.usefixtures("as_installed")
init: Any = pure_nn.init


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0), (0, 3), (3, -1, 2)])
def test_sizes(sizes: Any) -> None:
    message = f"init: expected sizes (n[0], …, n[L]), at least two and each at least 1, got {sizes}"
    with pytest.raises(ValueError, match=re.escape(message)):
        init(jax.random.key(0), sizes)


@pytest.mark.parametrize("sizes", [3, (3, 2.0), (3, "2"), None, "32"])
def test_sizes_that_are_no_integers(sizes: Any) -> None:
    message = f"init: expected sizes (n[0], …, n[L]), a tuple of integers, got {sizes!r}"
    with pytest.raises(TypeError, match=re.escape(message)):
        init(jax.random.key(0), sizes)


@pytest.mark.parametrize("scheme", ["He", "glorot", "zeros", None])
def test_unknown_scheme(scheme: Any) -> None:
    message = f"init: unknown scheme {scheme!r}; known: normal, he, xavier, xavier_fan_in"
    with pytest.raises(ValueError, match=re.escape(message)):
        init(jax.random.key(0), (3, 2), scheme)


@pytest.mark.parametrize("scheme", ["he", "xavier", "xavier_fan_in"])
def test_a_scale_where_the_scheme_fixes_it(scheme: str) -> None:
    message = f"init: {scheme} fixes the variance of W; scale= is for scheme='normal'"
    with pytest.raises(ValueError, match=re.escape(message)):
        init(jax.random.key(0), (3, 2), scheme, scale=0.1)


@pytest.mark.parametrize("scale", [0.0, -0.1, math.nan, math.inf])
def test_a_scale_that_is_no_scale(scale: float) -> None:
    with pytest.raises(ValueError, match=rf"init: expected .*scale.*, got {scale}"):
        init(jax.random.key(0), (3, 2), "normal", scale=scale)


@pytest.mark.parametrize(
    "dtype", ["int32", "bool", "complex64", int, "foo", jax.random.key(0).dtype]
)
def test_dtypes_that_are_no_float(dtype: Any) -> None:
    message = "dtype: expected one of float64, float32, bfloat16, float16, got"
    with pytest.raises(TypeError, match=re.escape(message)):
        init(jax.random.key(0), (3, 2), dtype=dtype)


def test_float64_while_it_is_off() -> None:
    with pytest.raises(TypeError, match=r"with jax\.enable_x64\(True\):"):
        init(jax.random.key(0), (3, 2), dtype="float64")
    with jax.enable_x64(True):
        assert init(jax.random.key(0), (3, 2), dtype="float64")[0]["W"].dtype == "float64"
