"""The README's examples run, and print what they say they print."""

import re
from pathlib import Path

import jax
import pytest

from verify import diagnose
from verify.proof.plan import SWEEPS
from verify.saved import names

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
SAID = re.findall(r"# prints (.*)", "\n".join(BLOCKS))

TABLE = re.findall(r"^  (\S.*?)  +float32 +([\d,]+) +\S+ +(\d+) +1\.7e\+07", TEXT, re.MULTILINE)


def test_the_table_has_the_inputs_and_bounds_of_the_sweep() -> None:
    """The errors themselves hang on the processor."""
    swept = [row for f, *sweep in SWEEPS["float32"] for row in f(*sweep)]
    printed = {(row.name, f"{row.inputs:,}", f"{row.limit:.0f}") for row in swept}
    assert set(TABLE) <= printed
    assert len(TABLE) == 3


def test_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with jax.numpy_dtype_promotion("standard"):
        exec(compile("\n".join(BLOCKS), str(README), "exec"), {})
    assert capsys.readouterr().out.splitlines() == SAID
    assert (len(BLOCKS), len(SAID)) == (11, 7)
    assert diagnose.main("mine.npz") == 1
    (said,) = re.findall(r"```\n(dW.*\n)```", TEXT)
    assert f"  {said}" in capsys.readouterr().out


def test_the_names_in_a_file_are_known() -> None:
    (table,) = re.findall(r"\| in the file \| \|\n((?:\|.*\n)*)", TEXT)
    named = [
        name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    ]
    assert [name for name in named if not names.meaning(name).kind] == []
    assert set(diagnose.OPTIONS) < set(named)
