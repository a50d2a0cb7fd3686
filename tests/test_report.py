"""A report is a value: its verdict, what a reader sees first, and its JSON."""

import json
from typing import Any

import pytest

from verify.errors import Comparison
from verify.report import Finding, Oracle, Report, Verdict, WrongGradient

RIGHT = Comparison("W[1]", (0, 1), 1.0, 1.0, 0.2, 1.5, 6)
OFF = Comparison("b[1]", (2, 0), 2.0, 1.0, 1e6, 9e15, 3)
FAULT = Comparison("X", fault="expected shape (2, 3), got (3, 2); it is transposed")


def made(*verdicts: Verdict, **parts: Any) -> Report:
    findings = [Finding("eager", OFF if v != "ok" else RIGHT, v) for v in verdicts]
    fields: dict[str, Any] = {"name": "check", "dtype": "float64", "findings": tuple(findings)}
    return Report(**fields | {"seed": 5} | parts)


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        (("ok", "ok"), "ok"),
        (("ok", "inaccurate"), "inaccurate"),
        (("inaccurate", "undecided"), "undecided"),
        (("undecided", "wrong", "ok"), "wrong"),
        ((), "undecided"),
    ],
)
def test_the_worst_finding_is_the_verdict(verdicts: Any, verdict: str) -> None:
    report = made(*verdicts)
    assert report.verdict == verdict
    assert report.ok == (verdict == "ok")


def test_oracles_that_disagree_leave_it_undecided() -> None:
    oracle = Oracle("central differences", 5, 0.1, 0.1, 1e-9, agrees=False)
    assert made("ok", oracles=(oracle,)).verdict == "undecided"
    assert made("wrong", oracles=(oracle,)).verdict == "wrong"
    assert "DISAGREES" in str(made("ok", oracles=(oracle,)))


def test_raise_if_wrong() -> None:
    made("ok").raise_if_wrong()
    with pytest.raises(AssertionError, match=r"^INACCURATE: ") as raised:
        made("inaccurate").raise_if_wrong()
    assert isinstance(raised.value, WrongGradient)
    assert raised.value.report == made("inaccurate")


FIRST: dict[str, tuple[Report, str]] = {
    "ok": (made("ok"), "OK: every entry is right to within rounding"),
    "named": (made("wrong", mistakes=("b[1] is twice",)), "WRONG: b[1] is twice"),
    "unnamed": (made("wrong"), "WRONG: b[1], by no mistake that has a name here"),
    "a law": (
        made(findings=(Finding("law: zero", OFF, "wrong"), Finding("law: linear", OFF, "wrong"))),
        "WRONG: b[1]: the result does not depend linearly on the cotangent",
    ),
    "a law, and more": (
        made(findings=(Finding("law: zero", OFF, "wrong"), Finding("eager", OFF, "wrong"))),
        "WRONG: b[1], by no mistake that has a name here",
    ),
    "nothing": (made(), "UNDECIDED: there is nothing to hold it against"),
    "fault": (
        made(findings=(Finding("eager", FAULT, "wrong"),)),
        "WRONG: X: expected shape (2, 3), got (3, 2); it is transposed",
    ),
}


@pytest.mark.parametrize("what", FIRST)
def test_the_first_line_says_it(what: str) -> None:
    report, first = FIRST[what]
    assert str(report).partition("\n")[0] == first


def test_the_worst_entry_is_told() -> None:
    said = str(made("ok", "wrong"))
    assert "Worst entry, eager: b[1][2, 0] is 2, expected 1;" in said
    assert "9e+15 ULP of the leaf's largest entry, 1e+06 times what rounding explains" in said
    assert "9 entries compared: eager" in said
    assert said.endswith("seed=5 repeats this.")


def test_of_what_is_infinitely_far_off_no_ulps_are_told() -> None:
    of_zero = Comparison("b", (1,), 2.0, 0.0, 5e37, float("inf"), 3)
    said = str(made(findings=(Finding("eager", of_zero, "wrong", "entry"),)))
    assert "b[1] is 2, expected 0;\nrounding explains nothing of that" in said
    assert "inf ULP" not in said


def test_a_row_for_each_leaf_with_the_ways_in_which_it_is_wrong() -> None:
    ways = [Finding(how, OFF, "wrong") for how in ("eager", "jit")] + [Finding("vmap", OFF, "ok")]
    said = str(made(findings=tuple(ways)))
    assert said.count("b[1][2, 0]") == 2
    assert "wrong  eager, jit\n" in said


def test_many_leaves_are_cut() -> None:
    leaves = [Comparison(f"p[{i}]", (), 1.0, 1.0, i / 100, 0.0, 1) for i in range(50)]
    said = str(made(findings=tuple(Finding("eager", leaf, "ok") for leaf in leaves)))
    assert "… and 30 that are no worse" in said
    assert "p[49]" in said
    assert "p[3]" not in said


def test_lines_fit_a_terminal() -> None:
    assert max(map(len, str(made("ok", "wrong")).splitlines())) <= 100


def test_json() -> None:
    oracle = Oracle("many digits", 4, 1e-16, 0.0)
    nan = Finding(
        "jit", Comparison("b", (1,), float("nan"), 1.0, float("nan"), float("inf"), 2), "wrong"
    )
    report = made("ok", oracles=(oracle,), mistakes=("m",), notes=("n",))
    report = Report(**{**vars(report), "findings": (*report.findings, nan)})
    told = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert told == {
        "schema": "pure_nn.verify.report/1",
        "name": "check",
        "dtype": "float64",
        "seed": 5,
        "verdict": "wrong",
        "ok": False,
        "mistakes": ["m"],
        "notes": ["n"],
        "findings": [
            {
                "how": "eager",
                "verdict": "ok",
                "unit": "leaf",
                "where": "W[1]",
                "index": [0, 1],
                "got": 1.0,
                "expected": 1.0,
                "error": 0.2,
                "ulps": 1.5,
                "entries": 6,
                "fault": "",
            },
            {
                "how": "jit",
                "verdict": "wrong",
                "unit": "leaf",
                "where": "b",
                "index": [1],
                "got": "nan",
                "expected": 1.0,
                "error": "nan",
                "ulps": "inf",
                "entries": 2,
                "fault": "",
            },
        ],
        "oracles": [
            {
                "name": "many digits",
                "compared": 4,
                "by_hand": 1e-16,
                "reference": 0.0,
                "uncertainty": "nan",
                "agrees": True,
                "why": "",
            }
        ],
    }
