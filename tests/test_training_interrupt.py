"""SIGINT and SIGTERM are a flag between steps; the second one acts at once."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pure_nn.training import Interrupt, interrupt

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_a_flag_and_a_message(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    with Interrupt("saving") as asked:
        assert not asked
        assert asked.signal is None
        signal.raise_signal(number)
        assert asked
        assert asked.signal == number
    assert capfd.readouterr().err == f"\n{number.name}: saving\n"
    assert [signal.getsignal(n) for n in SIGNALS] == before


def test_a_second_sigint_is_a_keyboard_interrupt() -> None:
    with Interrupt() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert asked.signal == signal.SIGINT


AGAIN = """
import runpy, signal, sys
with runpy.run_path(sys.argv[1])["Interrupt"]() as asked:
    for _ in range(int(sys.argv[2])):
        signal.raise_signal(signal.SIGTERM)
sys.exit(7)
"""


@pytest.mark.parametrize(("times", "code"), [(1, 7), (2, -signal.SIGTERM)])
def test_a_second_sigterm_ends_the_process(times: int, code: int) -> None:
    source = str(Path(interrupt.__file__))
    done = subprocess.run([sys.executable, "-c", AGAIN, source, str(times)], timeout=60)
    assert done.returncode == code


def test_handlers_come_back_after_an_error() -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    with pytest.raises(ZeroDivisionError), Interrupt():
        divide(1, 0)
    assert [signal.getsignal(n) for n in SIGNALS] == before


def divide(a: float, b: float) -> float:
    return a / b


def test_any_thread_may_ask_and_have_one_of_its_own() -> None:
    before = [signal.getsignal(n) for n in SIGNALS]
    seen = []

    def own() -> None:
        with Interrupt() as mine:
            seen.append([signal.getsignal(n) for n in SIGNALS] == before)
            mine.set()
            seen.append(bool(mine))

    thread = threading.Thread(target=own)
    thread.start()
    thread.join()
    assert seen == [True, True]
