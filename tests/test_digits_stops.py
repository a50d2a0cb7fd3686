"""A wrong gradient or a cost that is not finite stops the run: a message, exit code 1."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from experiments import digits
from experiments.digits import Config
from experiments.runs import StoppedError

NOT_TRAINED = (
    "the gradients of this network are wrong, or zero as those of dead units, and prove nothing; "
    "it was not trained: try other --sizes or another --seed"
)


@dataclasses.dataclass(frozen=True)
class Verdict:
    ok: bool

    def __str__(self) -> str:
        return "W[1] differs" if not self.ok else "all gradients agree"


@pytest.fixture
def wrong_gradients(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the check is given, which finds it wrong."""
    given: list[Any] = []

    def check(*args: Any) -> Verdict:
        given.append(args)
        return Verdict(ok=False)

    monkeypatch.setattr(digits, "check_network", check)
    return given


@pytest.mark.usefixtures("wrong_gradients")
def test_nothing_is_trained_with_wrong_gradients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert digits.main(["--sizes", "64", "10", "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert said.out == "gradients wrong   W[1] differs\n"
    assert said.err == f"digits: {NOT_TRAINED}\n"
    assert [path.name for path in out.iterdir()] == ["config.json"]


def test_the_very_network_is_checked(tmp_path: Path, wrong_gradients: list[Any]) -> None:
    with pytest.raises(StoppedError, match=NOT_TRAINED):
        digits.run(Config(sizes=(64, 5, 10), activation="tanh", out=tmp_path / "out"))
    ((net, params, X, Y),) = wrong_gradients
    assert [g.name for g in net.activations] == ["tanh", "softmax"]
    assert [layer["W"].shape for layer in params] == [(5, 64), (10, 5)]
    assert (X.shape, Y.shape) == ((64, 1438), (10, 1438))


def test_gradients_that_are_all_zeros_prove_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A softmax of one unit is 1 whatever it is given."""
    sizes = ["--sizes", "64", "1", "10", "--activation", "softmax"]
    assert digits.main([*sizes, "--out", str(tmp_path / "out")]) == 1
    assert "W[1]: the reference is all zeros: nothing is compared" in capsys.readouterr().out


def test_divergence_stops_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "check_network", lambda *_: Verdict(ok=True))
    out = tmp_path / "out"
    arguments = ["--learning-rate", "1e30", "--activation", "identity", "--sizes", "64", "4", "10"]
    assert digits.main([*arguments, "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert said.out == "gradients right   all gradients agree\n"
    assert said.err.startswith("digits: the cost of epoch 1 is nan, and ")
    assert said.err.endswith(f"try a smaller --learning-rate; the epochs before are in {out}\n")
