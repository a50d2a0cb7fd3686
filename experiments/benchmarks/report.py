"""What was measured as lines of a table, as a record and as a figure."""

import math
from collections.abc import Iterator
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from experiments.benchmarks.contenders.floors import PEAK
from experiments.benchmarks.problem import Goal, Workload
from experiments.benchmarks.rounds import Measured, Ratio, fastest

WIDE, FEWEST = 0.1, 30  # the interval and the rounds with which a paired ratio says nothing
OURS, OTHERS = "#1b9e77", "#777777"
TICKS = [x * 10.0**k for k in range(-3, 4) for x in (1, 2, 5)]


def table(workload: Workload, measured: Measured) -> Iterator[str]:
    """Seconds of a call, the ratio of the first contender to each other one, counts and goals"""
    first = next(iter(measured.timed), "")
    yield f"{workload.name}, B = {workload.problem.B}, {workload.problem.dtype}"
    yield f"  {'':<28}{'a call':>10}   {'first / it, 95 %':<22}{'start':>9}{'first call':>12}"
    for name, timed in measured.timed.items():
        told = "" if name == first else str_of(measured.ratio(first, name))
        before = f"{shown(timed.start):>9}{shown(timed.first):>12}"
        yield f"  {name:<28}{shown(timed.median):>10}   {told:<22}{before}"
    for name, why in measured.missing.items():
        yield f"  {name:<28}   left out: {why}"
    yield from _counted(measured)
    yield from _of_the_peak(workload, measured)
    for goal in workload.goals:
        yield f"  {said(judged(goal, measured))}"


def _counted(measured: Measured) -> Iterator[str]:
    """The price of a call"""
    if measured.counts:
        heads = f"{'bytes accessed':>14}{'temporary':>12}{'exps, logs':>12}{'residuals':>12}"
        yield f"  {'counts':<28}{heads}"
    for name, (accessed, temporary, exps, residuals) in measured.counts.items():
        kept = "" if residuals is None else str(residuals)
        yield f"  {name:<28}{accessed:>14}{temporary:>12}{exps:>12}{kept:>12}"


def _of_the_peak(workload: Workload, measured: Measured) -> Iterator[str]:
    for name in measured.timed if PEAK in measured.timed else ():
        share, seconds = measured.ratio(PEAK, name), measured.timed[name].median
        reached = workload.problem.flops / seconds / 1e12
        yield f"  {name:<28}{reached:>7.4g} TFLOP/s, of the peak {str_of(share)}"


def str_of(ratio: Ratio) -> str:
    return f"{ratio.median:.3g}  [{ratio.low:.3g}, {ratio.high:.3g}]"


def shown(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def judged(goal: Goal, measured: Measured) -> dict[str, Any]:
    """What a goal is, what was seen, and `met`: true, false, or null where nothing is decided"""
    record: dict[str, Any] = {"ours": goal.ours, "what": goal.what, "most": goal.most, "met": None}
    other = fastest(measured.timed, goal.others)
    if other is None or goal.ours not in measured.timed:
        return record | {"other": None, "why": "none of those to compare with took part"}
    record |= {"other": other}
    if goal.what != "call":
        seen = _once(goal.what, measured, goal.ours) / _once(goal.what, measured, other)
        return record | {"ratio": seen, "met": seen <= goal.most}
    ratio, rounds = measured.ratio(goal.ours, other), len(measured.timed[other].rounds)
    record |= {"ratio": ratio.median, "low": ratio.low, "high": ratio.high}
    record |= {"met": ratio.median <= goal.most}
    return record | (_paired(goal, ratio, rounds) if goal.paired else {})


def _once(what: str, measured: Measured, name: str) -> float:
    """What is not measured in rounds"""
    if what == "first call":
        return measured.timed[name].first
    return float(measured.counts[name].temporary_bytes)


def _paired(goal: Goal, ratio: Ratio, rounds: int) -> dict[str, Any]:
    if rounds < FEWEST:
        return {"met": None, "why": f"{rounds} rounds, {FEWEST} are asked for"}
    if ratio.high - ratio.low > WIDE:
        return {"met": None, "why": f"the interval is wider than {WIDE}"}
    if ratio.median <= goal.most and ratio.low > 1:
        return {"met": False, "why": "the whole interval is above 1"}
    return {}


def said(record: dict[str, Any]) -> str:
    how = {True: "met", False: "NOT met", None: "undecided"}[record["met"]]
    why = f": {record['why']}" if "why" in record else ""
    seen = f"{record['ratio']:.3g}" if "ratio" in record else "nothing"
    spread = f" [{record['low']:.3g}, {record['high']:.3g}]" if "low" in record else ""
    what = "" if record["what"] == "call" else f"{record['what']}, "
    goal = f"goal: {what}{record['ours']} / {record['other']} ≤ {record['most']}"
    return f"{goal}: {seen}{spread}, {how}{why}"


def record(workload: Workload, measured: Measured) -> dict[str, Any]:
    """For the JSON file"""
    first, problem = next(iter(measured.timed), ""), workload.problem
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
        "counts": {name: counted._asdict() for name, counted in measured.counts.items()},
        "goals": [judged(goal, measured) for goal in workload.goals],
    }


def draw(figure: Figure, results: list[tuple[Workload, Measured]]) -> None:
    """How many times as long as the first each contender takes, one panel a workload"""
    results = [(workload, measured) for workload, measured in results if measured.timed]
    columns = max(1, min(3, len(results)))
    rows = max(1, math.ceil(len(results) / columns))
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
