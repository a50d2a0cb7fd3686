"""What a check found, as a value: `report.ok`, `print(report)`, `raise_if_wrong()`, `to_json()`."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Literal

from verify import layout
from verify.errors import Comparison

Verdict = Literal["ok", "inaccurate", "undecided", "wrong"]
Unit = Literal["leaf", "entry"]
WORSE: tuple[Verdict, ...] = ("ok", "inaccurate", "undecided", "wrong")
SCHEMA = "pure_nn.verify.report/1"


class WrongGradient(AssertionError):
    """What `raise_if_wrong` raises; its `report` is the report that it prints."""

    def __init__(self, report: "Report") -> None:
        super().__init__(str(report))
        self.report = report


@dataclasses.dataclass(frozen=True)
class Finding:
    """One leaf, judged in one way: `how` is "eager", "jit", "vmap", or the name of a law.

    ULPs are those of the leaf's largest entry; of the entry itself where `unit` is "entry".
    """

    how: str
    comparison: Comparison
    verdict: Verdict
    unit: Unit = "leaf"


@dataclasses.dataclass(frozen=True)
class Oracle:
    """One source of derivatives, and how far it is from the others.

    compared      so many derivatives; 0 where it does not apply, and `why` says why
    by_hand       the largest difference of the hand-written gradient from it
    reference     the largest difference of the reference from it
    uncertainty   its own, where it is furthest from the reference

    The three are relative to the largest entry of the leaf (of the gradient, along a direction
    that crosses leaves); absolute, where that is 0.
    """

    name: str
    compared: int = 0
    by_hand: float = math.nan
    reference: float = math.nan
    uncertainty: float = math.nan
    agrees: bool = True
    why: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that one check found.

    verdict   "ok"; "inaccurate": the right equation, with digits lost to rounding; "wrong";
              "undecided": the oracles disagree with one another, or nothing was compared
    """

    name: str
    dtype: str
    findings: tuple[Finding, ...]
    oracles: tuple[Oracle, ...] = ()
    mistakes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int = 0

    @property
    def verdict(self) -> Verdict:
        found = [finding.verdict for finding in self.findings]
        undecided = not all(oracle.agrees for oracle in self.oracles) or not found
        return max(found + ["undecided"] * undecided, key=WORSE.index)

    @property
    def ok(self) -> bool:
        return self.verdict == "ok"

    def worst(self) -> Finding | None:
        """The finding with the worst verdict; among those, a fault, then the largest error."""
        return max(self.findings, key=badness, default=None)

    def raise_if_wrong(self) -> None:
        """WrongGradient, which is an AssertionError, unless the report is ok."""
        if not self.ok:
            raise WrongGradient(self)

    def __str__(self) -> str:
        return layout.report(self)

    def to_json(self) -> dict[str, Any]:
        """What `json.dumps` takes.

            schema                 "pure_nn.verify.report/1"
            name, dtype, seed      as given; the dtype is the coarsest of the arguments
            verdict, ok            "ok" | "inaccurate" | "undecided" | "wrong"; whether it is "ok"
            mistakes, notes        sentences
            findings, oracles      objects with the fields of Finding, of Comparison and of Oracle

        Numbers that JSON has no form for are the strings "nan", "inf" and "-inf".
        """
        facts = {"schema": SCHEMA, "name": self.name, "dtype": self.dtype, "seed": self.seed}
        facts |= {"verdict": self.verdict, "ok": self.ok}
        facts |= {"mistakes": list(self.mistakes), "notes": list(self.notes)}
        facts["findings"] = [_finding(finding) for finding in self.findings]
        facts["oracles"] = [_plain(dataclasses.asdict(oracle)) for oracle in self.oracles]
        return facts


def badness(finding: Finding) -> tuple[int, bool, float]:
    compared = finding.comparison
    error = math.inf if math.isnan(compared.error) else compared.error
    return WORSE.index(finding.verdict), bool(compared.fault), error


def _finding(finding: Finding) -> dict[str, Any]:
    judged = {"how": finding.how, "verdict": finding.verdict, "unit": finding.unit}
    return judged | _plain(dataclasses.asdict(finding.comparison))


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(x) for name, x in fields.items()}


def _number(x: Any) -> Any:
    if isinstance(x, float) and not math.isfinite(x):
        return str(x)
    return list(x) if isinstance(x, Sequence) and not isinstance(x, str) else x
