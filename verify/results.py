"""Arrays by name, as a program in another language wrote them: text, JSON or safetensors."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

F64 = npt.NDArray[np.float64]


def read(path: Path) -> dict[str, F64]:
    """ValueError: a file that is cut short, holds something else, or an array twice."""
    return READERS[path.suffix](path)


# text


def _text(path: Path) -> dict[str, F64]:
    tokens = _tokens(path)
    found: dict[str, F64] = {}
    for line, name in tokens:
        shape = [_size(path, line, name, next(tokens, (line, "nothing"))[1]) for _ in "mn"]
        if name in found:
            raise ValueError(f"{path}, line {line}: expected each array once, got {name} twice")
        found[name] = _entries(path, line, name, shape, tokens)
    return found


def _tokens(path: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: expected text, got byte {error.start} that is none; binary arrays go to a "
            ".safetensors file"
        ) from None
    return ((i, token) for i, line in enumerate(lines, start=1) for token in line.split())


def _size(path: Path, line: int, name: str, token: str) -> int:
    if not (token.isascii() and token.isdigit()):
        raise ValueError(
            f"{path}, line {line}: expected a block to begin with NAME ROWS COLUMNS, such as "
            f"dW[1] 4 3, got {name} and then {token}; does the block before it hold more numbers "
            "than its ROWS × COLUMNS?"
        )
    return int(token)


def _entries(
    path: Path, line: int, name: str, shape: list[int], tokens: Iterator[tuple[int, str]]
) -> F64:
    m, n = shape
    numbers: list[float] = []
    for _ in range(m * n):
        at, token = next(tokens, (0, ""))
        if not token:
            raise ValueError(
                f"{path}: expected {m} × {n} = {m * n} numbers of {name}, which begins in line "
                f"{line}, got {len(numbers)} before the file ends; was the program interrupted?"
            )
        numbers.append(_number(path, at, f"{name} of {m} × {n} = {m * n} numbers", token))
    return np.array(numbers).reshape(m, n)


def _number(path: Path, line: int, where: str, token: str) -> float:
    try:
        return float.fromhex(token) if "0x" in token.lower() else float(token)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{path}, line {line}: expected a number of {where}, such as 0x1.8p+1 or 3.0, got "
            f"{token}"
        ) from None


# JSON


def _json(path: Path) -> dict[str, F64]:
    try:
        loaded = json.loads(
            path.read_bytes(), parse_int=float, object_pairs_hook=lambda pairs: _once(path, pairs)
        )
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: expected JSON, got something else or a part: {error}") from None
    if not isinstance(loaded, dict):
        raise ValueError(f'{path}: expected an object such as {{"dW[1]": [[0.5, 1.5]], …}}')
    return {name: _matrix(path, name, rows) for name, rows in loaded.items()}


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = [name for name in dict(pairs) if names.count(name) > 1]
    if twice:
        raise ValueError(f"{path}: expected each array once, got {', '.join(twice)} twice")
    return dict(pairs)


def _matrix(path: Path, name: str, rows: Any) -> F64:
    is_matrix = (
        isinstance(rows, list)
        and bool(rows)
        and all(isinstance(row, list) and row and len(row) == len(rows[0]) for row in rows)
        and all(isinstance(x, float) for row in rows for x in row)
    )
    if not is_matrix:
        got = json.dumps(rows)
        raise ValueError(
            f"{path}: {name}: expected rows of numbers, all of one length, such as [[0.5, 1.5]], "
            f"also of one row or one number, got {got:.60}"
            + "; null is how NaN is written"
            * ("null" in got)
        )
    return np.array(rows, np.float64)


# safetensors


def _safetensors(path: Path) -> dict[str, F64]:
    try:
        found: Mapping[str, npt.NDArray[Any]] = safetensors.numpy.load(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: expected a whole safetensors file, got {error}") from None
    except KeyError as error:  # a dtype that NumPy does not have
        raise ValueError(f"{path}: expected tensors of F64, got {error.args[0]}") from None
    for name, x in found.items():
        if x.dtype != np.float64 or x.ndim != 2:
            raise ValueError(
                f"{path}: {name}: expected a matrix of F64, got shape {x.shape} of {x.dtype}"
            )
    return dict(found)


READERS: Mapping[str, Callable[[Path], dict[str, F64]]] = {
    ".txt": _text,
    ".json": _json,
    ".safetensors": _safetensors,
}
