"""A report as a reader sees it: the verdict and its reason first, the evidence below."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from verify.errors import Comparison

if TYPE_CHECKING:
    from verify.report import Finding, Oracle, Report

ROWS = 20  # of the table of leaves: the worst ones, if there are more
LINEARITY = {"law: zero", "law: linear"}
Row = tuple[str, ...]


def report(found: "Report") -> str:
    """The verdict and the mistake; the worst entry; the leaves; the oracles; notes; the seed."""
    parts = [_headline(found), *_worst(found), "", _context(found), "", *_leaves(found.findings)]
    if found.oracles:
        parts += ["", *_oracles(found.oracles)]
    if found.notes:
        parts += ["", *(f"Note: {note}" for note in found.notes)]
    return "\n".join([*parts, "", f"seed={found.seed} repeats this."])


def _headline(found: "Report") -> str:
    """«WRONG: W[2] is 2 times too large»"""
    verdict, worst = found.verdict, found.worst()
    if found.mistakes:
        return f"{verdict.upper()}: " + f"\n{' ' * len(verdict)}  ".join(found.mistakes)
    if not all(oracle.agrees for oracle in found.oracles):
        return "UNDECIDED: the oracles disagree with one another"
    if worst and worst.comparison.fault and not found.ok:
        return f"{verdict.upper()}: {worst.comparison.where}: {worst.comparison.fault}"
    reasons = {
        "ok": "every entry is right to within rounding",
        "inaccurate": "the equation is right, but rounding takes digits",
        "undecided": "there is nothing to hold it against",
        "wrong": _wrong_ones(found),
    }
    return f"{verdict.upper()}: {reasons[verdict]}"


def _wrong_ones(found: "Report") -> str:
    wrong = [f for f in found.findings if f.verdict == "wrong"]
    names = list(dict.fromkeys(f.comparison.where for f in wrong))
    said = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    if {f.how for f in wrong} <= LINEARITY:
        return f"{said}: the result does not depend linearly on the cotangent"
    return f"{said}, by no mistake that has a name here"


def _context(found: "Report") -> str:
    ways = list(dict.fromkeys(finding.how for finding in found.findings))
    entries = sum(finding.comparison.entries for finding in found.findings)
    return f"{found.name} in {found.dtype}\n{entries:,} entries compared: {', '.join(ways)}"


def _worst(found: "Report") -> Iterator[str]:
    worst = found.worst()
    if worst and worst.verdict != "ok" and not worst.comparison.fault:
        compared = worst.comparison
        yield (
            f"Worst entry, {worst.how}: {_place(compared)} is {compared.got:.9g}, expected "
            f"{compared.expected:.9g};\n{_how_far(worst)}"
        )


def _how_far(worst: "Finding") -> str:
    compared = worst.comparison
    if not math.isfinite(compared.ulps):
        return "rounding explains nothing of that"
    what = "that entry" if worst.unit == "entry" else "the leaf's largest entry"
    return (
        f"{_number(compared.ulps)} ULP of {what}, {_number(compared.error)} times what rounding "
        "explains"
    )


def _place(compared: Comparison) -> str:
    index = f"[{', '.join(map(str, compared.index))}]" if compared.index else ""
    return f"{compared.where}{index}"


def _number(x: float) -> str:
    return f"{x:,.0f}" if 100 <= abs(x) < 1e6 else f"{x:.2g}"


# tables


def _leaves(findings: Sequence["Finding"]) -> list[str]:
    """A row for each leaf, where it is furthest off; where there are too many, the worst"""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.comparison.where, []).append(finding)
    worst = {name: max(group, key=_badness) for name, group in groups.items()}
    shown = sorted(worst, key=lambda name: _badness(worst[name]), reverse=True)[:ROWS]
    rows = [_leaf(worst[name], groups[name]) for name in worst if name in shown]
    left = len(worst) - len(shown)
    header = ("leaf, worst entry", "error/bound", "ULP", "by hand", "expected", "", "")
    faults = [f"{f.comparison.where}: {f.comparison.fault}" for f in findings if f.comparison.fault]
    more = [f"… and {left} that are no worse"] * bool(left)
    return _aligned([header, *rows]) + more + [*dict.fromkeys(faults)]


def _badness(finding: "Finding") -> tuple[bool, bool, float]:
    error = finding.comparison.error
    return (
        finding.verdict != "ok",
        bool(finding.comparison.fault),
        math.inf if math.isnan(error) else error,
    )


def _leaf(worst: "Finding", group: Sequence["Finding"]) -> Row:
    c = worst.comparison
    bad = [finding.how for finding in group if finding.verdict != "ok"]
    where = worst.how if not bad else "all ways" if len(bad) == len(group) > 1 else ", ".join(bad)
    if c.entries == 0:
        return (c.where, "", "", "", "", worst.verdict, where)
    numbers = (_number(c.error), _number(c.ulps), f"{c.got:.6g}", f"{c.expected:.6g}")
    return (_place(c), *numbers, worst.verdict, where)


def _oracles(oracles: Sequence["Oracle"]) -> list[str]:
    """How far each is from the hand-written gradient and from the reference, which stands first"""
    header = ("oracle", "compared", "by hand off", "reference off", "±", "", "")
    rows = [_oracle(oracle) for oracle in oracles if oracle.compared]
    absent = [f"{o.name}: not used, {o.why}" for o in oracles if not o.compared]
    return (_aligned([header, *rows]) if rows else []) + absent


def _oracle(oracle: "Oracle") -> Row:
    known = (oracle.by_hand, oracle.reference, oracle.uncertainty)
    numbers = ("" if math.isnan(x) else f"{x:.1e}" if x else "0" for x in known)
    return (oracle.name, f"{oracle.compared:,}", *numbers, "" if oracle.agrees else "DISAGREES", "")


def _aligned(rows: Sequence[Row]) -> list[str]:
    """Numbers to the right, between the first column and the last two"""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = range(1, len(widths) - 2)
    lines = []
    for row in rows:
        cells = [
            x.rjust(w) if i in numbers else x.ljust(w)
            for i, (x, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
