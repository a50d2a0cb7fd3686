"""The proof of pure_nn, `python -m verify`, and checks of anybody's gradients.

Importing this imports nothing else, JAX neither: a check is imported where it is first named.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.checking.gradient import check_gradient as check_gradient
    from verify.checking.rule import check_rule as check_rule
    from verify.checking.vjp import check_vjp as check_vjp
    from verify.laws import check_laws as check_laws
    from verify.laws import check_rule_laws as check_rule_laws
    from verify.report import Report as Report
    from verify.report import WrongGradient as WrongGradient

_MODULES = {
    "check_gradient": "verify.checking.gradient",
    "check_rule": "verify.checking.rule",
    "check_vjp": "verify.checking.vjp",
    "check_laws": "verify.laws",
    "check_rule_laws": "verify.laws",
    "Report": "verify.report",
    "WrongGradient": "verify.report",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]
