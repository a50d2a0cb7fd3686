"""Evaluate a finished run on a table with targets."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import tyro

from experiments.command import refusals_said, with_its_dtype
from experiments.engine.job import Part
from experiments.engine.measures import classified, regressed
from experiments.tabular.asked import read_config
from experiments.tabular.trained import Trained, trained
from pure_nn import data


@dataclasses.dataclass(frozen=True)
class Config:
    """Evaluate a finished run of train."""

    run: tyro.conf.Positional[Path]
    """Folder of the run."""
    data: Path
    """File with one example per row, the features of training, and the target."""
    target: str | None = None
    """Its column or array with the truth; that of training unless given."""
    json: bool = False
    """As JSON."""


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 2 refused."""
    config = tyro.cli(Config, prog="python -m experiments evaluate", args=arguments)
    with refusals_said("evaluate") as outcome:
        found = run(config)
        lines = (f"{name:<10}{_shown(x)}".rstrip() for name, x in found.items())
        print(json.dumps(found) if config.json else "\n".join(lines))
    return outcome.code


def run(config: Config) -> dict[str, Any]:
    """examples, cost, and accuracy with the right ones of each class, or R2

    RefusedError, ValueError, TypeError: what cannot be evaluated.
    """
    with with_its_dtype(config.run):
        found = trained(config.run)
        target = config.target or read_config(config.run).target
        table = data.table(data.read(config.data), target, found.preparation.names)
        y = _as_trained(np.asarray(table.target), found.preparation.classes)
        dtype = found.params[0]["W"].dtype.name
        X = found.preparation.X(table.rows, dtype, table.lines)
        Y = found.preparation.Y(y, dtype)
        part = Part(jnp.asarray(X), jnp.asarray(Y))
        if found.preparation.task == "regression":
            J, score = regressed(found.net, found.params, part)
            return {"examples": len(y), "cost": J, "R2": score}
        J, score = classified(found.net, found.params, part)
        right = _right_of_each(found, table.rows, part)
        return {"examples": len(y), "cost": J, "accuracy": score, "classes": right}


def _as_trained(y: Any, classes: Sequence[Any]) -> Any:
    """Labels as text where those of training were, of which a file may hold only the numbers"""
    of_text = bool(classes) and isinstance(classes[0], str)
    return y.astype(str) if of_text and y.dtype.kind in "biu" else y


def _right_of_each(found: Trained, rows: Any, part: Part) -> dict[str, list[int]]:
    """Of each class, how many are right and how many there are"""
    predicted = found.preparation.labels(found.predict(rows))
    true = found.preparation.labels(np.asarray(part.Y))
    return {
        str(c): [int(np.sum((true == c) & (predicted == c))), int(np.sum(true == c))]
        for c in found.preparation.classes
    }


def _shown(x: Any) -> str:
    if isinstance(x, dict):
        return "".join(f"\n  {c}: {right} of {all_}" for c, (right, all_) in x.items())
    return "undefined: the targets are all the same" if x is None else f"{x:.6g}"
