"""MNIST's four files from the first mirror that has them whole."""

import gzip
import hashlib
import http.client
import io
import os
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)


class Expected(NamedTuple):
    """Bytes of a file once it is unpacked, and their sha256."""

    size: int
    sha256: str


FILES = {
    "train-images-idx3-ubyte.gz": Expected(
        47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte.gz": Expected(
        60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte.gz": Expected(
        7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte.gz": Expected(
        10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}
SECONDS, LARGEST = 30, 2**24  # the largest file has 10 MB gzipped
BROKEN = (OSError, http.client.HTTPException, EOFError, zlib.error)


class DownloadError(RuntimeError):
    """What cannot be fetched, from where, and why."""


def download(folder: Path, say: Callable[[str], None], mirrors: Sequence[str] = MIRRORS) -> None:
    """Each file appears in its place when it is whole and right; those that are there stay.

    DownloadError: a file that no mirror has, or one there of other content. OSError: a folder that
    cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, expected in FILES.items():
        path = folder / name
        if path.exists():
            _require_same(path, expected)
            say(f"{name} is there")
        else:
            content, mirror = fetched(name, expected, mirrors)
            _write(path, content)
            say(f"{name}   {len(content):,} bytes from {mirror}")


def fetched(name: str, expected: Expected, mirrors: Sequence[str]) -> tuple[bytes, str]:
    """The file as it came, and the mirror that it came from."""
    reasons = []
    for mirror in mirrors:
        try:
            content = _received(f"{mirror}/{name}")
            reason = wrong(content, expected)
        except BROKEN as error:
            reason = str(error) or type(error).__name__
        if not reason:
            return content, mirror
        reasons.append(f"{mirror}: {reason}")
    listed = "\n  ".join(reasons)
    raise DownloadError(
        f"{name} could not be fetched; what is there already stays:\n  {listed}\ntry again, or put "
        "MNIST's four files into a folder yourself, and name it by --data"
    )


def wrong(content: bytes, expected: Expected) -> str:
    """What is wrong with a gzipped file, or nothing; unpacks no more than is expected."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        unpacked = file.read(expected.size + 1)
    if len(unpacked) != expected.size:
        more = "more" if len(unpacked) > expected.size else f"{len(unpacked):,}"
        return f"expected {expected.size:,} bytes unpacked, got {more}"
    found = hashlib.sha256(unpacked).hexdigest()
    return "" if found == expected.sha256 else f"wrong checksum: sha256 {found}"


def _received(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=SECONDS) as response:
        content: bytes = response.read(LARGEST)
        promised = response.headers.get("Content-Length")
    if promised is not None and len(content) != int(promised):
        raise EOFError(f"the connection was cut after {len(content):,} of {promised} bytes")
    return content


def _require_same(path: Path, expected: Expected) -> None:
    try:
        reason = wrong(path.read_bytes(), expected)
    except BROKEN as error:
        reason = str(error)
    if reason:
        raise DownloadError(
            f"{path} is not MNIST's, and is not overwritten ({reason}); remove it, or give "
            "another folder"
        )


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
