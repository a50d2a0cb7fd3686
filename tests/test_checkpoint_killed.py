"""A run that is killed at any instant, while it writes too, leaves its last checkpoint whole."""

import subprocess
import sys
from pathlib import Path

from states import assert_same_state, like, numbered

from pure_nn import checkpoint

KILLS = 6


def test_killed_at_random_instants(tmp_path: Path) -> None:
    script = Path(__file__).with_name("killed.py")
    command = [sys.executable, str(script), str(tmp_path), str(KILLS), "3"]
    environment = {"PYTHONPATH": str(script.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert done.returncode == 0, done.stderr
    kills, writing, epoch = map(int, done.stdout.split())
    assert kills == KILLS
    assert writing > 0, "none was killed while it wrote"
    state = checkpoint.read(tmp_path, like(numbered(0)))
    assert state.epoch >= epoch > 0
    assert_same_state(state, numbered(state.epoch))
