"""What was measured as lines of a table, as a record and as a figure."""

import math
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from experiments.benchmarks.problem import Goal, Workload
from experiments.benchmarks.rounds import Measured, Ratio, fastest

WIDE = 0.1  # an interval of a paired ratio that says nothing
OURS, OTHERS = "#1b9e77", "#777777"
TICKS = [x * 10.0**k for k in range(-3, 4) for x in (1, 2, 5)]


def table(workload: Workload, measured: Measured) -> Iterator[str]:
    """Seconds of a call, the ratio of the first contender to each other one, and each goal"""
    first = next(iter(measured.timed))
    yield f"{workload.name}, B = {workload.problem.B}, {workload.problem.dtype}"
    yield f"  {'':<28}{'a call':>10}   {'ours to it, 95 %':<22}{'start':>9}{'first call':>12}"
    for name, timed in measured.timed.items():
        told = "" if name == first else str_of(measured.ratio(first, name))
        before = f"{shown(timed.start):>9}{shown(timed.first):>12}"
        yield f"  {name:<28}{shown(timed.median):>10}   {told:<22}{before}"
    for name, why in measured.missing.items():
        yield f"  {name:<28}   left out: {why}"
    for goal in workload.goals:
        yield f"  {said(judged(goal, measured))}"


def str_of(ratio: Ratio) -> str:
    return f"{ratio.median:.3g}  [{ratio.low:.3g}, {ratio.high:.3g}]"


def shown(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            return f"{seconds / size:.3g} {unit}"
    return ""


def judged(goal: Goal, measured: Measured) -> dict[str, Any]:
    """What a goal is, what was seen, and `met`: true, false, or null where nothing is decided"""
    record: dict[str, Any] = {"ours": goal.ours, "what": goal.what, "most": goal.most, "met": None}
    other = fastest(measured.timed, goal.others)
    if other is None or goal.ours not in measured.timed:
        return record | {"other": None, "why": "none of those to compare with took part"}
    record |= {"other": other}
    if goal.what == "first call":
        seen = measured.timed[goal.ours].first / measured.timed[other].first
        return record | {"ratio": seen, "met": seen <= goal.most}
    ratio = measured.ratio(goal.ours, other)
    record |= {"ratio": ratio.median, "low": ratio.low, "high": ratio.high}
    if goal.paired and ratio.high - ratio.low > WIDE:
        return record | {"why": f"the interval is wider than {WIDE}"}
    return record | {"met": ratio.median <= goal.most and (not goal.paired or ratio.low <= 1)}


def said(record: dict[str, Any]) -> str:
    how = {True: "met", False: "NOT met", None: f"undecided: {record.get('why')}"}[record["met"]]
    seen = f"{record['ratio']:.3g}" if "ratio" in record else "nothing"
    first = "first call, " if record["what"] == "first call" else ""
    return f"goal: {first}{record['ours']} / {record['other']} ≤ {record['most']}: {seen}, {how}"


def record(workload: Workload, measured: Measured) -> dict[str, Any]:
    """For the JSON file"""
    first, problem = next(iter(measured.timed)), workload.problem
    return {
        "workload": workload.name,
        "sizes": problem.sizes,
        "B": problem.B,
        "m": problem.m or problem.B,
        "dtype": problem.dtype,
        "product_flops_of_a_step": problem.flops,
        "contenders": {
            name: {
                "seconds": timed.median,
                **timed._asdict(),
                "ratio": measured.ratio(first, name)._asdict(),
            }
            for name, timed in measured.timed.items()
        },
        "missing": measured.missing,
        "goals": [judged(goal, measured) for goal in workload.goals],
    }


def draw(figure: Figure, results: list[tuple[Workload, Measured]]) -> None:
    """How many times as long as the first each contender takes, one panel a workload"""
    columns = min(3, len(results))
    rows = math.ceil(len(results) / columns)
    figure.set_size_inches(6.5 * columns, 0.6 + 3.4 * rows)
    panels = iter(figure.subplots(rows, columns, squeeze=False).flat)
    for (workload, measured), axes in zip(results, panels, strict=False):
        _draw_one(axes, workload.name, measured)
    for axes in panels:
        axes.set_axis_off()
    figure.supxlabel("time of a call, the first being 1 (log scale; lines: 95 % intervals)")


def _draw_one(axes: Axes, title: str, measured: Measured) -> None:
    first, *_ = measured.timed
    ratios = {name: measured.ratio(first, name) for name in measured.timed}
    times = [1 / ratio.median for ratio in ratios.values()]
    ends = [(1 / r.median - 1 / r.high, 1 / r.low - 1 / r.median) for r in ratios.values()]
    colours = [OURS if name == first else OTHERS for name in ratios]
    axes.barh(list(ratios), times, xerr=list(zip(*ends, strict=True)), color=colours)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    low, high = min(0.5, *times) / 2, max(2, *times) * 1.5
    axes.set_xlim(low, high)
    axes.set_xticks([x for x in TICKS if low <= x <= high], minor=False)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    for i, name in enumerate(ratios):
        label = shown(measured.timed[name].median)
        axes.text(low * 1.05, i, label, va="center", color="white", fontsize=9)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=12)
