"""What is said of a file that does not hold what it claims."""

import contextlib
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

BLOCK = 1 << 20


@runtime_checkable
class Stream(Protocol):
    """What bytes are read from: a file, or a member of one"""

    def read(self, size: int, /) -> bytes: ...

    def tell(self) -> int: ...


class DataError(ValueError):
    """A file that cannot be read as data: which, what was expected there, and what came."""


@contextlib.contextmanager
def damage_named(path: Path, kind: str) -> Iterator[None]:
    """Whatever a damaged file makes a parser raise, a `DataError` that names the file."""
    try:
        yield
    except (DataError, ImportError):
        raise
    except Exception as error:
        raise DataError(
            f"{path}: expected {kind}, but it is damaged or of another kind ({kind_of(error)}); "
            "write or download it again"
        ) from error


def kind_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def require_content(path: Path) -> None:
    """Missing files and folders are refused as everywhere, by an OSError."""
    with path.open("rb") as file:
        if not file.read(1):
            raise DataError(f"{path}: expected data, got an empty file")


def is_gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def opened(path: Path) -> io.BufferedReader | gzip.GzipFile:
    """The bytes of a file, gzipped or not"""
    return gzip.GzipFile(path) if is_gzipped(path) else path.open("rb")


def held(stream: Stream, enough: int) -> int:
    """How many bytes follow, counted up to `enough` without keeping any"""
    count = 0
    while count < enough and (block := stream.read(BLOCK)):
        count += len(block)
    return count
