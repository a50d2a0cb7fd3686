"""The proof as JSON, for programs: `python -m verify --json FILE`.

`schema.json`, beside this file, says what each field means. The number at the end of `SCHEMA` goes
up when one changes its meaning.
"""

import importlib.metadata
import json
import math
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from verify.accuracy import Accuracy
from verify.cases import How, Judged
from verify.proof.run import Result
from verify.rows import rows

SCHEMA = "pure_nn.verify.proof/1"
PACKAGES = ("pure_nn", "jax", "jaxlib", "numpy", "optax", "mpmath")


def record(
    result: Result,
    exhaustive: Sequence[Accuracy] | None,
    options: Mapping[str, Any],
    device: str,
    seconds: float,
) -> dict[str, Any]:
    """What `json.dumps` takes."""
    ok = result.ok and all(row.ok for row in exhaustive or ())
    errors = [
        _error(i, how, judged) for i, of in result.errors.items() for how, judged in of.items()
    ]
    return {
        "schema": SCHEMA,
        "ok": ok,
        "seconds": round(seconds, 3),
        "options": dict(options),
        "environment": environment(device),
        "errors": errors,
        "digits": [_digits(row) for row in result.digits],
        "exhaustive": None if exhaustive is None else [_digits(row) for row in exhaustive],
    }


def environment(device: str) -> dict[str, Any]:
    versions = {name: _version(name) for name in PACKAGES}
    machine = {"platform": platform.platform(), "cores": os.cpu_count(), "device": device}
    return {"python": platform.python_version(), **versions, **machine}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"  # but on the path, as a checkout is


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all"""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False, allow_nan=False)
        file.write("\n")
    os.replace(name, path)


def _error(number: int, how: How, judged: Judged) -> dict[str, Any]:
    row, ours = rows()[number], judged.ours
    return {
        "section": row.section,
        "name": row.case.name,
        "dtype": how.dtype,
        "compiled": how.compiled,
        "ok": judged.ok,
        "error": _number(ours.error),
        "ulps": _number(judged.ulps),
        "autodiff_ulps": None if judged.is_by_autodiff else _number(judged.autodiff_ulps),
        "where": ours.where,
        "index": list(ours.index),
        "got": _number(ours.got),
        "expected": _number(ours.expected),
        "entries": ours.entries,
        "fault": ours.fault,
    }


def _digits(row: Accuracy) -> dict[str, Any]:
    return {
        "name": row.name,
        "dtype": row.dtype,
        "inputs": row.inputs,
        "ok": row.ok,
        "error": _number(row.error),
        "usual": _number(row.usual),
        "limit": row.limit,
        "at": row.at,
    }


def _number(x: float) -> float | str:
    return float(x) if math.isfinite(x) else str(float(x))
