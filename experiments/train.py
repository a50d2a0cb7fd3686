"""Train a network on a table of your own; stop it and go on as you like."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import tyro
from rich.console import Console

from experiments import runs
from experiments.command import refusals_said
from experiments.engine.diverged import what_went_wrong
from experiments.engine.job import Examples, copied, start
from experiments.engine.loop import Diverged, Loop, Metrics
from experiments.engine.records import CONFIG, ENVIRONMENT, environment, recording, write_json
from experiments.engine.screen import say, shown
from experiments.runs import RefusedError, StoppedError
from experiments.tabular.asked import read_config
from experiments.tabular.config import Config, check, keys
from experiments.tabular.leave import CHECKPOINTS, PREPARATION, leave
from experiments.tabular.problem import Problem, posed
from pure_nn.checkpoint import DamagedError, Folder, State
from pure_nn.training.interrupt import Interrupt
from verify.networks import check_network

Seen = Callable[[Metrics], None]
EXAMPLES_TO_VERIFY = 64
ADVICE = "try a smaller --learning-rate, --clip 1, or --standardize"


@dataclasses.dataclass(frozen=True)
class Resume:
    """Go on with a run that was stopped or killed, to the same bits as if it had not been."""

    resume: Path
    """Folder of the run."""
    data: Path | None = None
    """Where its data are now; where they were unless given."""
    skip_damaged: bool = False
    """From the newest checkpoint that is whole, where later ones are damaged."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 1 stopped on the way, 2 refused."""
    with refusals_said("train") as outcome:
        config, resumed = _asked(arguments)
        with jax.enable_x64(config.dtype == "float64"):
            run(config, resumed)
    return outcome.code


def run(config: Config, resumed: Resume | None = None) -> State:
    """The last state of a new run, or of the resumed one from its last checkpoint on.

    RefusedError, CheckpointError, ValueError, TypeError: what cannot be run. StoppedError: a
    signal, a wrong gradient, a cost that is not finite.
    """
    check(config)
    problem, console = posed(config), Console()
    say(console, _described(problem))
    if problem.preparation.constant == problem.preparation.names:
        raise RefusedError("all features are constant in the training rows: nothing can be learned")
    folder = resumed.resume if resumed else _begun(config, problem, console)
    begin = start(problem.job, problem.params, keys(config)[2], problem.identity(config))
    with Folder(folder / CHECKPOINTS, keep=config.keep) as saved:
        state = _gone_back(saved, begin, resumed) or copied(begin)
        try:
            return _run(config, problem, folder, saved, (begin, state), console)
        except OSError as error:
            raise StoppedError(
                f"{error}; what was trained is in {folder}; make room, and go on with: train "
                f"--resume {folder}"
            ) from error


def _begun(config: Config, problem: Problem, console: Console) -> Path:
    """The folder of a new run"""
    if config.out is not None and config.out.exists():
        runs.create("train", config.out)  # refused, before anything is computed
    _verified(config, problem, console)
    folder = runs.create("train", config.out)
    write_json(folder / CONFIG, dataclasses.asdict(config) | {"data": config.data.resolve()})
    write_json(folder / ENVIRONMENT, environment())
    write_json(folder / PREPARATION, json.loads(problem.preparation.to_json()))
    return folder


def _gone_back(saved: Folder, begin: State, resumed: Resume | None) -> State | None:
    skip = resumed is not None and resumed.skip_damaged
    try:
        return saved.latest(begin, skip_damaged=skip)
    except DamagedError as error:
        raise RefusedError(str(error).replace("skip_damaged=True", "--skip-damaged")) from error


def _run(
    config: Config,
    problem: Problem,
    folder: Path,
    saved: Folder,
    states: tuple[State, State],
    console: Console,
) -> State:
    job, score, (begin, state) = problem.job, problem.score, states
    with (
        recording(folder, score, state.epoch) as records,
        shown(console, folder.name, score, job.epochs, state.epoch) as show,
        Interrupt() as stop,
    ):
        examples, seen = Examples(problem.training), _both(records.add, show)
        data = examples, problem.validation, problem.measure
        loop = Loop(job, *data, saved, seen, stop, config.checkpoint_seconds)
        try:
            state, done = loop.run(state)
        except Diverged as error:
            said = what_went_wrong(error, saved.latest(begin), job, examples, folder)
            raise StoppedError(f"{said}; {ADVICE}") from None
    if not done:
        raise StoppedError(f"saved at epoch {state.epoch}; go on with: train --resume {folder}")
    leave(folder, problem, state, records.history)
    _say_why_it_ended(console, job.patience, state)
    say(console, f"config, metrics, checkpoints, weights and figures are in {folder}")
    return state


def _say_why_it_ended(console: Console, patience: int | None, state: State) -> None:
    if patience is None:
        return
    best = f"the weights are those of epoch {state.extra['best_epoch']}"
    if state.extra["waited"] >= patience:
        best = f"no lower validation cost in {patience} epochs: stopped after {state.epoch}; {best}"
    say(console, best)


def _both(first: Seen, second: Seen) -> Seen:
    def seen(metrics: Metrics) -> None:
        first(metrics)
        second(metrics)

    return seen


def _asked(arguments: Sequence[str]) -> tuple[Config, Resume | None]:
    if any(a == "--resume" or a.startswith("--resume=") for a in arguments):
        asked = tyro.cli(Resume, prog="python -m experiments train", args=arguments)
        config = read_config(asked.resume)
        return dataclasses.replace(config, data=asked.data or config.data), asked
    return tyro.cli(Config, prog="python -m experiments train", args=arguments), None


def _described(problem: Problem) -> str:
    n, m = problem.training.X.shape
    held = 0 if problem.validation is None else problem.validation.X.shape[1]
    balance = problem.balance or {}
    classes = "".join(f"   {label}: {count}" for label, count in list(balance.items())[:12])
    more = f"   … {len(balance) - 12} more" if len(balance) > 12 else ""
    said = f"{problem.preparation.task}: {m} examples of {n} features to train on, {held} to judge"
    constant = ", ".join(problem.preparation.constant[:12])
    left_out = f"\nconstant features tell nothing, and become 0: {constant}" if constant else ""
    return said + classes + more + left_out


def _verified(config: Config, problem: Problem, console: Console) -> None:
    if not config.verify:
        return
    some = (x[:, :EXAMPLES_TO_VERIFY] for x in problem.training)
    checked = check_network(problem.job.net, problem.params, *some)
    say(console, f"gradients {'right' if checked.ok else 'wrong'}   {checked}")
    if not checked.ok:
        raise StoppedError(
            "the gradients of this network are wrong, or zero as those of dead units, and prove "
            "nothing; it was not trained: try other --sizes, another --seed, or --no-verify"
        )
