"""What a finished run leaves beside its checkpoints, and what is said of one that diverged."""

from pathlib import Path
from typing import Any

from experiments.engine.diverged import first_nonfinite
from experiments.engine.job import Examples
from experiments.engine.loop import Diverged
from experiments.tabular import curves
from experiments.tabular.problem import Problem
from pure_nn import interop
from pure_nn.checkpoint import Folder, State

PREPARATION, WEIGHTS, FIGURE = "preparation.json", "weights.safetensors", "figure"
CHECKPOINTS = "checkpoints"


def leave(folder: Path, problem: Problem, state: State, history: list[dict[str, Any]]) -> None:
    """The weights, of the best epoch where it was looked for, and the figure"""
    params = state.params.get("best", state.params["now"])
    interop.save_weights(folder / WEIGHTS, problem.job.net, params)
    curves.save(folder / FIGURE, problem, params, history)


def what_went_wrong(
    problem: Problem, saved: Folder, begin: State, error: Diverged, folder: Path
) -> str:
    """Where it began, by a replay from the last checkpoint, and what to do."""
    kept = saved.latest(begin)
    if kept is None:
        return f"{error}; nothing was saved before it"
    found = first_nonfinite(problem.job, kept, Examples(problem.training))
    where = f"; first not finite: {found}" if found else ""
    return (
        f"{error}{where}; the last finite checkpoint, of epoch {kept.epoch}, is kept in {folder}; "
        "try a smaller --learning-rate, --clip 1, or --standardize"
    )
