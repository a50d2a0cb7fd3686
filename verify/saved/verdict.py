"""The verdict on a file, and the mistakes, in the page's notation."""

import itertools
import re
from collections.abc import Iterator, Sequence

import numpy as np

from verify.saved import multiples
from verify.saved.choose import Choice, File
from verify.saved.closeness import close
from verify.saved.fit import Judged, gradients
from verify.saved.readings import Reading
from verify.saved.text import facts, is_stated, stored
from verify.saved.values import Saved

STATE = {
    "reduction": "reduction='mean' or reduction='sum'",
    "loss": "loss='squared_error' (½‖A − Y‖²), 'sse' (‖A − Y‖²) or 'mse' (‖A − Y‖²/n)",
}
IN_A_SUM = {  # what is said of the mean, where J is the sum
    "(1/B) ": "",
    ": the mean over the batch is missing": "",
    "the mean is taken twice": "the mean is taken where J is the sum",
}
QUANTITY = re.compile(r"(?:d[Wb]|[WbZAΔ])\[\d+\]")
ENTRY = 1e-6  # relative to the largest entry, where entries are shown
NUMBER = re.compile(r"\bgot\b|off by|±|at rate")  # of the file, in what is said of a mistake
DECIDING = {"activations", "loss", "l2"}


def verdict(saved: Saved, file: File, choice: Choice) -> Iterator[str]:
    best, d = choice.best, choice.best.diagnosis
    if choice.rounded:
        yield f"inaccurate: {choice.rounded}"
        yield "  save the numbers in full, as %.17g prints them, or state the dtype"
        return
    if d.ok:
        yield from _right(saved, file, choice)
        return
    yield from _heading(saved, best)
    yield from _as_what(best)
    yield from _mistakes(best)
    if not d.known:
        yield from _misshapen(saved)
    yield from _entries(best)
    yield from _where(d.names, saved, best.reading)
    yield from _for_the_page(file, choice)


def _heading(saved: Saved, best: Judged) -> Iterator[str]:
    """Undecided where no reading explains the file, whose activations may be none of those tried"""
    d, missing = best.diagnosis, _unstated(saved, best)
    if "activations" in missing:
        yield (
            "undecided: no usual network gives any of these gradients; state "
            f"{', '.join(missing)} to decide"
        )
        yield f"  as inferred above, the first that is {d.verdict} would be {d.first}"
        return
    yield f"{d.verdict}: the first that is {d.verdict} is {d.first}"
    if missing:
        yield (
            "  no usual network gives any of these gradients, so this is a guess; state "
            f"{', '.join(missing)} for a better one"
        )


def _unstated(saved: Saved, best: Judged) -> list[str]:
    """What to state where no reading explains the file"""
    if best.diagnosis.known or best.missed < 2 * saved.L:
        return []
    return [what for what in ("activations", "loss", "reduction") if not saved.has(what)]


def _right(saved: Saved, file: File, choice: Choice) -> Iterator[str]:
    if not choice.decided:
        every = multiples.same(choice.best.reading, file.stated)
        yield f"undecided: right if {' or '.join(map(multiples.said, every))}"
        yield from _for_the_page(file, choice)
        return
    known = {what for what in DECIDING if is_stated(saved, what)}
    guessed = [what for what in facts(choice.best.reading) if what in DECIDING - known]
    network = f", for the {', '.join(guessed)} inferred above" * bool(guessed)
    yield f"ok: every gradient is right{network}"


def _as_what(judged: Judged) -> Iterator[str]:
    reading, d = judged.reading, judged.diagnosis
    if reading.scale != 1:
        numbers = not d.known or any(NUMBER.search(name) for name in d.names)
        said = f"; numbers below are those of the file divided by {reading.scale:.6g}"
        yield f"  {multiples.said(reading)}{said * numbers}"


def _mistakes(judged: Judged) -> Iterator[str]:
    d, is_sum = judged.diagnosis, judged.reading.reduction == "sum"
    lines = [f"  {name}" for name in d.names]
    lines += [f"  or, as the numbers would be the same: {'; '.join(o)}" for o in d.others]
    yield from (_of_the_sum(line) if is_sum else line for line in lines)


def _of_the_sum(sentence: str) -> str:
    for mean, total in IN_A_SUM.items():
        sentence = sentence.replace(mean, total)
    return sentence


def _for_the_page(file: File, choice: Choice) -> Iterator[str]:
    """What the usual J would make of it, and how to decide"""
    if choice.decided or choice.page is None:
        return
    every, page = multiples.same(choice.best.reading, file.stated), choice.page
    yield f"  but if {multiples.said(page.reading)}:"
    yield from (f"  {line}" for line in _mistakes(page))
    differ = {"reduction": [r.reduction != page.reading.reduction for r in every]}
    differ |= {"loss": [r.loss != page.reading.loss for r in every]}
    missing = [STATE[what] for what, which in differ.items() if any(which)]
    yield f"  which J is meant? Save it as J, or state {' and '.join(missing)}"


def _misshapen(saved: Saved) -> Iterator[str]:
    """Gradients with another number of entries than their parameters"""
    for l, kind in itertools.product(range(1, saved.L + 1), "Wb"):
        parameter, gradient = f"{kind}[{l}]", f"d{kind}[{l}]"
        expected, got = saved.raw(parameter), saved.raw(gradient)
        if got.size != expected.size:
            yield (
                f"  {saved.names.of[gradient]} has shape {got.shape}: expected that of "
                f"{saved.names.of[parameter]}, {expected.shape}"
            )


def _entries(best: Judged) -> Iterator[str]:
    """Where the first mistake has no name: the worst entries of its layer"""
    d = best.diagnosis
    if d.known or not d.first.startswith(("d", "Δ")):
        return
    l, s = int(d.first.partition("[")[2].rstrip("]")), best.reading.scale
    W, b = itertools.islice(gradients(best.reading), 2 * l - 2, 2 * l)
    for name, (got, right) in ((f"db[{l}]", b), (f"dW[{l}]", W)):
        if got.shape == right.shape and not close(got, right, ENTRY):
            off = np.abs(got - right)
            i = np.unravel_index(np.argmax(off), off.shape)
            count = np.sum(off > ENTRY * np.max(np.abs(right)))
            yield (
                f"  {name}[{', '.join(map(str, i))}], the worst of {count} wrong entries of "
                f"{off.size}: got {got[i] / s:.6g}, expected {right[i] / s:.6g}"
            )


def _where(names: Sequence[str], saved: Saved, reading: Reading) -> Iterator[str]:
    """What the quantities in the messages are called in the file, where it is not plain"""
    text = " ".join(names)
    for quantity in dict.fromkeys(QUANTITY.findall(text)):
        if saved.has(quantity):
            name, kind = saved.names.of[quantity], quantity.partition("[")[0]
            said = _shapes(saved, quantity, text) or stored(kind, reading.at.transposed)
            if said or re.sub(r"[\W_]", "", name) != re.sub(r"[\W_]", "", quantity):
                yield f"  in the file {quantity} is {name}{f', {said}' * bool(said)}"


def _shapes(saved: Saved, quantity: str, text: str) -> str:
    """Those of the file, where a gradient is said to have another one than its parameter"""
    if f"{quantity} " not in text or "its shape is" not in text or not quantity.startswith("d"):
        return ""
    got, parameter = saved.raw(quantity).shape, quantity.removeprefix("d")
    shape = saved.raw(parameter).shape
    return "" if got == shape else f"of shape {got} for {saved.names.of[parameter]} of {shape}"
