"""The plugin of pytest: `def test_my_rule(check_gradient): check_gradient(cost, by_hand, args)`.

pytest loads it in every project of an environment, before the project's own modules. So it is a
module of its own, and imports verify, and with it JAX, where a check is made and not before.
"""

import re
import sys
from collections.abc import Callable, Collection, Generator
from types import ModuleType
from typing import Any

import pytest

CHECKS = ("check_gradient", "check_rule", "check_vjp", "check_laws", "check_rule_laws")
__tracebackhide__ = True  # nothing here, where a test fails


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("pure_nn", "gradients by hand").addoption(
        "--gradient-seed",
        type=int,
        metavar="SEED",
        help="the seed of every check that is given none, as a failure prints it; by default "
        "each check draws a fresh one",
    )


def _fixture(name: str) -> Callable[[pytest.FixtureRequest], Callable[..., Any]]:
    def fixture(request: pytest.FixtureRequest) -> Callable[..., Any]:
        def check(*args: Any, **settings: Any) -> Any:
            return _checked(name, request.node, args, settings)

        return check

    fixture.__doc__ = f"verify.{name}, which fails the test unless its report is ok: the result"
    return pytest.fixture(fixture, name=name)


check_gradient, check_rule, check_vjp, check_laws, check_rule_laws = map(_fixture, CHECKS)


def _checked(name: str, test: pytest.Item, args: Any, settings: dict[str, Any]) -> Any:
    seed = test.config.getoption("--gradient-seed")
    given = {"seed": seed} if seed is not None else {}
    report = _check(name)(*args, **(given | settings))
    try:
        report.raise_if_wrong()
    except AssertionError as wrong:
        if "seed" not in settings:
            wrong.add_note(f"Again: pytest --gradient-seed={report.seed} '{test.nodeid}'")
        raise
    return report


def _check(name: str) -> Callable[..., Any]:
    """ImportError: a module of the project is called verify, as that of pure_nn is."""
    import verify

    try:
        found: Callable[..., Any] = getattr(verify, name)
    except AttributeError:
        raise ImportError(
            f"{name} is a function of pure_nn's package verify, and here `import verify` finds "
            f"{verify.__file__}: give that another name"
        ) from None
    return found


@pytest.hookimpl(hookwrapper=True)  # known to every pytest that may load this, as wrapper is not
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, None]:
    """A failed check shows the line of the test, and no line of verify; --full-trace shows all."""
    used = set(CHECKS) & set(getattr(item, "fixturenames", ()))
    hidden = _modules_of_verify() if call.excinfo and _says_enough(call.excinfo, used) else []
    for module in hidden:
        module.__dict__["__tracebackhide__"] = True
    yield
    for module in hidden:
        module.__dict__.pop("__tracebackhide__", None)


def _modules_of_verify() -> list[ModuleType]:
    named = list(sys.modules.items())
    return [m for name, m in named if _is_of_verify(name) and isinstance(m, ModuleType)]


def _is_of_verify(name: object) -> bool:
    return str(name).partition(".")[0] == "verify"


def _says_enough(failure: pytest.ExceptionInfo[BaseException], used: Collection[str]) -> bool:
    """A report; for a fixture, arguments refused too, and errors in the functions of the test"""
    if failure.typename == "WrongGradient" or not used:
        return failure.typename == "WrongGradient"
    last = failure.traceback[-1]
    refused = str(last.statement).lstrip().startswith("raise ")
    called_with_others = re.match(r"\S+\(\) (missing|takes|got) ", str(failure.value))
    of_verify = _is_of_verify(last.frame.f_globals.get("__name__"))
    return refused or bool(called_with_others) or not of_verify
