"""Constant factors, and what they are called: B, 1/B, −1, 2, ½, n[ℓ]."""

import itertools
from collections.abc import Mapping

Factors = Mapping[str, int]  # how many examples, units … there are, by name; "B" is the examples


def describe(θ: float, lengths: Factors, tol: float) -> tuple[bool, str]:
    """Whether the factor has a name, and what «dW[2] …» is then; several names where they are equal."""
    same = [text for value, text in _named(lengths) if abs(θ / value - 1) <= tol]
    if same:
        return True, ", or ".join(dict.fromkeys(same))
    return False, f"is {θ:.6g} times what it should be"


def _named(lengths: Factors) -> list[tuple[float, str]]:
    named = [
        (-1.0, "has the wrong sign"),
        (2.0, "is 2 times too large"),
        (0.5, "is ½ of what it should be: 2 times too small"),
        (-2.0, "has the wrong sign and is 2 times too large"),
        (-0.5, "has the wrong sign and is 2 times too small"),
    ]
    for name, n in lengths.items():
        named += _of_length(name, n) if n > 1 else []
    B = lengths.get("B", 1)
    for name, n in lengths.items():
        if name != "B" and B != n:
            named.append((B / n, f"is divided by {name} = {n} where B = {B} belongs"))
    for (a, n), (b, m) in itertools.permutations(lengths.items(), 2):
        if "B" not in (a, b) and n != m:
            named.append((n / m, f"is {a}/{b} = {n}/{m} times what it should be"))
    return named


def _of_length(name: str, n: int) -> list[tuple[float, str]]:
    if name != "B":
        return [
            (float(n), f"is {name} = {n} times too large"),
            (1 / n, f"is {name} = {n} times too small"),
        ]
    missing = "the mean over the batch is missing"
    again = "the mean over the batch is taken twice"
    return [
        (float(n), f"is B = {n} times too large: {missing}"),
        (1 / n, f"is B = {n} times too small: {again}"),
        (-float(n), f"has the wrong sign and is B = {n} times too large: {missing}"),
        (-1 / n, f"has the wrong sign and is B = {n} times too small: {again}"),
        (2.0 * n, f"is 2B = {2 * n} times too large: {missing}, and a factor 2 too many"),
        (n / 2, f"is B/2 = {n / 2:g} times too large: {missing}, and a factor ½ too many"),
        (n / (n - 1), f"is divided by B − 1 = {n - 1} where B = {n} belongs"),
        (n / (n + 1), f"is divided by B + 1 = {n + 1} where B = {n} belongs"),
        (float(n) ** 2, f"is B² = {n**2} times too large"),
        (1 / float(n) ** 2, f"is B² = {n**2} times too small"),
    ]
