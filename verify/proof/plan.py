"""What a run of the proof takes up: rows by number, sweeps, functions of all float32."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from verify import accuracy
from verify.proof import exhaustive
from verify.rows import rows

Sweep = tuple[Any, ...]  # a function of verify.accuracy and its arguments

SWEEPS: Mapping[str, Sequence[Sweep]] = {
    "float64": ((accuracy.scalars, "float64", 40), (accuracy.columns, "float64", 1, (10,))),
    "float32": ((accuracy.scalars, "float32", 4), (accuracy.columns, "float32", 10, (10, 1000))),
    "bfloat16": ((accuracy.scalars, "bfloat16"),),
    "float16": ((accuracy.scalars, "float16"),),
}
ASKED: Mapping[str, Sequence[Sweep]] = {
    dtype: ((accuracy.columns, dtype, 10, (10, 1000)),) for dtype in ("bfloat16", "float16")
}  # beside them, of dtypes that are asked for
OWN = ("float64", "float32")  # the dtypes of the rows unless others are asked for


class Plan(NamedTuple):
    """`dtypes` are those asked for, none to leave each row its own."""

    numbers: tuple[int, ...]
    dtypes: tuple[str, ...]
    sweeps: tuple[Sweep, ...]
    names: frozenset[str]
    exhaustive: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        return self.dtypes or OWN


class NothingMatchedError(ValueError):
    """The message lists what there is."""


def plan(dtypes: Sequence[str], text: str, *, exhaustively: bool) -> Plan:
    """What has `text` in its name, in the dtypes asked for.

    NothingMatchedError: nothing has.
    """
    numbers = [i for i, row in enumerate(rows()) if text in row.case.name]
    names = frozenset(name for swept in SWEPT.values() for name in swept() if text in name)
    sweeps = [
        sweep
        for dtype in dtypes or SWEEPS
        for sweep in (*SWEEPS[dtype], *(ASKED.get(dtype, ()) if dtypes else ()))
        if names.intersection(SWEPT[sweep[0]]())
    ]
    chosen = [name for name in exhaustive.names() if text in name] if exhaustively else []
    if not (numbers or sweeps or chosen):
        raise NothingMatchedError(f"expected a part of a row's name, got {text!r}; {listing()}")
    return Plan(tuple(numbers), tuple(dtypes), tuple(sweeps), names, tuple(chosen))


SWEPT: Mapping[Callable[..., Any], Callable[[], Sequence[str]]] = {
    accuracy.scalars: lambda: [f.name for f in accuracy.SCALARS],
    accuracy.columns: lambda: list(accuracy.COLUMNS),
}


def listing() -> str:
    """Every name, section by section"""
    sections: dict[str, list[str]] = {}
    for row in rows():
        sections.setdefault(row.section, []).append(row.case.name)
    sections["Digits"] = [name for swept in SWEPT.values() for name in swept()]
    lines = [f"\n{section}\n  " + "\n  ".join(names) for section, names in sections.items()]
    return "there are:\n" + "\n".join(lines)
