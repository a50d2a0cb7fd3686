"""`python -m verify vectors OUT/`: inputs and exact results, to check programs in any language.

OUT is a new or empty folder. Its README.md says what is to be computed from the inputs, and where
the results go; then `python -m verify conform OUT/` compares them and names the mistakes. The files
are the same, byte for byte, on every machine.
"""

import hashlib
import itertools
from pathlib import Path

from verify.vectors.designs import DESIGNS
from verify.vectors.formats import files
from verify.vectors.networks import Design
from verify.vectors.recipe import compute

SUMS = "SHA256SUMS"
LIST = "text/networks.txt"
RESULTS = "results"
HERE = Path(__file__).parent


def main(folder: Path) -> None:
    """Writes them, and says how to go on."""
    write(folder)
    print(
        f"{len(DESIGNS)} networks written: read {folder / 'README.md'}, write your results to "
        f"{folder / RESULTS}/, then python -m verify conform {folder}/"
    )


def write(folder: Path) -> None:
    """README.md, the vectors in three formats, their schema and checksums; the same bytes anywhere.

    NotADirectoryError: `folder` is a file. FileExistsError: it holds something other than vectors.
    """
    _require_own(folder)
    contents = _contents()
    contents[SUMS] = sums(contents).encode()
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def sums(contents: dict[str, bytes]) -> str:
    """As `sha256sum` prints them, and `sha256sum -c SHA256SUMS` reads them."""
    digests = {path: hashlib.sha256(contents[path]).hexdigest() for path in sorted(contents)}
    return "".join(f"{digest}  {path}\n" for path, digest in digests.items())


def require_unaltered(folder: Path) -> None:
    """Every file of the vectors is there and has the digest that SHA256SUMS states.

    FileNotFoundError, ValueError: one is not, or has another.
    """
    again = f"; write the vectors anew: python -m verify vectors {folder}/"
    if not (folder / SUMS).exists():
        raise FileNotFoundError(f"{folder / SUMS}: expected checksums, got no file{again}")
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, path = line.partition("  ")
        if not (folder / path).is_file():
            raise FileNotFoundError(f"{folder / path}: expected a file, got none{again}")
        got = hashlib.sha256((folder / path).read_bytes()).hexdigest()
        if got != digest:
            raise ValueError(
                f"{folder / path}: expected SHA-256 {digest}, got {got}: it was altered{again}"
            )


def _contents() -> dict[str, bytes]:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    of_networks = itertools.chain.from_iterable(files(compute(d)).items() for d in DESIGNS)
    return {
        "README.md": readme.replace("TABLE_OF_NETWORKS\n", _table()).encode(),
        "schema.json": (HERE / "schema.json").read_text(encoding="utf-8").encode(),
        LIST: "".join(f"{design.name}\n" for design in DESIGNS).encode(),
        **dict(of_networks),
    }


def _table() -> str:
    heads = ("network", "sizes", "activations", "loss", "B", "targets", "what it is for")
    rows = [heads, ("---",) * len(heads), *map(_cells, DESIGNS)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(design: Design) -> tuple[str, ...]:
    sizes = "-".join(map(str, design.sizes))
    g, B = ", ".join(design.activations), str(design.B)
    return design.name, sizes, g, design.loss, B, design.targets, design.purpose


def _require_own(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder}: expected a folder to write vectors to, got a file")
    if folder.exists() and any(folder.iterdir()) and not (folder / LIST).exists():
        raise FileExistsError(
            f"{folder}: expected a new or empty folder, or earlier vectors to write anew, got one "
            "with other files; name another"
        )
