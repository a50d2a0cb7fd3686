"""`python -m verify diagnose FILE.npz`: what is wrong with gradients that any program saved.

One file holds, under these names or those of PyTorch, Keras and Flax (fc1.weight and
fc1.weight.grad, dense/kernel, params/Dense_0/kernel and grads/Dense_0/kernel):

    W1, b1, W2, b2, …      parameters, W as (n, n_in) or (n_in, n), b of n entries
    dW1, db1, dW2, db2, …  the gradients to judge, as the program gave them
    X, Y                   inputs and targets, an example in each column or row; or Y of labels

and, where it is known; what is absent is inferred, and said to be:

    activations    one for each W, as "relu,relu,softmax"; also leaky_relu(0.2), relu(at_zero=0),
                   elu, selu, gelu, gelu_tanh, silu or swish, softplus
    loss           binary_cross_entropy, cross_entropy, squared_error (½‖A − Y‖²), sse (‖A − Y‖²) or
                   mse (‖A − Y‖²/n)
    layout         "columns" or "rows"
    reduction      "mean" or "sum" over the examples
    l2             λ of (λ/2) Σ‖W‖² in J; lambd is the course's, λ = lambd/B
    J              the cost
    Z1, …  A1, …  dZ1, …      what else the program computed, of which the first wrong one is told
    mask1, …  keep            dropout: A = g(Z) ∘ mask/keep
    dtype          in which it computed; by default that of the gradients

Arrays are loaded without pickles. Exit code 0 if every gradient is right, 1 if one is wrong,
inaccurate or cannot be decided, 2 if the file is not what it should be.
"""

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.saved import archive, names, text, words
from verify.saved.choose import Choice, File, choose
from verify.saved.shapes import arrangements
from verify.saved.stated import dtype, stated
from verify.saved.values import Saved
from verify.saved.verdict import verdict

OPTIONS = ("activations", "loss", "layout", "reduction", "l2", "keep", "dtype")


def main(path: str | Path, **said: Any) -> int:
    """Prints what is right or wrong; what is `said` of OPTIONS goes before what the file says."""
    try:
        saved, file = load(Path(path), {k: v for k, v in said.items() if v is not None})
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    choice = choose(file)
    print("\n".join(report(Path(path).name, saved, file, choice)))
    return int(not choice.ok)


def load(path: Path, said: Mapping[str, Any]) -> tuple[Saved, File]:
    """ValueError: a file that is not what it should be."""
    _require_known(said)
    given = {name: np.asarray(value) for name, value in said.items()}
    read = archive.read(path)
    try:
        arrays = {n: x for n, x in read.items() if names.meaning(n).kind not in given} | given
        numbers = [name for name, x in arrays.items() if x.dtype.kind not in "US"]
        saved = Saved(names.sort(arrays, numbers), arrays)
        return saved, _file(saved)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _require_known(said: Mapping[str, Any]) -> None:
    unknown = [name for name in said if name not in OPTIONS]
    if unknown:
        raise ValueError(f"expected some of {', '.join(OPTIONS)}, got {', '.join(unknown)}")


def _file(saved: Saved) -> File:
    layout = words.one("layout", saved.raw("layout"), words.LAYOUTS) if saved.has("layout") else ""
    at = arrangements(saved, layout)
    given = stated(saved, at)
    at = [_without_logits(a) for a in at] if given.logits else at
    return File(at, given, saved.number("J"), dtype(saved))


def _without_logits(at: Any) -> Any:
    """A[L] may be the logits, which are no A[L] of the page"""
    *hidden, _ = at.found["A"]
    return dataclasses.replace(at, found={**at.found, "A": [*hidden, None]})


def report(name: str, saved: Saved, file: File, choice: Choice) -> Iterator[str]:
    """The lines that are printed"""
    best = choice.best
    yield text.heading(name, best.reading)
    yield from _section("read", text.read(saved, best))
    yield from _section("stated", text.stated(saved, file, best))
    yield from _section("inferred", text.inferred(saved, file, best))
    yield from _section("not read, as no such name is known (--help)", saved.names.unknown)
    yield ""
    yield from verdict(saved, file, choice)
    yield from _section("what these data do not show", text.unseen(choice))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"\n{title}"
        yield from (f"  {line}" for line in found)
