"""The proof on a terminal: a table of errors, a table of digits, and a closing line."""

from collections.abc import Mapping, Sequence

from verify.accuracy import Accuracy
from verify.cases import How, Judged

CELL = 9
BESIDE = "jax.grad"

ABOUT_ERRORS = f"""\
Against the page to many digits; networks, at the end, against jax.grad in float64. The worst entry,
in ULPs of the largest entry of its array, beside that of {BESIDE} on the same inputs in the same
dtype; and the largest part of its bound that an error takes up.
"""

ABOUT_DIGITS = f"""
Against exact values, under jit. The worst of all inputs, in ULPs of the exact value, beside what
people write: jax.nn and optax, and jax.grad of them. For soft targets in u(A·1ᵀY + Y), as A − Y
cancels.

{"":24}{"":10}{"inputs":>11}{"ours":>{CELL}}{"bound":>{CELL}}{"usual":>{CELL}}   worst at"""

ABOUT_EVERYTHING = """
All 2³² float32 inputs, as above; ±∞ and NaN too.
"""


def heading(dtypes: Sequence[str]) -> str:
    """Three columns for each dtype, and the last."""
    above = "".join(f"{dtype:>{3 * CELL}}" for dtype in dtypes)
    columns = "".join(f"{name:>{CELL}}" for name in ("jit", "eager", BESIDE) * len(dtypes))
    return f"{ABOUT_ERRORS}\n{above}\n{columns}{'of bound':>{CELL}}"


def errors(name: str, found: Mapping[How, Judged], dtypes: Sequence[str]) -> str:
    """One line of the first table; what is not right is named below it."""
    cells = "".join(_of_dtype(found, dtype) for dtype in dtypes)
    part = max(judged.ours.error for judged in found.values())
    faults = [line for how, judged in found.items() for line in _faults(how, judged)]
    return f"{cells}{part:>{CELL}.2g}   {name}" + "".join(faults)


def digits(row: Accuracy) -> str:
    """One line of the second table."""
    wrong = "" if row.ok else "   WRONG"
    return (
        f"  {row.name:<22}{row.dtype:<10}{row.inputs:>11,}{row.error:>{CELL}.3g}"
        f"{row.limit:>{CELL}.3g}{row.usual:>{CELL}.2g}   {row.at}{wrong}"
    )


def closing(judged: Sequence[Judged], accuracies: Sequence[Accuracy]) -> str:
    right = [j.ok for j in judged] + [a.ok for a in accuracies]
    entries = sum(j.ours.entries for j in judged) + sum(a.inputs for a in accuracies)
    return f"\n{entries:,} entries compared; {sum(right)} passed, {len(right) - sum(right)} failed"


def _of_dtype(found: Mapping[How, Judged], dtype: str) -> str:
    ways = [found.get(How(dtype, compiled)) for compiled in (True, False)]
    ours = ["" if way is None else _ulps(way) for way in ways]
    beside = [way.autodiff_ulps for way in ways if way and not way.is_by_autodiff]
    cells = [*ours, f"{beside[0]:.2g}" if beside else ""]
    return "".join(f"{cell:>{CELL}}" for cell in cells)


def _ulps(judged: Judged) -> str:
    return f"{judged.ulps:.2g}" if judged.ours.ok else "WRONG"


def _faults(how: How, judged: Judged) -> list[str]:
    faults = [] if judged.ours.ok else [f"\n      {how}: {judged.ours}"]
    if judged.autodiff is None or judged.autodiff.ok:
        return faults
    return [*faults, f"\n      {how}: the oracles disagree; {BESIDE}: {judged.autodiff}"]
