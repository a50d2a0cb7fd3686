"""Published unit checks of the course are met to the printed digits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from course import DRIVERS, RELU, arrays, layers

import pure_nn

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "unit_vectors.json"
CHECKS = {check["id"]: check for check in json.loads(FILE.read_text())} if FILE.exists() else {}
PRINTED = 5e-9  # half a unit of the eighth decimal; arrays that print a "0." claim 0.5

pytestmark = [
    pytest.mark.usefixtures("x64"),
    pytest.mark.skipif(not CHECKS, reason=f"the published unit checks are not at {FILE}"),
]


@pytest.mark.parametrize("name", DRIVERS)
def test_printed_digits(name: str) -> None:
    """Up to 1e-12: the printed costs themselves come from log(1 − A), which loses so much."""
    check = CHECKS[name]
    got = DRIVERS[name](arrays(check["inputs"]))
    for key, expected in check["expected"].items():
        assert np.shape(got[key]) == np.shape(expected)
        error, printed = np.abs(got[key] - np.asarray(expected)), check["print_half_ulp"][key]
        assert np.max(error) <= max(min(printed, PRINTED), 1e-12 * np.max(np.abs(expected))), key


def test_a_wrong_gradient_would_be_found() -> None:
    """A − Y does not give the numbers of caches that no forward pass made."""
    check: Any = CHECKS["L_model_backward_2021"]
    given = arrays(check["inputs"])
    A = (given["A0"], given["A1"], given["AL"])
    cache = pure_nn.Cache((None, given["Z1"], given["Z2"]), A)
    net = pure_nn.Network((RELU, "sigmoid"))
    grads, _ = pure_nn.backward(net, layers(given), cache, given["Y"])
    assert not np.allclose(grads[1]["W"], check["expected"]["dW2"], rtol=0, atol=1e-2)
