"""MNIST is fetched whole and right, or from the next mirror, or not at all."""

import gzip
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from experiments.mnist import download as module
from experiments.mnist.config import DATA
from experiments.mnist.download import FILES, DownloadError, Expected, download

CONTENTS = {name: (name * 40).encode() for name in FILES}
REASONS = {
    "absent": "HTTP Error 404",
    "other": "wrong checksum: sha256 ",
    "short": "expected 1,040 bytes unpacked, got 1,000",
    "long": "expected 1,040 bytes unpacked, got more",
    "cut": "the connection was cut after 10 of ",
    "plain": "Not a gzipped file",
    "half": "Compressed file ended before the end-of-stream marker",
}


def served(kind: str, content: bytes) -> bytes:
    packed = gzip.compress(content)
    return {
        "other": gzip.compress(content[::-1]),
        "short": gzip.compress(content[:1000]),
        "long": gzip.compress(content + b"more"),
        "cut": packed[:10],
        "plain": content,
        "half": packed[: len(packed) // 2],
    }.get(kind, packed)


class Handler(BaseHTTPRequestHandler):
    """/KIND/NAME"""

    def do_GET(self) -> None:
        _, kind, name = self.path.split("/")
        if kind == "absent":
            self.send_error(404)
            return
        body, packed = served(kind, CONTENTS[name]), gzip.compress(CONTENTS[name])
        self.send_response(200)
        self.send_header("Content-Length", str(len(packed if kind == "cut" else body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    expected = {n: Expected(len(c), hashlib.sha256(c).hexdigest()) for n, c in CONTENTS.items()}
    monkeypatch.setattr(module, "FILES", expected)


def unpacked(folder: Path) -> dict[str, bytes]:
    return {path.name: gzip.decompress(path.read_bytes()) for path in folder.iterdir()}


def test_all_four_from_the_first_mirror(server: str, tmp_path: Path) -> None:
    said: list[str] = []
    download(tmp_path / "new" / "folder", said.append, [f"{server}/good", f"{server}/absent"])
    assert unpacked(tmp_path / "new" / "folder") == CONTENTS
    assert all(f"bytes from {server}/good" in line for line in said)


@pytest.mark.parametrize("kind", REASONS)
def test_the_next_mirror(kind: str, server: str, tmp_path: Path) -> None:
    download(tmp_path, lambda text: None, [f"{server}/{kind}", f"{server}/good"])
    assert unpacked(tmp_path) == CONTENTS


@pytest.mark.parametrize("kind", REASONS)
def test_nothing_is_left_where_no_mirror_has_it(kind: str, server: str, tmp_path: Path) -> None:
    name = next(iter(FILES))
    with pytest.raises(DownloadError, match=f"{name} could not be fetched") as caught:
        download(tmp_path, lambda text: None, [f"{server}/{kind}"])
    assert f"{server}/{kind}: {REASONS[kind]}" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_no_mirror_at_all(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="refused"):
        download(tmp_path, lambda text: None, ["http://127.0.0.1:9"])


def test_what_is_there_stays(server: str, tmp_path: Path) -> None:
    """The rest is fetched beside it."""
    first, *_ = FILES
    (tmp_path / first).write_bytes(gzip.compress(CONTENTS[first], 1))
    before = (tmp_path / first).stat()
    said: list[str] = []
    download(tmp_path, said.append, [f"{server}/good"])
    assert said[0] == f"{first} is there"
    assert (tmp_path / first).stat().st_mtime_ns == before.st_mtime_ns
    assert unpacked(tmp_path) == CONTENTS


@pytest.mark.parametrize("content", [b"mine", gzip.compress(b"mine")], ids=["plain", "gzipped"])
def test_other_content_is_not_overwritten(content: bytes, server: str, tmp_path: Path) -> None:
    first, *_ = FILES
    (tmp_path / first).write_bytes(content)
    with pytest.raises(DownloadError, match="is not MNIST's, and is not overwritten"):
        download(tmp_path, lambda text: None, [f"{server}/good"])
    assert (tmp_path / first).read_bytes() == content
    assert os.listdir(tmp_path) == [first]


def test_a_full_disk_leaves_nothing(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        path.open("xb").close()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        download(tmp_path, lambda text: None, [f"{server}/good"])
    assert os.listdir(tmp_path) == []


def test_the_checksums_are_those_of_the_files_at_hand() -> None:
    """Where the project's data lies beside it."""
    here = [DATA / name for name in FILES]
    if not all(path.is_file() for path in here):
        pytest.skip(f"MNIST is not in {DATA}")
    for path in here:
        assert module.wrong(path.read_bytes(), FILES[path.name]) == ""
