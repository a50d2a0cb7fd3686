"""`python -m experiments mnist`: images found or fetched, a network trained, and tested once."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console

import pure_nn
from experiments import runs
from experiments.engine.loop import Metrics
from experiments.engine.records import CONFIG, ENVIRONMENT, environment, recording, write_json
from experiments.engine.screen import say, shown
from experiments.mnist import drawing, loop
from experiments.mnist.config import LARGE, Config, check
from experiments.mnist.download import DownloadError, download
from experiments.mnist.files import TEST, TRAIN, Images, load
from experiments.runs import RefusedError, StoppedError
from pure_nn import interop, training
from pure_nn.checkpoint import CheckpointError, Folder, State
from pure_nn.data import DataError
from pure_nn.training.interrupt import Interrupt
from verify.networks import check_network

PROG = "python -m experiments mnist"
CHECKPOINTS, WEIGHTS, RESULT = "checkpoints", "weights.safetensors", "test.json"
IMAGES_TO_VERIFY = 64
REFUSED = (RefusedError, CheckpointError, DownloadError, DataError, OSError)


@dataclasses.dataclass(frozen=True)
class Resume:
    """Go on with a run that was stopped or killed, to the same bits as if it had not been."""

    resume: Path
    """Folder of the run."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 1 stopped on the way, 2 refused."""
    try:
        run(*_asked(arguments))
    except (*REFUSED, StoppedError) as error:
        print(f"mnist: {error}", file=sys.stderr)
        return 1 if isinstance(error, StoppedError) else 2
    return 0


def run(config: Config, folder: Path | None = None) -> float:
    """The test accuracy of a new run, or of the one in `folder` from its last checkpoint on.

    RefusedError, CheckpointError, DownloadError, DataError, OSError: what cannot be run.
    StoppedError: a signal, a wrong gradient, a cost that is not finite.
    """
    check(config)
    console = Console()
    if config.download is not None:
        download(config.download, lambda text: say(console, text))
    place = config.download or config.data
    images, validation = _held_out(config, load(place, TRAIN))
    test = load(place, TEST)
    if folder is None:
        _verify(config, images, console)
        folder = runs.create("mnist", config.out)
        write_json(folder / CONFIG, dataclasses.asdict(config))
        write_json(folder / ENVIRONMENT, environment())
    with Folder(folder / CHECKPOINTS, keep=2) as saved:
        state, history = _trained(config, images, validation, folder, saved, console)
    return _tested(config, state, test, history, folder, console)


def _asked(arguments: Sequence[str]) -> tuple[Config, Path | None]:
    if any(a == "--resume" or a.startswith("--resume=") for a in arguments):
        folder = tyro.cli(Resume, prog=PROG, args=arguments).resume
        return read_config(folder), folder
    default = LARGE if "--large" in arguments else Config()
    return tyro.cli(Config, default=default, prog=PROG, args=arguments), None


def read_config(folder: Path) -> Config:
    """What the run in `folder` was asked for."""
    try:
        stated = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        paths = {n: Path(stated[n]) for n in ("data", "download", "out") if stated[n] is not None}
        return Config(**stated | paths | {"sizes": tuple(stated["sizes"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RefusedError(f"{folder}: expected the folder of a run of mnist: {error}") from None


def _held_out(config: Config, images: Images) -> tuple[Images, Images | None]:
    m = images.X.shape[1] - config.validation
    if m < config.batch_size:
        raise RefusedError(
            f"--batch-size: expected at most {max(m, 0):,}, the images to train on, got "
            f"{config.batch_size:,}"
        )
    if config.validation == 0:
        return images, None
    return Images(*(x[:, :m] for x in images)), Images(*(x[:, m:] for x in images))


def _verify(config: Config, images: Images, console: Console) -> None:
    if not config.verify:
        return
    params = loop.begin(config, images).params["now"]
    some = (x[:, :IMAGES_TO_VERIFY] for x in images)
    checked = check_network(config.network, params, *some)
    say(console, f"gradients {'right' if checked.ok else 'wrong'}   {checked}")
    if not checked.ok:
        raise StoppedError(
            "the gradients of this network are wrong, or zero as those of dead units, and prove "
            "nothing; it was not trained: try other --sizes, another --seed, or --no-verify"
        )


def _trained(
    config: Config,
    images: Images,
    validation: Images | None,
    folder: Path,
    saved: Folder,
    console: Console,
) -> tuple[State, list[dict[str, object]]]:
    done = saved.latest(loop.begin(config, images))
    epochs_done = 0 if done is None else done.epoch
    with (
        recording(folder, "accuracy", epochs_done) as records,
        shown(console, folder.name, "accuracy", config.epochs, epochs_done) as show,
        Interrupt() as stop,
    ):

        def seen(metrics: Metrics) -> None:
            records.add(metrics)
            show(metrics)

        state = loop.run(config, images, validation, saved, seen, stop)
    return state, records.history


def _tested(
    config: Config,
    state: State,
    test: Images,
    history: list[dict[str, object]],
    folder: Path,
    console: Console,
) -> float:
    """For the first and only time: nothing was chosen by the test images."""
    net, params = config.network, state.params["now"]
    cost, accuracy = map(float, training.evaluate(net, params, *test))
    write_json(folder / RESULT, {"test_cost": cost, "test_accuracy": accuracy})
    interop.save_weights(folder / WEIGHTS, net, params)
    Yhat = pure_nn.predict(net, params, test.X)
    drawing.save(folder, history, test, np.asarray(Yhat))
    say(console, f"test accuracy {accuracy:.2%}   cost {cost:.5f}")
    say(console, f"config, metrics, checkpoints, weights and figures are in {folder}")
    return accuracy
