"""Examples sharded over devices: unchanged code, the same gradients to rounding."""

import jax
import pytest
from helpers import SIZES, as_jax, assert_same, numpy_data, numpy_params
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import pure_nn


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
