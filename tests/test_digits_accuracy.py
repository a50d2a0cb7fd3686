"""The promise of the experiment: a median test accuracy of 97 % and more, as it comes."""

import statistics
from pathlib import Path

import pytest

from experiments import digits, figures


def test_the_median_of_five_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "save", lambda *_: None)  # five pictures take longer to draw
    accuracies = digits.run(digits.Config(seeds=5, out=tmp_path / "out"))
    assert len(accuracies) == 5
    assert statistics.median(accuracies) >= 0.97
    *_, each, median, place = capsys.readouterr().out.splitlines()
    assert each.split() == ["test", "accuracies", *(f"{a:.2%}" for a in accuracies)]
    assert median.split() == ["median", f"{statistics.median(accuracies):.2%}"]
    assert place == f"config, metrics, parameters and figure are in {tmp_path / 'out' / 'seed-*'}"
