"""Constant factors, and what they are called: B, 1/B, −1, 2, ½, n[ℓ]."""

import itertools
from collections.abc import Iterator, Mapping

ROUND, EASY = 2.0**-16, 2.0**-10  # any θ is as near to a number of two digits once in 300, in 5

Lengths = Mapping[str, int]  # how many examples, units … there are, by name; "B" is the examples


def describe(θ: float, lengths: Lengths, tol: float) -> tuple[bool, str]:
    """Whether the factor has a name, and what «dW[2] …» then is; all names where they are equal."""
    for names in (_simple, _others_still):
        told = [(value, text) for value, text in names(lengths) if abs(value - 1) > tol]
        same = [text for value, text in told if abs(θ / value - 1) <= tol]
        if same:
            return True, ", or ".join(dict.fromkeys(same))
    shown = f"{θ:.2g}" if is_round(θ, tol, EASY) else f"{θ:.6g}"
    return False, f"is {shown} times what it should be"


def is_round(θ: float, tol: float, least: float) -> bool:
    """Whether it is a number of two digits, as people write it"""
    return abs(float(f"{θ:.1e}") - θ) <= tol * abs(θ) < least * abs(θ)


def _simple(lengths: Lengths) -> Iterator[tuple[float, str]]:
    yield from (
        (-1.0, "has the wrong sign"),
        (2.0, "is 2 times too large"),
        (0.5, "is ½ of what it should be"),
        (-2.0, "has the wrong sign and is 2 times too large"),
        (-0.5, "has the wrong sign and is ½ of what it should be"),
    )
    yield from _of_batch(lengths.get("B", 1))
    for n, names in _others(lengths).items():
        yield n, f"is {names} = {n} times too large"
        yield 1 / n, f"is {names} = {n} times too small"


def _of_batch(B: int) -> Iterator[tuple[float, str]]:
    if B > 1:
        missing, again = "the mean over the batch is missing", "the mean is taken twice"
        yield from (
            (B, f"is B = {B} times too large: {missing}"),
            (1 / B, f"is B = {B} times too small: {again}"),
            (-B, f"has the wrong sign and is B = {B} times too large: {missing}"),
            (-1 / B, f"has the wrong sign and is B = {B} times too small: {again}"),
            (B / (B - 1), f"is divided by B − 1 = {B - 1} where B = {B} belongs"),
            (B / (B + 1), f"is divided by B + 1 = {B + 1} where B = {B} belongs"),
        )


def _others(lengths: Lengths) -> dict[int, str]:
    """What has n entries besides the batch, for each n"""
    sizes = sorted({n for name, n in lengths.items() if name != "B" and n > 1})
    return {
        m: " = ".join(name for name, n in lengths.items() if n == m and name != "B") for m in sizes
    }


def _of_lengths(lengths: Lengths) -> Iterator[tuple[float, str]]:
    B = lengths.get("B", 1)
    if B > 1:
        yield 2 * B, f"is 2B = {2 * B} times too large"
        yield B / 2, f"is B/2 = {B / 2:g} times too large"
        yield 0.5 / B, f"is 2B = {2 * B} times too small"
        yield 2 / B, f"is B/2 = {B / 2:g} times too small"
        yield B**2, f"is B² = {B**2} times too large"
        yield 1 / B**2, f"is B² = {B**2} times too small"
    for n, names in _others(lengths).items():
        if n != B:
            yield B / n, f"is divided by {names} = {n} where B = {B} belongs"


def _ratios(lengths: Lengths) -> Iterator[tuple[float, str]]:
    for (n, a), (m, b) in itertools.permutations(_others(lengths).items(), 2):
        yield n / m, f"is {n}/{m} times what it should be, where {n} = {a} and {m} = {b}"


def _others_still(lengths: Lengths) -> Iterator[tuple[float, str]]:
    yield from (*_of_lengths(lengths), *_ratios(lengths))
    for n in range(3, 11):
        yield n, f"is {n} times too large"
        yield 1 / n, f"is {n} times too small"
