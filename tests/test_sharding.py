"""Examples sharded over devices: unchanged code, the same gradients to rounding."""

import jax
import jax.numpy as jnp
import pytest
from helpers import SIZES, as_jax, assert_same, numpy_data, numpy_params
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import pure_nn
from pure_nn.precision import product


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("axis_type", [AxisType.Auto, AxisType.Explicit])
def test_examples_over_eight_devices(axis_type: AxisType) -> None:
    net = pure_nn.Network(("tanh", "sigmoid"))
    params, (X, Y) = as_jax((numpy_params(SIZES[2]), numpy_data(SIZES[2], 16, "cross_entropy")))
    mesh = jax.make_mesh((8,), ("B",), axis_types=(axis_type,))
    columns = NamedSharding(mesh, PartitionSpec(None, "B"))
    by_hand = jax.jit(pure_nn.value_and_grad)
    everywhere = jax.device_put(params, NamedSharding(mesh, PartitionSpec()))
    sharded = by_hand(net, everywhere, *jax.device_put((X, Y), columns))
    assert len(sharded[0].devices()) == 8
    assert_same(sharded, by_hand(net, params, X, Y), rtol=1e-14)


def test_a_product_stays_as_its_rows_and_columns_are_sharded() -> None:
    """Here the sum over k is one over two devices; what is left lies on two by two."""
    mesh = jax.make_mesh((2, 2, 2), ("m", "k", "n"), axis_types=(AxisType.Explicit,) * 3)
    rows, columns = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("m", "k"), ("k", "n")))
    P, Q = jnp.arange(24.0).reshape(4, 6), jnp.arange(12.0).reshape(6, 2)
    PQ = product(jax.device_put(P, rows), jax.device_put(Q, columns))
    assert jax.typeof(PQ).sharding.spec == PartitionSpec("m", "n")
    assert_same(PQ, P @ Q, rtol=0)
