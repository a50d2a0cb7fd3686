"""Where digits are lost, how many, and the form that keeps them."""

import linecache
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import jax
import numpy as np

from verify.checking.lossy import Ledger, Lossy, culprit
from verify.checking.problem import Case, Problem
from verify.derivatives.interpreter import Numbers, evaluate
from verify.derivatives.programs import Leaves, as_given
from verify.errors import unit_roundoff

LIMIT = 40_000.0  # operations
LARGEST = 1e5  # of a NumPy function's entries times its longest axis
OURS = ("/verify/", "/jax/", "/numpy/", "/jaxtyping/", "/beartype/", "<")

FORMS = {
    "1 − A²": "1 − A² cancels where |A| is near 1; with A = tanh(z) write 4/(E + 2 + 1/E) instead, "
    "E = exp(2|z|)",
    "1 − A": "1 − A cancels where A is near 1; with A = σ(z) write σ(−z) instead, and for A(1 − A) "
    "e/(1 + e(2 + e)), e = exp(−|z|)",
    "1 − tanh": "1 − A cancels where A is near 1; with A = tanh(z) write 4/(E + 2 + 1/E) for "
    "(1 − A)(1 + A), E = exp(2|z|)",
    "exp − 1": "exp(x) − 1 cancels where x is near 0; write expm1(x) instead",
    "log(1 + x)": "log(1 + x) loses the digits of a small x; write log1p(x) instead",
    "log of 0": "the logarithm of what underflowed to 0; for log(softmax(z)) write "
    "z − max z − log(Σ exp(z − max z)) instead, for log(σ(z)) −softplus(−z)",
    "overflow": "exp overflows; write it with exp(−|z|), or with the largest z taken off first",
    "cancels": "nearly equal numbers are subtracted; a form without that difference keeps them",
    "underflow": "what is too small for {dtype} becomes 0",
}


def told(problem: Problem, case: Case, k: int, index: tuple[int, ...]) -> str:
    """What lost the digits of one entry of the k-th leaf, those of the value counted first; nothing
    where that is not seen."""
    try:
        worst = _followed(problem, case, k, index)
    except Exception:  # the program does not take such numbers, or is too long
        return ""
    path = culprit(worst)
    lost = path[-1]
    if not lost.of:
        return ""
    form = FORMS[form_of(path)].format(dtype=problem.given.dtype)
    where = f" in {lost.line}" if lost.line else ""
    return f"digits are lost{where}: {_kept(lost)}; {form}"


def _kept(lost: Lossy) -> str:
    """«0.999999 − 0.999998 keeps 1 of its digits»"""
    signs = {"sub": " − ", "add": " + ", "mul": " · ", "truediv": " / "}
    values = [f"{float(x.low):.9g}" for x in lost.of]
    said = signs[lost.name].join(values) if lost.name in signs else f"{lost.name}({values[0]})"
    if not np.isfinite(float(lost.low)) or lost.error == np.inf:
        return f"{said} is {float(lost.low):.3g} in place of {float(lost.high):.3g}"
    digits = max(0, int(-np.log10(max(lost.error, 1e-300))))
    return f"{said} keeps {digits} of its digits"


def form_of(path: Sequence[Lossy]) -> str:
    """The form that lost them, the last of the path, by its operands and what was made of it"""
    lost, above = path[-1], {x.name for x in path[:-1]}
    if not np.isfinite(float(lost.low)):
        return "log of 0" if lost.name == "log" else "overflow"
    if float(lost.low) == 0 and lost.name not in ("sub", "add"):
        return "log of 0" if "log" in above else "underflow"
    first, *rest = lost.of
    if lost.name == "sub" and float(first.low) == 1:
        if rest[0].name == "tanh":
            return "1 − tanh"
        return "1 − A²" if _is_square(rest[0]) else "1 − A"
    if lost.name == "sub" and first.name == "exp" and float(rest[0].low) == 1:
        return "exp − 1"
    is_log_of_sum = lost.name == "log" and first.name == "add"
    return "log(1 + x)" if is_log_of_sum else "cancels"


def _is_square(x: Lossy) -> bool:
    if x.name == "pow":
        return float(x.of[1].low) == 2
    return x.name == "mul" and x.of[0] is x.of[1]


# the program with such numbers


def _followed(problem: Problem, case: Case, k: int, index: tuple[int, ...]) -> Lossy:
    at, call = case.at, problem.call
    longest = max(max(np.shape(x), default=1) for x in at.arrays)
    if sum(np.size(x) for x in at.arrays) * longest > LARGEST:
        raise OverflowError
    try:
        leaves = _traced(problem, case)
    except jax.errors.JAXTypeError:
        kind = _kind(problem, _line_of_python)
        lifted = [[kind.given(x) for x in part] for part in (at.arrays, at.cotangent)]
        value, gradient = call.f(call.arguments(lifted[0]), lifted[1])
        leaves = [*value, *gradient]
    found: Any = np.asarray(leaves[k], object)[index]
    assert isinstance(found, Lossy)
    return found


def _kind(problem: Problem, line: Callable[[], str]) -> Numbers:
    dtype = problem.given.dtype
    ledger = Ledger(dtype, unit_roundoff(dtype), line)
    return Numbers(object, np.frompyfunc(ledger.number, 1, 1), LIMIT)


def _traced(problem: Problem, case: Case) -> Leaves:
    """By the program that JAX traces, in the dtype of the arguments"""
    call, at = problem.call, case.at
    where: list[Any] = [None]

    def leaves(arrays: Leaves, cotangent: Leaves) -> Leaves:
        value, gradient = call.f(call.arguments(arrays), cotangent)
        return [*value, *gradient]

    with as_given(problem.given.wide):
        program = jax.make_jaxpr(leaves)(at.arrays, at.cotangent)
        kind = _kind(problem, lambda: _line_of_jax(where[0]))
        kind.before = lambda equation: where.__setitem__(0, equation)
        return evaluate(program, kind, [kind.given(x) for x in (*at.arrays, *at.cotangent)])


def _line_of_python() -> str:
    frame: FrameType | None = sys._getframe()
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return _line(frame.f_code.co_filename, frame.f_lineno) if frame else ""


def _line_of_jax(equation: Any) -> str:
    traceback = equation.source_info.traceback
    for frame in traceback.frames if traceback else ():
        if not _is_ours(frame.file_name):
            return _line(frame.file_name, frame.line_num)
    return ""


def _is_ours(file: str) -> bool:
    return any(part in file for part in OURS)


def _line(file: str, number: int) -> str:
    code = linecache.getline(file, number).strip()
    name = file.rpartition("/")[2]
    return f"{name}:{number} `{code}`" if code else f"{name}:{number}"
