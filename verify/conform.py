"""`python -m verify conform DIR/`: what another implementation computed, beside the vectors.

DIR holds a file of results for each network. Or it holds the vectors with the results in
DIR/results/: then the checksums of the vectors are checked first, and they are what is compared
with. Without vectors in DIR they are computed anew, which takes seconds.

The exit code: 0 if all networks conform; 1 if one is wrong, inaccurate (the right equations, in
forms that lose digits) or cannot be read; 2 if DIR is not what it should be.
"""

import collections
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pure_nn.network import Network
from verify import errors, results, vectors
from verify.errors import Comparison
from verify.mistakes import Diagnosis, diagnose
from verify.results import F64

OK, INACCURATE, WRONG, UNREADABLE = "ok", "inaccurate", "WRONG", "UNREADABLE"
INDENT = "\n" + " " * 4


class Verdict(NamedTuple):
    """One network: what was found, in one line, and what to know about it."""

    network: str
    status: str
    why: str


def conform(folder: Path) -> int:
    """Prints a line for each network, and what is wrong; 0 if all conform, 1 if not, 2 if DIR is
    not what it should be."""
    try:
        with _vectors(folder) as (source, found):
            files = _files(found, (source / vectors.LIST).read_text(encoding="utf-8").split())
            verdicts = [_printed(_judge(source, name, path)) for name, path in files.items()]
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(_closing(verdicts))
    return int(any(verdict.status != OK for verdict in verdicts))


# the files


@contextlib.contextmanager
def _vectors(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The folder of the vectors, and that of the results."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: expected a folder of results, got no folder")
    if (folder / vectors.SUMS).exists() or (folder / vectors.LIST).exists():
        vectors.require_unaltered(folder)
        yield folder, folder / vectors.RESULTS
    else:
        with tempfile.TemporaryDirectory() as anew:
            vectors.write(Path(anew))
            yield Path(anew), folder


def _files(folder: Path, networks: Sequence[str]) -> dict[str, Path | None]:
    """The file of each network; None for one that has none."""
    found = [path for path in folder.glob("*") if path.suffix in results.READERS]
    if not found:
        raise FileNotFoundError(
            f"{folder}: expected a file of results for each network, such as "
            f"{networks[0]}.txt, .json or .safetensors, got none"
        )
    strange = sorted(path.name for path in found if path.stem not in networks)
    if strange:
        print(f"not read, as no network has that name: {', '.join(strange)}\n")
    by_network = {name: sorted(p for p in found if p.stem == name) for name in networks}
    for paths in by_network.values():
        if len(paths) > 1:
            raise ValueError(
                f"{folder}: expected one file for each network, got "
                f"{' and '.join(path.name for path in paths)}; remove all but one"
            )
    return {name: paths[0] if paths else None for name, paths in by_network.items()}


# the judgement


def _judge(source: Path, network: str, path: Path | None) -> Verdict:
    if path is None:
        return Verdict(network, UNREADABLE, f"expected a file {network}.txt, or another format")
    vector = json.loads((source / "json" / f"{network}.json").read_bytes())
    try:
        found = results.read(path)
        _require_arrays(path, found, vector["expected"])
    except (OSError, ValueError) as error:
        return Verdict(network, UNREADABLE, str(error))
    return _verdict(vector, found)


def _require_arrays(path: Path, found: Mapping[str, F64], expected: Mapping[str, Any]) -> None:
    """Some of the quantities, all gradients among them, and nothing else."""
    unknown = [name for name in found if name not in expected]
    if unknown:
        raise ValueError(
            f"{path}: expected some of {', '.join(expected)}, got also {', '.join(unknown)}"
        )
    missing = [name for name in expected if name.startswith("d") and "delta" not in name]
    missing = [name for name in missing if name not in found]
    if missing:
        raise ValueError(f"{path}: expected every gradient, got no {', '.join(missing)}")


def _verdict(vector: Mapping[str, Any], found: Mapping[str, F64]) -> Verdict:
    """By the first quantity that is off, in forward, then backward order."""
    network = vector["network"]
    loose, sharp = (compare(vector, found, part) for part in ("bound", "sharp"))
    wrong = [c for c in loose if not c.ok]
    if wrong:
        said = _named(diagnosis(vector, found), wrong).splitlines()
        which = ", ".join(c.where for c in wrong)
        return Verdict(network, WRONG, INDENT.join([which, str(wrong[0]), *said]))
    lost = [c for c in sharp if not c.ok]
    if lost:
        return Verdict(network, INACCURATE, _lost(lost[0]))
    worst = max(sharp, key=lambda c: c.error)
    return Verdict(network, OK, f"{len(found)} arrays, at most {worst.error:.2g} of the bound")


def _named(diagnosis: Diagnosis, wrong: Sequence[Comparison]) -> str:
    if not any(c.where.startswith("d") for c in wrong):
        return "delta and the gradients are right all the same"
    if diagnosis.verdict != "wrong":
        return "no mistake that is known gives these numbers"
    return str(diagnosis)


def _lost(off: Comparison) -> str:
    """With all digits, as the first ones are right"""
    entry = f"{off.where}[{', '.join(map(str, off.index))}]"
    return f"{entry} has lost digits: got {off.got!r}, expected {off.expected!r}"


def compare(vector: Mapping[str, Any], found: Mapping[str, F64], part: str) -> list[Comparison]:
    """Each array that was found, in the order of the vectors, with one of their two bounds."""
    return [
        _compared(name, found[name], *(np.array(x, np.float64) for x in (rows, vector[part][name])))
        for name, rows in vector["expected"].items()
        if name in found
    ]


def _compared(name: str, got: F64, expected: F64, bound: F64) -> Comparison:
    if got.shape != expected.shape:
        return Comparison(name, fault=f"expected shape {expected.shape}, got {got.shape}")
    return errors.entries(name, got, expected, bound, "float64")


def diagnosis(vector: Mapping[str, Any], found: Mapping[str, F64]) -> Diagnosis:
    """Of the gradients, with what else was found of all layers."""
    x = {name: np.array(rows, np.float64) for name, rows in vector["inputs"].items()}
    layers = range(1, len(vector["activations"]) + 1)
    params = [{"W": x[f"W[{l}]"], "b": x[f"b[{l}]"]} for l in layers]
    grads = [{"W": found[f"dW[{l}]"], "b": found[f"db[{l}]"]} for l in layers]
    more: dict[str, Any] = {"J": float(found["J"][0, 0])} if "J" in found else {}
    for key, name in (("Z", "Z"), ("A", "A"), ("deltas", "delta")):
        arrays = [found.get(f"{name}[{l}]") for l in layers]
        more |= {key: arrays} if all(a is not None for a in arrays) else {}
    net = Network(vector["activations"], vector["loss"])
    return diagnose(net, params, x["X"], x["Y"], grads, found=more)


# what is printed


def _printed(verdict: Verdict) -> Verdict:
    print(f"{verdict.network:<18}{verdict.status:<12}{verdict.why}", flush=True)
    return verdict


def _closing(verdicts: Sequence[Verdict]) -> str:
    count = collections.Counter(verdict.status for verdict in verdicts)
    text = f"\n{count[OK]} of {len(verdicts)} networks conform; {count[INACCURATE]} inaccurate"
    if count[INACCURATE]:
        text += (
            " (the right equations, but A(1 − A), 1 − A², A − Y or log A cancel where units "
            "saturate: the README of the vectors has other forms)"
        )
    return text + f", {count[WRONG]} wrong, {count[UNREADABLE]} not read"
