"""The table on a terminal: a row for each mistake, and the goals."""

import dataclasses
from collections.abc import Iterable, Iterator

from verify.selftest.catalogue import KNOWN, STRANGERS
from verify.selftest.jobs import PURE_NN, STUDENT, TWO, Found
from verify.selftest.measure import FEW, Tally

BOTH = ("float64", "float32")
ABOUT = """\
Mistakes made on purpose in the NumPy code of a student, one at a time, in one layer of a random
network; right code for comparison. Of those that change the gradient by more than rounding, in %:
  f64 f32   found, in float64 and in float32
  lay       of those found, the layer named rightly
  kind      the mistake named rightly: it is among those that give the same numbers
  bad       named wrongly
  unk       called unknown, or named in part
The first rows are false alarms in %: right gradients that are called wrong."""
GROUPS = (
    ("diagnose", 6),
    ("check_gradient, net", 4),
    ("check_gradient", 4),
    ("check_grads", 2),
    ("gradcheck", 1),
)
COLUMNS = (
    "f64 f32 lay kind bad unk",
    "f64 f32 kind bad",
    "f64 f32 kind bad",
    "f64 f32",
    "f64",
)
JUDGES = ("diagnose", "with net", "without net", "check_grads", "gradcheck")
JUDGE_NAMES = dict(zip(JUDGES, (name for name, _ in GROUPS), strict=True))
NAME, CELL = 30, 5


def header() -> str:
    widths = [CELL * n for _, n in GROUPS]
    judges = " ".join(f"{name:>{w}}" for (name, _), w in zip(GROUPS, widths, strict=True))
    cells = " ".join("".join(f"{c:>{CELL}}" for c in columns.split()) for columns in COLUMNS)
    return f"{'':{NAME}}     {judges}\n{'':{NAME}}    n {cells}"


def rows(found: Found) -> Iterator[str]:
    yield ABOUT
    yield header()
    yield alarm_row(found, STUDENT)
    yield alarm_row(found, PURE_NN)
    for title, mistakes in (("in the catalogue", KNOWN), ("in no catalogue", STRANGERS)):
        yield title
        for mistake in mistakes:
            yield row(found, f"  {mistake.name}", (mistake.name,))
        yield row(found, f"  all {len(mistakes)}", [m.name for m in mistakes])
    yield row(found, TWO, (TWO,))
    yield from alarms(found)


def row(found: Found, title: str, names: Iterable[str]) -> str:
    names = tuple(names)
    n = sum(pooled(found, names, "diagnose", dtype)["trials"] for dtype in BOTH)
    groups = [
        "".join(f"{cell:>{CELL}}" for cell in _cells(found, names, judge, columns.split()))
        for judge, columns in zip(JUDGES, COLUMNS, strict=True)
    ]
    return f"{title:{NAME}}{n:>5} " + " ".join(groups)


def _cells(found: Found, names: tuple[str, ...], judge: str, columns: list[str]) -> Iterator[str]:
    f64, f32 = (pooled(found, names, judge, dtype) for dtype in BOTH)
    both = f64 + f32
    shares = {
        "f64": (f64["found"], f64["trials"]),
        "f32": (f32["found"], f32["trials"]),
        "lay": (both["layer"], both["found"]),
        "kind": (both["right"], both["found"]),
        "bad": (both["wrong"], both["found"]),
        "unk": (both["unknown"] + both["some"], both["found"]),
    }
    yield from (percent(*shares[column]) for column in columns)


def alarm_row(found: Found, name: str) -> str:
    groups = []
    for judge, columns in zip(JUDGES, COLUMNS, strict=True):
        tallies = {
            c: found.get((name, judge, d), Tally())
            for c, d in zip(("f64", "f32"), BOTH, strict=True)
        }
        cells = [tallies.get(column, Tally()) for column in columns.split()]
        groups.append("".join(f"{percent(called_wrong(t), t['right']):>{CELL}}" for t in cells))
    n = sum(
        t["right"] for (row, judge, _), t in found.items() if (row, judge) == (name, "diagnose")
    )
    return f"{name:{NAME}}{n:>5} " + " ".join(groups)


def alarms(found: Found) -> Iterator[str]:
    """Right gradients in every dtype"""
    yield "\nRight gradients, those called wrong, and those called inaccurate"
    for (name, judge, dtype), t in found.items():
        if name in (STUDENT, PURE_NN) and judge in JUDGES[:3]:
            counts = f"{t['right']:>7}{called_wrong(t):>7}{t['inaccurate']:>7}"
            yield f"  {name:{NAME - 2}}{JUDGE_NAMES[judge]:<21}{dtype:<10}{counts}"


def called_wrong(tally: Tally) -> int:
    """Of right gradients"""
    return tally["right"] - tally["ok"] - tally["inaccurate"]


def percent(part: int, whole: int) -> str:
    """Whole numbers only where they are exact"""
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.0f}" if share in (0, 100) else f"{min(max(share, 0.1), 99.9):.1f}"


def pooled(found: Found, names: Iterable[str], judge: str, dtype: str) -> Tally:
    return sum((found.get((name, judge, dtype), Tally()) for name in names), Tally())


@dataclasses.dataclass(frozen=True)
class Goal:
    """So much of something, at least or at most"""

    what: str
    part: int
    whole: int
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        return self.within(0.0)

    def within(self, slack: float) -> bool:
        """Whether it is met, or missed by less than `slack`; not where nothing was measured"""
        if not self.whole:
            return False
        share = self.part / self.whole
        least, most = self.least or 0.0, 1.0 if self.most is None else self.most
        return least - slack <= share <= most + slack

    def __str__(self) -> str:
        bound = f"≥ {self.least:.1%}" if self.least is not None else f"≤ {self.most:.1%}"
        count = f"{self.part} of {self.whole}"
        return f"  {'met   ' if self.met else 'MISSED'} {self.what:<52}{bound:>10}   {count}"


def goals(found: Found) -> list[Goal]:
    known, strange = [m.name for m in KNOWN], [m.name for m in STRANGERS]
    judges = [j for j in ("diagnose", "with net", "without net") if any(k[1] == j for k in found)]
    return [
        goal
        for judge in judges
        for goal in (*_finding(found, judge, known + strange), *_alarms(found, judge))
    ] + [*_naming(found, known), *_strangers(found, strange)]


def _finding(found: Found, judge: str, names: list[str]) -> Iterator[Goal]:
    for dtype, least in zip(BOTH, (1.0, 0.99), strict=True):
        tally = pooled(found, names, judge, dtype)
        yield Goal(f"{judge}: found in {dtype}", tally["found"], tally["trials"], least=least)


def _alarms(found: Found, judge: str) -> Iterator[Goal]:
    tallies = [
        t for (name, who, _), t in found.items() if who == judge and name in (STUDENT, PURE_NN)
    ]
    total = sum(tallies, Tally())
    equal = sum((t for (_, who, _), t in found.items() if who == judge), Tally())
    wrong = called_wrong(total) + equal["alarms"]
    yield Goal(f"{judge}: false alarms", wrong, total["right"] + equal["equal"], most=0.0)


def _naming(found: Found, names: list[str]) -> Iterator[Goal]:
    tally = sum((pooled(found, names, "diagnose", dtype) for dtype in BOTH), Tally())
    for what, key, least, most in (
        ("layer right", "layer", 1.0, None),
        ("kind right", "right", 0.98, None),
        ("named wrongly", "wrong", None, 0.005),
        (f"at most {FEW} names at once", "few", 0.98, None),
    ):
        yield Goal(f"diagnose: {what}", tally[key], tally["found"], least, most)


def _strangers(found: Found, names: list[str]) -> Iterator[Goal]:
    tally = sum((pooled(found, names, "diagnose", dtype) for dtype in BOTH), Tally())
    yield Goal("diagnose: layer right, in no catalogue", tally["layer"], tally["found"], least=1.0)
    yield Goal(
        "diagnose: named wrongly, in no catalogue", tally["wrong"], tally["found"], most=0.005
    )
