"""How far the exhaustive proof has come: a small JSON file, replaced as a whole.

schema       "pure_nn.verify.exhaustive/1"
fingerprint  of all that the result hangs on: the code, the versions, the machine, the functions
done         the numbers of the blocks that are proven
found        the worst of each function so far: [error, bits of z, usual]
"""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pure_nn
import verify
from verify.proof.exhaustive import Found

SCHEMA = "pure_nn.verify.exhaustive/1"
PACKAGES = ("jax", "jaxlib", "numpy")


@dataclasses.dataclass
class State:
    """Blocks that are proven, what was found in them, and a word on where it comes from."""

    path: Path
    fingerprint: str
    done: set[int] = dataclasses.field(default_factory=set)
    found: dict[str, Found] = dataclasses.field(default_factory=dict)
    note: str = ""

    def add(self, number: int, found: dict[str, Found]) -> None:
        self.done.add(number)
        for name, worst in found.items():
            self.found[name] = self.found.get(name, Found()).worse(worst)

    def save(self) -> None:
        """Written beside it and moved there, so that a stop at any moment leaves a whole file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {"schema": SCHEMA, "fingerprint": self.fingerprint}
        content |= {"done": sorted(self.done), "found": self.found}
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(name, self.path)


def load(path: Path, fingerprint: str) -> State:
    """The state in a file; a new one if the file is missing, or of something else.

    ValueError: the file is there, and is no state.
    """
    if not path.exists():
        return State(path, fingerprint)
    content = _read(path)
    if content["fingerprint"] != fingerprint:
        note = f"{path} is of other code, versions or functions: started again."
        return State(path, fingerprint, note=note)
    found = {name: Found(*worst) for name, worst in content["found"].items()}
    done = set(content["done"])
    return State(path, fingerprint, done, found, f"Goes on from {path}.")


def _read(path: Path) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(
            f"--state {path}: expected the state of an exhaustive proof, got another file; remove "
            "it, or name another"
        )
    return content


def fingerprint(chosen: Sequence[str], device: str) -> str:
    """Of the code of pure_nn and of what judges it, the versions, the machine and the functions"""
    here = Path(verify.__file__).parent
    judges = [here / "accuracy.py", here / "sweeps.py", *(here / "proof").glob("*.py")]
    sources = sorted([*Path(pure_nn.__file__).parent.glob("*.py"), *judges])
    parts = [path.read_bytes() for path in sources]
    parts += [f"{name} {importlib.metadata.version(name)}".encode() for name in PACKAGES]
    parts += [part.encode() for part in (platform.platform(), platform.processor(), device)]
    return hashlib.sha256(b"\0".join([*parts, *(name.encode() for name in chosen)])).hexdigest()


def default_path() -> Path:
    """In the user's cache"""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "pure_nn" / "exhaustive.json"
