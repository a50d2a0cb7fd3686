"""The README's examples run, and print what they say they print."""

import re
from pathlib import Path

import jax
import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
SAID = re.findall(r"# prints (.*)", "\n".join(BLOCKS))


def test_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with jax.numpy_dtype_promotion("standard"):
        exec(compile("\n".join(BLOCKS), str(README), "exec"), {})
    assert capsys.readouterr().out.splitlines() == SAID
    assert (len(BLOCKS), len(SAID)) == (5, 3)
