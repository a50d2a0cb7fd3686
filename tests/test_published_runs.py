"""Training runs that others printed are reproduced, and runs at another rate are not."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from experiments.published import circles, gradient_checking, logistic, moons, planar, two_layer
from experiments.published.cats import FILES, load
from experiments.published.command import DATA
from experiments.published.table import Row

pytestmark = pytest.mark.usefixtures("x64")

RUNS: dict[str, Callable[[], list[Row]]] = {
    "planar, seed 2": lambda: planar.cost_rows(2, planar.trained(4, 2, planar.LONG)),
    "planar, seed 3": lambda: planar.cost_rows(3, planar.trained(4, 3, planar.LONG)),
    "planar, accuracy": lambda: [planar.accuracy_row(4, planar.trained(4, 2, planar.STEPS))],
    "circles, He": lambda: circles.rows("He", circles.trained("He")),
    "circles, zeros": lambda: circles.rows("zeros", circles.trained("zeros", steps=100)),
    "moons, gradient descent": lambda: moons.cost_rows(
        "gradient descent", moons.trained("gradient descent", epochs=9001)
    ),
    "moons, momentum": lambda: moons.cost_rows("momentum", moons.trained("momentum", 1001)),
    "moons, Adam": lambda: moons.cost_rows("Adam", moons.trained("Adam", epochs=1001)),
    "gradient checking": lambda: gradient_checking.outcome(Path()).rows,
}
CATS: dict[str, Callable[[], list[Row]]] = {
    "logistic": lambda: logistic.cost_rows(logistic.trained(load(DATA)[0], steps=101)),
    "two layers": lambda: two_layer.cost_rows(two_layer.trained(load(DATA)[0], steps=101)),
}
WRONG: dict[str, Callable[[], list[Row]]] = {  # rates
    "planar": lambda: planar.cost_rows(2, planar.trained(4, 2, 1001, rate=1.201)),
    "circles": lambda: circles.he_costs(circles.trained("He", 1001, rate=0.0100000001)),
    "moons": lambda: moons.cost_rows("Adam", moons.trained("Adam", 1001, rate=0.000701)),
}


@pytest.mark.parametrize("name", RUNS)
def test_reproduced(name: str) -> None:
    rows = RUNS[name]()
    assert rows
    assert all(row.reproduced for row in rows), rows


@pytest.mark.parametrize("name", CATS)
@pytest.mark.skipif(
    not all((DATA / file).is_file() for file in FILES), reason=f"{FILES} are not in {DATA}"
)
def test_reproduced_on_cats(name: str) -> None:
    pytest.importorskip("h5py")
    rows = CATS[name]()
    assert [row.step for row in rows] == [0, 100]
    assert all(row.reproduced for row in rows), rows


@pytest.mark.parametrize("name", WRONG)
def test_another_rate_is_found(name: str) -> None:
    *_, last = WRONG[name]()
    assert last.step == 1000
    assert not last.reproduced
