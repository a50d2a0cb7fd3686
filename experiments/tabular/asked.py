"""What a run was asked for, read back from its folder."""

import json
from pathlib import Path
from typing import Any, get_type_hints

from experiments.engine.records import CONFIG
from experiments.runs import RefusedError
from experiments.tabular.config import Config


def read_config(folder: Path) -> Config:
    """RefusedError: a folder that no run of train left."""
    try:
        stated = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return Config(**{name: _typed(name, value) for name, value in stated.items()})
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise RefusedError(f"{folder}: expected the folder of a run of train: {error}") from None


def _typed(name: str, value: Any) -> Any:
    if value is not None and "Path" in str(get_type_hints(Config)[name]):
        return Path(value)
    return tuple(value) if isinstance(value, list) else value
