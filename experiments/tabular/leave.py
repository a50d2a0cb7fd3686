"""What a finished run leaves beside its checkpoints."""

from pathlib import Path
from typing import Any

from experiments.tabular import curves
from experiments.tabular.problem import Problem
from pure_nn import interop
from pure_nn.checkpoint import State

PREPARATION, WEIGHTS, FIGURE = "preparation.json", "weights.safetensors", "figure"
CHECKPOINTS = "checkpoints"


def leave(folder: Path, problem: Problem, state: State, history: list[dict[str, Any]]) -> None:
    """The weights, of the best epoch where it was looked for, and the figure"""
    params = state.params.get("best", state.params["now"])
    interop.save_weights(folder / WEIGHTS, problem.job.net, params)
    curves.save(folder / FIGURE, problem, params, history)
