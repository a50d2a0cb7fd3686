"""The workloads, who takes part in each, and what is aimed at."""

from experiments.benchmarks.contenders.checkers import CHECKERS
from experiments.benchmarks.contenders.deep import DEEP, RECOMPUTE, RECOMPUTED, STACKED
from experiments.benchmarks.contenders.epochs import EPOCHS, FULL_BATCH
from experiments.benchmarks.contenders.floors import FLOORS, OF_THE_PEAK, PEAK, XLA
from experiments.benchmarks.contenders.jax_steps import (
    COLUMNS,
    COMPILES,
    OURS,
    STEPS,
    TRACES,
    TRACES_AGAIN,
)
from experiments.benchmarks.contenders.naive import ACCURATE_AND_NAIVE, NAIVE
from experiments.benchmarks.contenders.peers import PEERS
from experiments.benchmarks.contenders.quantities import CLIPPED, KFAC, NORMS, QUANTITIES, SECOND
from experiments.benchmarks.problem import Goal, Problem, Workload

MNIST = 60_000
SEVERAL = 3  # epochs, as a run has them: what is done once for all is a part of each
BESIDE = (STEPS[2], *PEERS)  # what people write, and what they use
NAMES = tuple(contender.name for contender in BESIDE)
SIZES = {
    "784-128-10": ((784, 128, 10), 64),
    "784-256-128-10": ((784, 256, 128, 10), 128),
    "784-1024³-10": ((784, 1024, 1024, 1024, 10), 256),
    "1024⁵": ((1024,) * 5, 1024),
}


def _step(name: str, of_peers: float, of_products: float, dtype: str = "float32") -> Workload:
    sizes, B = SIZES[name]
    goals = (
        Goal(OURS, (COLUMNS,), 1.02, paired=True),
        Goal(OURS, NAMES, of_peers),
        Goal(OURS, (XLA,), of_products),
    )
    contenders = (*STEPS[:2], *BESIDE, *FLOORS)
    told = "" if dtype == "float32" else f", {dtype}"
    problem = Problem(sizes, B, dtype=dtype)
    return Workload(f"step {name}{told}", problem, contenders, goals, counted=True)


def _on_gpu(width: int, dtype: str) -> Workload:
    """Three layers of one width; the peak is that of their products"""
    goals = (
        Goal(OURS, (COLUMNS,), 1.02, paired=True),
        *([Goal(OURS, (PEAK,), 1.25)] if (width, dtype) == (8192, "bfloat16") else []),
    )
    contenders = (*STEPS[:2], *(p for p in PEERS if "PyTorch" in p.name), FLOORS[0], OF_THE_PEAK)
    problem = Problem((width,) * 4, width, dtype=dtype)
    name = f"GPU step {width}⁴, {dtype}"
    return Workload(name, problem, contenders, goals, counted=True, gpu=True)


def _accurate(hidden: str) -> Workload:
    problem = Problem((784, 256, 128, 10), 128, hidden=hidden)
    goals = (Goal(OURS, (NAIVE,), 1.02, paired=True),)
    name = f"accurate g′, {hidden} 784-256-128-10"
    contenders = (*ACCURATE_AND_NAIVE, STEPS[1])
    return Workload(name, problem, contenders, goals, counted=True)


def _epoch(sizes: tuple[int, ...], B: int, goals: tuple[Goal, ...] = ()) -> Workload:
    name = f"{SEVERAL} epochs {'-'.join(map(str, sizes))}, B = {B}"
    problem = Problem(sizes, B, MNIST, epochs=SEVERAL)
    return Workload(name, problem, EPOCHS, goals, rounds=5, alike=False)


def _epoch_goals(of_pytorch: float, of_sklearn: float) -> tuple[Goal, ...]:
    return Goal(OURS, ("PyTorch",), of_pytorch), Goal(OURS, ("scikit-learn",), of_sklearn)


def _deep(L: int) -> Workload:
    problem = Problem((*[64] * L, 10), 64, learning_rate=0.001)
    one_by_one = STEPS[:2] if L < UNROLLED else STEPS[1:2]
    of_first = (Goal(STACKED, (COLUMNS,), 0.05, "first call"),) if L >= UNROLLED else ()
    pytorch = tuple(peer for peer in PEERS if peer.name == "PyTorch")
    contenders = (*DEEP, *one_by_one, *pytorch)
    return Workload(f"deep L = {L}, width 64", problem, contenders, of_first, alike=L < UNROLLED)


def _quantities(sizes: tuple[int, ...], B: int) -> Workload:
    """Beside our own gradient: time, and temporary memory"""
    most = {NORMS: 1.1, CLIPPED: 1.15, SECOND: 1.6, KFAC: 1.6}
    times = [Goal(f"{OURS}, {name}", (OURS,), goal) for name, goal in most.items()]
    memory = [
        Goal(f"{OURS}, {name}", (OURS,), 1.3, "temporary memory")
        for name in (NORMS, CLIPPED, SECOND)
    ]
    name = f"quantities {'-'.join(map(str, sizes))}"
    goals = (*times, *memory)
    return Workload(
        name, Problem(sizes, B), QUANTITIES, goals, rounds=15, alike=False, counted=True
    )


UNROLLED = 1000  # layers of which one program is compiled once only
SMALL = Problem((784, 128, 10), 64)
PLANAR = Problem((2, 4, 1), 400, hidden="tanh", output="sigmoid", learning_rate=1.2, steps=10_000)

WORKLOADS = (
    _step("784-128-10", 0.95, 1.5),
    _step("784-256-128-10", 0.95, 1.3),
    _step("784-1024³-10", 0.95, 1.1),
    _step("1024⁵", 1.0, 1.1),
    _step("784-256-128-10", 0.95, 1.3, "float64"),
    _step("784-256-128-10", 0.95, 1.3, "bfloat16"),
    _step("784-1024³-10", 0.95, 1.1, "bfloat16"),
    Workload("tracing 784-128-10", SMALL, TRACES, (Goal(OURS, (COLUMNS,), 0.6),), alike=False),
    Workload("tracing again 784-128-10", SMALL, TRACES_AGAIN, alike=False),
    Workload("compiling 784-128-10", SMALL, COMPILES, alike=False),
    _accurate("sigmoid"),
    _accurate("tanh"),
    _epoch((784, 128, 10), 64, _epoch_goals(0.4, 0.3)),
    _epoch((784, 128, 10), 128),
    _epoch((784, 30, 10), 10, _epoch_goals(0.12, 0.12)),
    Workload(
        "10,000 steps 2-4-1, B = 400",
        PLANAR, FULL_BATCH, (Goal(OURS, ("PyTorch",), 0.015), Goal(OURS, ("NumPy",), 0.08)),
        rounds=5,
    ),
    *(_deep(L) for L in (10, 50, 200, 1000)),
    Workload(
        "recompute L = 200, width 64",
        Problem((*[64] * 200, 10), 512), RECOMPUTE,
        (Goal(RECOMPUTED, (OURS,), 1.4), Goal(RECOMPUTED, (OURS,), 0.2, "temporary memory")),
        counted=True,
    ),
    Workload(
        "checking 20-30-10, B = 32",
        Problem((20, 30, 10), 32, dtype="float64"), CHECKERS, rounds=5, alike=False,
    ),
    _quantities((784, 256, 128, 10), 128),
    _quantities((784, 512, 512, 10), 128),
    *(_on_gpu(width, dtype) for width in (4096, 8192) for dtype in ("bfloat16", "float32")),
)  # fmt: skip
