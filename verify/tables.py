"""The proof on a terminal: a table of errors, a table of digits, and a closing line."""

from collections.abc import Mapping, Sequence

from verify.accuracy import Accuracy
from verify.cases import HOWS, Case, How
from verify.errors import Comparison

CELL = 9

ERRORS = f"""\
Against jax.grad of the page in float64. The worst entry, in ULPs of the largest entry of its
array; the bound follows from the number of roundings.

{"float64":>{2 * CELL}}{"float32":>{2 * CELL}}
{"jit":>{CELL}}{"eager":>{CELL}}{"jit":>{CELL}}{"eager":>{CELL}}{"bound":>{CELL}}"""

DIGITS = f"""
Against exact values, under jit. The worst of all inputs, in ULPs of the exact value, beside what
people write: jax.nn and optax, and jax.grad of them. For soft targets in u(A·1ᵀY + Y), as A − Y
cancels.

{"":24}{"":10}{"inputs":>11}{"ours":>{CELL}}{"bound":>{CELL}}{"usual":>{CELL}}   worst at"""


def errors(case: Case, found: Mapping[How, Comparison]) -> str:
    """One line of the first table; what is not right is named below it."""
    cells = "".join(f"{_cell(found[how]) if how in found else '':>{CELL}}" for how in HOWS)
    faults = [f"\n      {how.dtype} {_mode(how)}: {c}" for how, c in found.items() if not c.ok]
    return f"{cells}{case.roundings / 2:>{CELL}.0f}   {case.name}" + "".join(faults)


def digits(row: Accuracy) -> str:
    """One line of the second table."""
    wrong = "" if row.ok else "   WRONG"
    return (
        f"  {row.name:<22}{row.dtype:<10}{row.inputs:>11,}{row.error:>{CELL}.3g}"
        f"{row.limit:>{CELL}.3g}{row.usual:>{CELL}.2g}   {row.at}{wrong}"
    )


def closing(comparisons: Sequence[Comparison], accuracies: Sequence[Accuracy]) -> str:
    right = [c.ok for c in comparisons] + [a.ok for a in accuracies]
    entries = sum(c.entries for c in comparisons) + sum(a.inputs for a in accuracies)
    return f"\n{entries:,} entries compared; {sum(right)} passed, {len(right) - sum(right)} failed"


def _cell(comparison: Comparison) -> str:
    return f"{comparison.ulps:.2g}" if comparison.ok else "WRONG"


def _mode(how: How) -> str:
    return "jit" if how.compiled else "eager"
