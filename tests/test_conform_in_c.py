"""A program in C conforms; with a mistake planted it does not, and the mistake is named."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from verify.conform import conform

SOURCE = Path(__file__).with_name("conform.c")
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
MISTAKES = {
    "the mean over the batch": (
        1,
        22,
        r"db\[2\] is B = 5 times too large: the mean over the batch",
    ),
    "the kink convention": (2, 3, r"g′\(0\) is taken as 0"),
    "g′ of tanh": (3, 10, r"Δ\[1\]: g′\(Z\[1\]\) is left out"),
    "softmax elementwise": (4, 11, r"softmax is treated as elementwise"),
}

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler: cc, gcc or clang")


@pytest.fixture
def folder(vectors_folder: Path, tmp_path: Path) -> Path:
    made = tmp_path / "vectors"
    shutil.copytree(vectors_folder, made)
    (made / "results").mkdir()
    return made


def run_in_c(folder: Path, mistake: int) -> None:
    program = folder.parent / f"conform-{mistake}"
    options = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", f"-DMISTAKE={mistake}"]
    compiled = [str(COMPILER), *options, str(SOURCE), "-o", str(program), "-lm"]
    subprocess.run(compiled, check=True)
    for path in (folder / "text").glob("*.inputs.txt"):
        results = folder / "results" / path.name.replace(".inputs", "")
        with path.open() as given, results.open("w") as found:
            subprocess.run([str(program)], check=True, stdin=given, stdout=found)


def test_the_program_is_short() -> None:
    assert SOURCE.read_text(encoding="utf-8").count("\n") <= 60


def test_the_right_program_conforms(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_in_c(folder, mistake=0)
    assert conform(folder) == 0
    assert (
        "\n25 of 25 networks conform; 0 inaccurate, 0 wrong, 0 not read" in capsys.readouterr().out
    )


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    number, networks, name = MISTAKES[mistake]
    run_in_c(folder, number)
    assert conform(folder) == 1
    printed = capsys.readouterr().out
    assert f"; 0 inaccurate, {networks} wrong, 0 not read" in printed
    assert re.search(name, printed)
