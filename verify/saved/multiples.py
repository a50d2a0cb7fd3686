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
    means = ["mean", "sum"] if reading.at.B > 1 else ["mean"]
    reductions = [stated.reduction] if stated.reduction else means
    seen: list[float] = []
    for reduction, loss in itertools.product(reductions, _losses(reading, stated)):
        found = reading.scaled(loss, reduction)
        if not any(abs(found.scale / s - 1) < SAME for s in seen):
            seen.append(found.scale)
            yield found


def _losses(reading: Reading, stated: Stated) -> list[Loss]:
    n, name = len(reading.at.Y), reading.loss.name
    every = words.losses(n)
    if stated.loss is not None:
        return [every[stated.loss]]
    others = {
        "squared_error": [
            every["sse"],
            every["mse"],
            Loss(name, 1.0 / n, f"𝓛 = ‖A − Y‖²/(2n), n = {n} units"),
        ],
        "binary_cross_entropy": [
            Loss(name, 1.0 / n, f"𝓛 its mean over the n = {n} units, as in PyTorch and Keras")
        ],
    }
    return [every[name], *others.get(name, [])]


def same_scale(reading: Reading, stated: Stated) -> list[str]:
    """Further multiples that are the same number here, as 2 and B where B = 2"""
    means = [stated.reduction] if stated.reduction else ["mean", "sum"]
    every = (
        reading.scaled(loss, mean)
        for mean, loss in itertools.product(means, _losses(reading, stated))
    )
    ours = said(reading)
    return [said(r) for r in every if abs(r.scale / reading.scale - 1) < SAME and said(r) != ours]


def said(reading: Reading) -> str:
    """J of the file in words"""
    mean = "J = Σᵢ 𝓛ᵢ" if reading.reduction == "sum" else "J = (1/B) Σᵢ 𝓛ᵢ"
    return f"{mean}, {reading.loss.said}"
