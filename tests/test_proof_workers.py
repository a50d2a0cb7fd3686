"""Calls of one kind go to the process that has done such before; none waits while one is free."""

import math
import multiprocessing
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from verify.proof.workers import Workers


class Pool(Executor):
    """A process that ends a call when it is told to."""

    made: list["Pool"]

    def __init__(self, count: int, **_: Any) -> None:
        self.given: list[str] = []
        self.made.append(self)

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.given.append(call(*args, **kwargs))
        self.now: Future[Any] = Future()
        return self.now

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[Pool]:
    Pool.made = []
    monkeypatch.setattr("verify.proof.workers.ProcessPoolExecutor", Pool)
    return Pool.made


def kind(args: tuple[Any, ...]) -> Any:
    return args[0]


def test_each_kind_keeps_to_its_process(pools: list[Pool]) -> None:
    workers = Workers(2, kind)
    futures = [workers.submit(str, name) for name in "abbaa"]
    one, other = pools[1], pools[0]
    assert (one.given, other.given) == (["a"], ["b"])
    one.now.set_result("done")
    assert one.given == ["a", "a"]  # though b came before
    other.now.set_result("done")
    assert other.given == ["b", "b"]
    other.now.set_result("done")
    assert other.given == ["b", "b", "a"]  # as nothing of its kind is left
    assert [f.done() for f in futures] == [True, True, True, False, False]


def test_without_kinds_all_come_in_turn(pools: list[Pool]) -> None:
    workers = Workers(1, lambda args: None)
    for name in "aba":
        workers.submit(str, name)
    for _ in "aba":
        pools[0].now.set_result("done")
    assert pools[0].given == ["a", "b", "a"]


def test_what_waits_can_be_cancelled(pools: list[Pool]) -> None:
    workers = Workers(1, kind)
    futures = [workers.submit(str, "a") for _ in range(3)]
    workers.shutdown(cancel_futures=True)
    assert [f.cancelled() for f in futures] == [False, True, True]


def test_results_and_errors_come_from_the_processes() -> None:
    spawn = multiprocessing.get_context("spawn")
    with Workers(1, kind, mp_context=spawn) as workers:
        assert workers.submit(math.sqrt, 4).result() == 2
        with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
            workers.submit(math.sqrt, -1).result()
