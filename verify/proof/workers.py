"""Processes that are given what is like what they did last, for which they have compiled."""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

Kind = Callable[[tuple[Any, ...]], Any]  # of the arguments of a call


class Workers(Executor):
    """So many processes. Whichever is free takes the next call of the kind of its last one, where
    any is left, or else the next of all."""

    def __init__(self, count: int, kind: Kind, **options: Any) -> None:
        self._kind = kind
        self._pools = [ProcessPoolExecutor(1, **options) for _ in range(count)]
        self._idle: list[Executor] = list(self._pools)
        self._last: dict[Executor, Any] = {}
        self._waiting: list[tuple[Future[Any], Any, Callable[[], Any]]] = []
        self._lock = threading.RLock()

    def start(self, f: Callable[[], Any]) -> None:
        """Call f in each, which starts it"""
        for pool in self._pools:
            pool.submit(f)

    def submit(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            call = functools.partial(f, *args, **kwargs)
            self._waiting.append((future, self._kind(args), call))
            self._feed()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            for future, *_ in self._waiting if cancel_futures else ():
                future.cancel()
        for pool in self._pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _feed(self) -> None:
        while self._idle and self._waiting:
            pool = self._idle.pop()
            last = self._last.get(pool)
            k = next((i for i, (_, kind, _) in enumerate(self._waiting) if kind == last), 0)
            future, self._last[pool], call = self._waiting.pop(k)
            if future.set_running_or_notify_cancel():
                self._run(pool, future, call)
            else:
                self._idle.append(pool)

    def _run(self, pool: Executor, future: Future[Any], call: Callable[[], Any]) -> None:
        try:
            inner = pool.submit(call)
        except RuntimeError as error:  # the process is dead, or shut down
            future.set_exception(error)
        else:
            inner.add_done_callback(functools.partial(self._done, pool, future))

    def _done(self, pool: Executor, future: Future[Any], inner: Future[Any]) -> None:
        with self._lock:
            self._idle.append(pool)
            self._feed()
        if inner.cancelled():
            future.set_exception(RuntimeError("the process was shut down"))
        elif (error := inner.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(inner.result())
