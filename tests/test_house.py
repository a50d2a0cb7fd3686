"""Imports run downwards only, and no function or file outgrows the page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("pure_nn", "verify", "experiments")
ALLOWED = {
    "pure_nn": {"jax", "numpy", "optax", "jaxtyping", "orbax", "safetensors", "pure_nn"}
    | {"dp_accounting"},
    "verify": {"jax", "numpy", "optax", "jaxtyping", "mpmath", "safetensors", "pure_nn", "verify"}
    | {"rich", "tyro"},
}
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
SOURCES += [ROOT / "pytest_pure_nn.py"]
LONGEST_FILE, LONGEST_BODY = 215, 20
STANDARD = {"ast", "collections", "concurrent", "contextlib", "dataclasses", "decimal"}
STANDARD |= {
    "functools",
    "hashlib",
    "heapq",
    "importlib",
    "inspect",
    "itertools",
    "json",
    "linecache",
    "math",
}
STANDARD |= {"multiprocessing", "numbers", "operator", "os", "pathlib", "platform", "random"}
STANDARD |= {"secrets", "signal", "sys", "tempfile", "time", "types", "typing"}
STANDARD |= {"csv", "difflib", "gzip", "io", "struct"}
STANDARD |= {"re", "warnings", "zipfile", "zlib"}
STANDARD |= {"errno", "fcntl", "logging", "shutil", "threading"}


def imports(source: str) -> set[str]:
    """The top-level packages that a source names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found |= {name.name.partition(".")[0] for name in names}
            case ast.ImportFrom(module=str(module)):
                found.add(module.partition(".")[0])
    return found


def bodies(source: str) -> Iterator[tuple[str, int]]:
    """Each function and the lines of its body, blank ones, comments and docstring left out."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[ast.get_docstring(node) is not None :][:1] or [node.body[-1]]
            body = map(str.strip, lines[first[0].lineno - 1 : node.end_lineno])
            yield node.name, sum(bool(line) and not line.startswith("#") for line in body)


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_run_downwards(room: str) -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / room).rglob("*.py"))
    named = set().union(*map(imports, sources))
    assert room in named
    assert named - STANDARD <= ALLOWED[room]


def test_an_import_upwards_would_be_found() -> None:
    source = "from verify.rows import rows\nimport rich.progress\nfrom collections import abc"
    assert imports(source) == {"verify", "rich", "collections"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sizes(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= LONGEST_FILE
    assert not [(name, n) for name, n in bodies(source) if n > LONGEST_BODY]


def test_long_bodies_would_be_found() -> None:
    source = 'def f():\n    """Doc.\n\n    More."""\n    # why\n    x = 1\n\n    return x\n'
    assert list(bodies(source)) == [("f", 2)]
