"""SIGINT and SIGTERM as a flag that a loop reads between its steps."""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """True once the run was asked to stop, in a `with` statement; asked again, it stops at once.

        with Interrupt() as interrupt:
            while not interrupt:
                ...                     # a step, and then a checkpoint

    The second signal does what it did before: SIGINT raises KeyboardInterrupt, and SIGTERM ends
    the process. Outside the main thread, where Python hands out no signals, only `set` asks.
    """

    def __init__(self, message: str = "finishing this step and saving; once more to stop at once"):
        self._message = message
        self._before: dict[int, Any] = {}
        self._asked = threading.Event()
        self.signal: signal.Signals | None = None

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        self._restore()

    def __bool__(self) -> bool:
        return self._asked.is_set()

    def set(self) -> None:
        """Ask from here, or from any thread"""
        self._asked.set()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        if self._asked.is_set():
            self._restore()
            signal.raise_signal(number)
        self._asked.set()
        said = f"\n{self.signal.name}: {self._message}\n"
        os.write(2, said.encode())  # no lock and no buffer, as print and logging have

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}
