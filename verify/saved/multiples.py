"""What the J of a file is a multiple of: the mean or the sum, with ½ or without it."""

import itertools
from collections.abc import Iterator

from verify.saved import words
from verify.saved.readings import Reading
from verify.saved.stated import Stated
from verify.saved.words import Loss

SAME = 1e-12


def usual(reading: Reading, stated: Stated) -> bool:
    """Whether it is the multiple that is stated, or the page's where none is"""
    factor = words.losses(len(reading.at.Y))[stated.loss].factor if stated.loss else 1.0
    s = factor * (reading.at.B if stated.reduction == "sum" else 1)
    return abs(reading.scale / s - 1) < SAME


def multiples(reading: Reading, stated: Stated) -> Iterator[Reading]:
    """The same network with each multiple of J that people use, where it is not stated."""
    seen: list[float] = []
    every = itertools.product(_reductions(reading, stated), _losses(reading, stated))
    for reduction, loss in every:
        found = reading.scaled(loss, reduction)
        if not any(abs(found.scale / s - 1) < SAME for s in seen):
            seen.append(found.scale)
            yield found


def _losses(reading: Reading, stated: Stated) -> list[Loss]:
    n, name = len(reading.at.Y), reading.loss.name
    every = words.losses(n)
    if stated.loss is not None:
        return [every[stated.loss]]
    found = [every[name]] + [every["sse"]] * (name == "squared_error")
    if n > 1 and name == "squared_error":
        found += [every["mse"], Loss(name, 1.0 / n, f"𝓛 = ‖A − Y‖²/(2n), n = {n} units")]
    if n > 1 and name == "binary_cross_entropy":
        found += [Loss(name, 1.0 / n, f"𝓛 its mean over the n = {n} units")]
    return found


def same(reading: Reading, stated: Stated) -> list[Reading]:
    """All multiples that are the same number here, as 2 and B where B = 2"""
    every = itertools.product(_reductions(reading, stated), _losses(reading, stated))
    readings = (reading.scaled(loss, reduction) for reduction, loss in every)
    return [r for r in readings if abs(r.scale / reading.scale - 1) < SAME]


def _reductions(reading: Reading, stated: Stated) -> list[str]:
    means = ["mean", "sum"] if reading.at.B > 1 else ["mean"]
    return [stated.reduction] if stated.reduction else means


def said(reading: Reading) -> str:
    """J of the file in words"""
    mean = "J = Σᵢ 𝓛ᵢ" if reading.reduction == "sum" else "J = (1/B) Σᵢ 𝓛ᵢ"
    return f"{mean}, {reading.loss.said}"
