"""The complex step: Im φ(x + ihd)/h, without a difference, and so without its error.

    φ(x + ihd) = φ(x) + ihφ′(x) − h²φ″(x)/2 − …

(Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review
40, 1998). It is right where φ is analytic; abs, a conjugate or a real part are not.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.extend.core import subjaxprs

from verify.derivatives.evidence import IMAGINARY, Evidence, phi_of, vector_of
from verify.derivatives.manydigits import NotApplicable
from verify.derivatives.numeric import Derivatives
from verify.derivatives.primal import Primal
from verify.derivatives.probes import Probes
from verify.derivatives.programs import TINY, Leaves, complex_step, float64, merged
from verify.derivatives.responses import last_places
from verify.errors import unit_roundoff

CHANGED = 2  # times, in the last place
PASSES = 1 + CHANGED
UNSEEN = 16.0  # times the rounding errors that two changes show
NOT_ANALYTIC = {"abs", "real", "imag", "conj", "sign", "floor", "ceil", "round"}


def imaginary(function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes) -> Evidence:
    """By Im φ(x + ihd)/h, which is exact but for rounding where φ is analytic.

    NotApplicable: where it is not, as far as can be seen.
    """
    is_compiled = function.way in ("differentiable", "compiled")
    derivatives = _imaginary_compiled if is_compiled else _imaginary_called
    with float64(), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        value, *others = (
            derivatives(function, near, cotangent, probes) for near in _shaken(function, arrays)
        )
    if not np.all(np.isfinite(value)):
        raise NotApplicable("its result is not finite for complex numbers")
    spread = np.nanmax([np.abs(value - other) for other in others], axis=0)
    rounding = UNSEEN * (spread + unit_roundoff("float64") * np.abs(value))
    nothing = np.zeros(len(value), bool)
    return Evidence(IMAGINARY, probes, Derivatives(value, rounding, value, value, nothing, nothing))


def _shaken(function: Primal, arrays: Leaves) -> Iterator[Leaves]:
    """The arrays, and twice with changes in their last place, for what rounding errors do"""
    wanted = [arrays[i] for i in function.wanted]
    yield arrays
    for seed in range(CHANGED):
        rng = np.random.default_rng(seed)
        moved = [x + rng.choice([-1.0, 1.0], np.shape(x)) * last_places(x) for x in wanted]
        yield merged(arrays, function.wanted, moved)


def _imaginary_compiled(function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes) -> Any:
    call, wanted = function.call, function.wanted
    complex_ones = [np.asarray(arrays[i]).astype(np.complex128) for i in wanted]
    try:
        traced = jax.make_jaxpr(call)(merged(arrays, wanted, complex_ones))
        found = not_analytic(traced.jaxpr)
        if not found:
            return np.asarray(complex_step(call, wanted, arrays, cotangent, probes))
    except Exception as error:
        raise NotApplicable(f"it takes no complex numbers ({type(error).__name__})") from None
    raise NotApplicable(f"the function is not analytic: it has {', '.join(sorted(found))}")


def not_analytic(jaxpr: Any) -> set[str]:
    """The primitives that turn complex numbers into what is no analytic function of them"""
    found = set()
    for equation in jaxpr.eqns:
        kinds = [np.dtype(v.aval.dtype).kind for v in equation.invars if hasattr(v.aval, "dtype")]
        if "c" in kinds and equation.primitive.name in NOT_ANALYTIC:
            found.add(equation.primitive.name)
    return found.union(*map(not_analytic, subjaxprs(jaxpr)))


def _imaginary_called(function: Primal, arrays: Leaves, cotangent: Leaves, probes: Probes) -> Any:
    phi, vector = phi_of(function, arrays, cotangent), vector_of(function, arrays)
    try:
        with np.errstate(all="ignore"):
            rays = probes.rays(vector.size)
            found = [phi(vector + 1j * TINY * ray) for ray in rays]
    except Exception as error:
        raise NotApplicable(f"it takes no complex numbers ({type(error).__name__})") from None
    if not any(np.iscomplexobj(x) for x in found):
        raise NotApplicable("it casts complex numbers to real ones")
    return np.imag(np.array(found)) / TINY
