"""A run of one's own table: what it leaves, how it goes on, and what it refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from experiments import compare, evaluate, predict, show, train
from experiments.engine.records import history
from pure_nn.training.interrupt import Interrupt

ROOT = Path(__file__).resolve().parents[1]
CLOCK = ("seconds", "examples_per_second")


def write(path: Path, m: int = 60, classes: bool = True) -> Path:
    """Three classes around three points, or a number that is a sum."""
    rng = np.random.default_rng(0)
    labels = np.arange(m) % 3
    rows = rng.normal(size=(m, 2)) + 3 * np.stack([np.cos(labels), np.sin(labels)], axis=1)
    targets = [f"kind {k}" for k in labels] if classes else (rows.sum(axis=1) / 7).tolist()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "second", "target"])
        writer.writerows([*row, t] for row, t in zip(rows.tolist(), targets, strict=True))
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "table.csv")


def settings(table: Path, out: Path, *more: str) -> list[str]:
    asked = ["--data", table, "--target", "target", "--epochs", "12", "--sizes", "6"]
    asked += ["--learning-rate", "0.02", "--no-verify", "--out", out]
    return [*map(str, asked), *more]


def same_bits(a: Path, b: Path) -> bool:
    """Weights and metrics, times apart."""
    weights = [(run / "weights.safetensors").read_bytes() for run in (a, b)]
    metrics = [[{k: v for k, v in m.items() if k not in CLOCK} for m in history(r)] for r in (a, b)]
    return weights[0] == weights[1] and metrics[0] == metrics[1]


def test_all_at_once_diverges_with_its_layer_named(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The only step of an epoch leaves weights whose validation is not finite."""
    asked = ["--batch-size", "None", "--optimizer", "sgd", "--learning-rate", "1e30"]
    assert train.main([*settings(table, tmp_path / "run"), *asked]) == 1
    said = capsys.readouterr().err
    assert "the validation cost after step 1 of epoch 1 is" in said
    assert "first not finite: Z[" in said
    assert "at step 1 of epoch 2" in said


def test_one_held_out_number_has_no_score(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i / 7}\n" for i in range(6)))
    asked = ["--data", str(path), "--target", "y", "--batch-size", "4", "--epochs", "2"]
    assert train.main([*asked, "--no-verify", "--out", str(tmp_path / "run")]) == 0
    assert all({"validation_cost"} <= m.keys() for m in history(tmp_path / "run"))
    assert not any("validation_R2" in m for m in history(tmp_path / "run"))
    assert evaluate.run(evaluate.Config(tmp_path / "run", path))["R2"] is not None
    first = tmp_path / "one.csv"
    first.write_text("x,y\n1,2.5\n")
    assert evaluate.run(evaluate.Config(tmp_path / "run", first))["R2"] is None


def test_the_last_checkpoint_predicts_where_a_run_ended_early(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = tmp_path / "run", tmp_path / "p.csv"
    asked = ["--optimizer", "sgd", "--learning-rate", "1e30", "--sizes", "6"]
    assert train.main([*settings(table, run), *asked]) == 1
    assert predict.main([str(run), "--data", str(table), "--out", str(out)]) == 0
    assert "is not finished: what it saved in epoch 1 is used" in capsys.readouterr().err
    assert len(read(out)) == 60


def test_patience_says_whose_weights_are_kept(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    asked = ["--patience", "1", "--learning-rate", "0.5"]
    assert train.main([*settings(table, run), *asked]) == 0
    costs = [m["validation_cost"] for m in history(run)]
    assert len(costs) < 12
    best = 1 + int(np.argmin(costs))
    said = capsys.readouterr().out
    assert f"stopped after {len(costs)}; the weights are those of epoch {best}\n" in said


def test_a_damaged_checkpoint_is_skipped_where_that_is_asked(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train.main([*settings(table, run), "--checkpoint-seconds", "0"]) == 0
    newest = max(p for p in (run / "checkpoints").iterdir() if p.is_dir())
    largest = max((p for p in newest.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:10])
    assert train.main(["--resume", str(run)]) == 2
    assert "--skip-damaged goes back to it" in capsys.readouterr().err
    assert train.main(["--resume", str(run), "--skip-damaged"]) == 0


def test_a_run_goes_on_from_elsewhere(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert train.main(settings(Path("table.csv"), Path("run"))) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert train.main(["--resume", "../run"]) == 0
    moved = table.rename(tmp_path / "moved.csv")
    assert train.main(["--resume", "../run"]) == 2
    assert train.main(["--resume", "../run", "--data", str(moved)]) == 0


def test_labels_that_look_like_numbers_are_those_of_training(tmp_path: Path) -> None:
    path, part = tmp_path / "t.csv", tmp_path / "part.csv"
    lines = [f"{i % 5},{label}\n" for i in range(8) for label in ("1", "2", "x")]
    path.write_text("a,y\n" + "".join(lines))
    part.write_text("a,y\n" + "".join(line for line in lines if "x" not in line))
    run = tmp_path / "run"
    asked = ["--data", str(path), "--target", "y", "--batch-size", "4", "--epochs", "1"]
    assert train.main([*asked, "--no-verify", "--validation", "0", "--out", str(run)]) == 0
    assert evaluate.run(evaluate.Config(run, part))["classes"].keys() == {"1", "2", "x"}


def test_constant_features_alone_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "flat.csv"
    path.write_text("x,y\n" + "".join(f"3,{'ab'[i % 2]}\n" for i in range(10)))
    asked = ["--data", str(path), "--target", "y", "--epochs", "1", "--batch-size", "None"]
    assert train.main([*asked, "--out", str(tmp_path / "run")]) == 2
    assert "all features are constant" in capsys.readouterr().err


def test_ctrl_c_before_training_is_a_line(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(train, "check_network", interrupted)
    assert train.main([*settings(table, tmp_path / "run"), "--verify"]) == 1
    assert capsys.readouterr().err.endswith("train: stopped; nothing was left to save\n")


def test_constant_features_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flat.csv"
    path.write_text("x,flat,y\n" + "".join(f"{i},3,{'ab'[i % 2]}\n" for i in range(10)))
    asked = ["--data", str(path), "--target", "y", "--epochs", "1", "--no-verify"]
    assert train.main([*asked, "--out", str(tmp_path / "run")]) == 0  # fewer than a batch
    assert "\nconstant features tell nothing, and become 0: flat\n" in capsys.readouterr().out


def test_the_row_of_the_table_is_named(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not that of the shuffled part, be it trained on or held out."""
    for row in (0, 1, 2, 59):
        lines = write(table).read_text().splitlines()
        lines[row + 1] = "-1e300,0," + lines[row + 1].split(",")[2]
        table.write_text("\n".join(lines))
        assert train.main([*settings(table, tmp_path / "run"), "--no-standardize"]) == 2
        assert f"in row {row} (from 0), line {row + 2} of the file is -1e+300" in (
            capsys.readouterr().err
        )


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_every_class_is_trained_on(
    seed: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even one that is there once, which a split without regard to classes often holds out."""
    table.write_text(table.read_text() + "9,9,rare\n")
    assert train.main([*settings(table, tmp_path / "run"), "--seed", seed, "--epochs", "1"]) == 0
    said = capsys.readouterr().out
    assert "49 examples of 2 features to train on, 12 to judge" in said
    assert "kind 0: 16   kind 1: 16   kind 2: 16   rare: 1" in said


def test_from_a_table_to_predictions(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train.main([*settings(table, run), "--verify"]) == 0
    assert "gradients right" in capsys.readouterr().out
    left = {p.name.split(".")[0] for p in run.iterdir()}
    assert left >= {
        "config",
        "environment",
        "metrics",
        "events",
        "figure",
        "weights",
        "checkpoints",
    }
    assert len(history(run)) == 12
    assert predict.main([str(run), "--data", str(table), "--out", str(tmp_path / "p.csv")]) == 0
    rows = read(tmp_path / "p.csv")
    p = np.array([[float(row[f"p(kind {k})"]) for k in range(3)] for row in rows])
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert [row["predicted"] for row in rows] == [f"kind {k}" for k in p.argmax(axis=1)]
    capsys.readouterr()
    assert evaluate.main([str(run), "--data", str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    right = np.mean([row["predicted"] == f"kind {i % 3}" for i, row in enumerate(rows)])
    assert found["accuracy"] == pytest.approx(right, rel=1e-6)
    assert right > 0.6
    assert show.main([str(run)]) == 0
    assert (run / "show.svg").exists()


def test_runs_are_compared(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, rate in (("slow", "0.001"), ("fast", "0.05")):
        asked = settings(table, tmp_path / name)
        assert train.main([*asked, "--learning-rate", rate]) == 0
    capsys.readouterr()
    runs = [str(tmp_path / name) for name in ("slow", "fast")]
    assert compare.main([*runs, "--out", str(tmp_path / "both")]) == 0
    said = capsys.readouterr().out
    assert "learning_rate" in said
    assert "batch_size" not in said
    assert (tmp_path / "both.png").exists()


def test_numbers_are_predicted_in_their_own_units(tmp_path: Path) -> None:
    table, run = write(tmp_path / "numbers.csv", classes=False), tmp_path / "run"
    assert train.main([*settings(table, run), "--epochs", "60", "--dtype", "float64"]) == 0
    found = evaluate.run(evaluate.Config(run, table))
    assert found["R2"] > 0.9
    assert predict.main([str(run), "--data", str(table), "--out", str(tmp_path / "p.npz")]) == 0
    with np.load(tmp_path / "p.npz", allow_pickle=False) as predicted:
        assert predicted["predicted"].dtype == np.float64
        truth = np.array([float(row["target"]) for row in read(table)])
        left = np.sum((predicted["predicted"] - truth) ** 2)
    assert 1 - left / np.sum((truth - np.mean(truth)) ** 2) == pytest.approx(found["R2"])


@pytest.mark.parametrize("more", [[], ["--dropout", "0.3", "--patience", "5", "--clip", "1"]])
def test_a_stopped_run_goes_on_to_the_same_bits(
    table: Path, tmp_path: Path, more: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train.main(settings(table, tmp_path / "whole", *more)) == 0

    class After(Interrupt):
        """Asked to stop at the call of this number."""

        calls = 0

        def __bool__(self) -> bool:
            self.calls += 1
            return self.calls > 5

    stopped = tmp_path / "stopped"
    monkeypatch.setattr(train, "Interrupt", After)
    codes = [train.main(settings(table, stopped, *more))]
    while codes[-1] == 1 and len(codes) < 20:
        codes.append(train.main(["--resume", str(stopped)]))
    assert len(codes) > 3
    assert set(codes[:-1]) == {1}
    assert codes[-1] == 0
    assert same_bits(tmp_path / "whole", stopped)
    assert train.main(settings(table, tmp_path / "other", *more, "--seed", "1")) in (0, 1)


def test_a_killed_run_goes_on_to_the_same_bits(table: Path, tmp_path: Path) -> None:
    """SIGKILL at random instants, after every call a checkpoint; SIGTERM ends with a message."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    more = ["--checkpoint-seconds", "0", "--epochs", "40", "--dropout", "0.2"]
    assert train.main(settings(table, whole, *more)) == 0
    asked = settings(table, killed, *more)
    for number in (signal.SIGKILL, signal.SIGTERM):
        _signal_when_it_runs(asked, killed, number)
        asked = ["--resume", str(killed)]
    assert not (killed / "weights.safetensors").exists(), "the signals came too late to test"
    assert train.main(asked) == 0
    assert same_bits(whole, killed)


def _signal_when_it_runs(asked: list[str], folder: Path, number: signal.Signals) -> None:
    before = _checkpoints(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", "train", *asked],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )
    while process.poll() is None and len(_checkpoints(folder) - before) < 2:
        time.sleep(0.001)
    process.send_signal(number)
    _, said = process.communicate()
    expected = {signal.SIGKILL: b"", signal.SIGTERM: b"go on with: train --resume"}[number]
    assert expected in said, said.decode()


def _checkpoints(folder: Path) -> set[str]:
    return {p.name for p in (folder / "checkpoints").glob("0*[0-9]")}


def test_a_run_that_diverges_says_where(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    wild = [*settings(table, run), "--learning-rate", "1e30", "--optimizer", "sgd"]
    assert train.main(wild) == 1
    said = capsys.readouterr().err
    assert "first not finite: " in said
    assert "of epoch 1" in said
    assert "the last finite checkpoint, of epoch 0, is kept" in said
    assert _checkpoints(run)


def altered(table: Path, old: str, new: str) -> None:
    table.write_text(table.read_text().replace(old, new, 1))


def test_other_data_are_not_gone_on_with(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train.main(settings(table, run)) == 0
    altered(table, "kind 1", "kind 2")
    assert train.main(["--resume", str(run)]) == 2
    assert "data" in capsys.readouterr().err


REFUSED: dict[str, tuple[list[str], str]] = {
    "a target that is not there": (["--target", "price"], "price"),
    "a batch of more than there are": (["--batch-size", "99"], "--batch-size: expected at most 48"),
    "patience without examples to judge": (
        ["--validation", "0", "--patience", "3"],
        "--patience: expected None, as --validation 0 leaves nothing to judge by, got 3",
    ),
    "a share that holds all out": (
        ["--task", "classes", "--target", "first", "--features", "second"],
        "--validation: expected a share with at least one example on either side, got 0.2 of 60, "
        "no two of one class; 0 holds none out",
    ),
    "the target as a feature": (["--features", "first", "target"], "--features: expected columns"),
    "a feature twice": (
        ["--features", "first", "first"],
        "features: expected each of them once, got 'first' 2 times",
    ),
    "nothing to drop": (["--sizes", "--dropout", "0.5"], "--dropout: expected 0"),
    "an unknown optimizer": (["--optimizer", "lion"], "--optimizer: expected one of sgd, "),
    "a file that is not there": (["--data", "none.csv"], "none.csv"),
    "a folder that is there": (["--out", "."], "exists and is not overwritten"),
}


@pytest.mark.usefixtures("as_installed")
@pytest.mark.parametrize("name", REFUSED)
def test_refused(
    name: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more, message = REFUSED[name]
    assert train.main([*settings(table, tmp_path / "run"), *more]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("train: ")
    assert not (tmp_path / "run").exists()


def test_prediction_refuses_what_training_did_not_see(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = str(tmp_path / "run"), tmp_path / "other.csv"
    assert train.main(settings(table, tmp_path / "run")) == 0
    other.write_text("first,target\n1,kind 0\n")
    assert predict.main([run, "--data", str(other), "--out", str(tmp_path / "p.csv")]) == 2
    assert "second" in capsys.readouterr().err
    other.write_text("first,second,target\n1,2,kind 9\n")
    assert evaluate.main([run, "--data", str(other)]) == 2
    assert "kind 9" in capsys.readouterr().err
    assert (
        predict.main([str(tmp_path), "--data", str(table), "--out", str(tmp_path / "p.csv")]) == 2
    )
    assert "which a run of train leaves" in capsys.readouterr().err
