"""pytest's plugin: a fixture for each check, and a failure that a beginner can read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_pure_nn
import verify
from verify.laws import judge  # here, so that each test does not import it anew

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.usefixtures("as_installed")  # as in a project that is not this one

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SOFTMAX = """
    import numpy as np

    def value_and_grad(params, X, Y):
        W = params["W"]
        E = np.exp(W @ X)
        A = E / E.sum(axis=0)
        return -np.sum(Y * np.log(A)) / X.shape[1], {"W": (A - Y) @ X.T MEAN}

    rng = np.random.default_rng(0)
    ARGS = {"W": rng.normal(size=(3, 4))}, rng.normal(size=(4, 6)), np.eye(3)[:, [0, 1, 2, 1, 0, 0]]
"""
RIGHT, WRONG = SOFTMAX.replace("MEAN", "/ X.shape[1]"), SOFTMAX.replace(" MEAN", "")
TEST = """
    def test_my_gradient(check_laws):
        report = check_laws(value_and_grad, ARGS)
        assert report.ok
"""


def failure(pytester: pytest.Pytester, *options: str) -> str:
    pytester.makepyfile(test_mine=WRONG + TEST)
    done = pytester.runpytest(*options)
    done.assert_outcomes(failed=1)
    return done.stdout.str()


def test_a_right_gradient_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(RIGHT + TEST)
    pytester.runpytest().assert_outcomes(passed=1)


def shown_line(text: str) -> str:
    """The one line of source that the traceback points at"""
    (line,) = re.findall(r"^> +(.*)", text, re.MULTILINE)
    return str(line)


REPORT = """\
E       verify.report.WrongGradient: WRONG: a duplicated batch: with every example twice, the mean \
doubles in params['W']: 1/B is missing, or this is a sum
E              a divided batch: the batch is not the mean, or sum, of its two halves."""


def test_a_wrong_gradient_fails_with_the_report(pytester: pytest.Pytester) -> None:
    shown = failure(pytester)
    assert shown_line(shown) == "report = check_laws(value_and_grad, ARGS)"
    assert REPORT in shown
    assert re.search(r"^E +params\['W'\]\[0, 0\] .* 4\.72112 +2\.36056  wrong", shown, re.MULTILINE)
    assert not re.search(r"verify/|pytest_pure_nn\.py", shown)


def test_full_trace_shows_all(pytester: pytest.Pytester) -> None:
    assert "pytest_pure_nn.py" in failure(pytester, "--full-trace")


def test_raise_if_wrong_shows_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        WRONG
        + """
    import verify

    def test_my_gradient():
        verify.check_laws(value_and_grad, ARGS).raise_if_wrong()
    """
    )
    shown = pytester.runpytest().stdout.str()
    assert shown_line(shown) == "verify.check_laws(value_and_grad, ARGS).raise_if_wrong()"
    assert "verify/" not in shown


def test_the_mistake_is_in_the_summary(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
    import numpy as np

    def cost(W, X):
        return np.sum((W @ X) ** 2) / (2 * X.shape[1])

    def by_hand(W, X):
        return W @ X @ X.T

    def test_my_gradient(check_gradient):
        check_gradient(cost, by_hand, (np.ones((3, 4)), np.eye(4, 32)))
    """
    )
    shown = pytester.runpytest("-vv").stdout.str()
    assert shown_line(shown) == "check_gradient(cost, by_hand, (np.ones((3, 4)), np.eye(4, 32)))"
    assert re.search(r"^FAILED .* WRONG: W is B = 32 times too large", shown, re.MULTILINE)


def test_the_example_of_the_readme(pytester: pytest.Pytester) -> None:
    (block,) = re.findall(r"```python\n(def test_my_gradient.*?)```", README, re.DOTALL)
    pytester.makepyfile(
        """
        from student import Student, arguments

        params, X, Y = arguments()
        value_and_grad = Student().value_and_grad

        def cost(*args):
            return value_and_grad(*args)[0]

        def by_hand(*args):
            return value_and_grad(*args)[1]
    """,
        test_as_printed="from test_the_example_of_the_readme import *\n\n" + block,
    )
    pytester.runpytest("test_as_printed.py").assert_outcomes(passed=2)


# its seed


def test_a_failure_can_be_repeated(pytester: pytest.Pytester) -> None:
    (seed,) = set(re.findall(r"Again: pytest --gradient-seed=(\d+)", failure(pytester)))
    again = failure(pytester, f"--gradient-seed={seed}")
    assert f"Again: pytest --gradient-seed={seed} 'test_mine.py::test_my_gradient'" in again


def test_a_seed_of_ones_own(pytester: pytest.Pytester) -> None:
    own = TEST.replace("ARGS)", "ARGS, seed=5)").replace("report.ok", "report.seed == 5")
    pytester.makepyfile(test_right=RIGHT + own, test_wrong=WRONG + own)
    done = pytester.runpytest("--gradient-seed=3")
    done.assert_outcomes(passed=1, failed=1)
    assert "--gradient-seed" not in done.stdout.str()


# what is not a wrong gradient


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("check_laws(value_and_grad, ARGS, reduction='max')", "ValueError: reduction: expected"),
        ("check_laws(value_and_grad, ARGS[:2])", "TypeError: .*missing 1 required positional"),
        ("check_laws(lambda W, X, Y: 1 / 0, ARGS)", "ZeroDivisionError: division by zero"),
    ],
)
def test_errors_show_the_lines_of_the_test(
    pytester: pytest.Pytester, call: str, message: str
) -> None:
    pytester.makepyfile(RIGHT + TEST.replace("check_laws(value_and_grad, ARGS)", call))
    shown = pytester.runpytest().stdout.str()
    assert re.search(message, shown)
    assert f"report = {call}" in shown
    assert not re.search(r"verify/|pytest_pure_nn\.py", shown)


def test_a_defect_of_verify_is_not_hidden(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "subject", lambda *arguments: None)
    pytester.makepyfile(RIGHT + TEST)
    shown = pytester.runpytest().stdout.str()
    assert "verify/laws/judge.py" in shown


def test_every_fixture_is_a_check_of_verify(pytester: pytest.Pytester) -> None:
    shown = pytester.runpytest("--fixtures").stdout.str()
    for name in pytest_pure_nn.CHECKS:
        assert re.search(rf"^{name} -- ", shown, re.MULTILINE)
        assert callable(getattr(verify, name))


# in projects that have nothing to do with it


def run(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", *options]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_it_imports_nothing_until_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text(
        """
import sys

def test_light(check_gradient):
    assert "pytest_pure_nn" in sys.modules
    assert not {"jax", "optax", "pure_nn", "verify"} & set(sys.modules)
"""
    )
    assert "1 passed" in run(tmp_path)


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    (tmp_path / "test_off.py").write_text(
        "import sys\n\ndef test_off():\n    assert 'pytest_pure_nn' not in sys.modules\n"
    )
    assert "1 passed" in run(tmp_path, "-p", "no:pure_nn")


def test_a_project_may_have_a_module_named_verify(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_text("MINE = True\n")
    (tmp_path / "test_own.py").write_text(
        """
import verify

def test_own():
    assert verify.MINE

def test_check(check_laws):
    check_laws(lambda x: x, (1.0,))
"""
    )
    shown = run(tmp_path)
    assert "1 failed, 1 passed" in shown
    assert "check_laws is a function of pure_nn's package verify, and here `import" in shown
