"""What is compiled once for the same function and shapes, and not kept for ever.

A program holds memory maps, some dozens, of which Linux gives a process 65,530. A suite of tests,
each of which makes the functions that it checks, would come to the end of them.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax

MOST = 100  # programs: those of some twenty checks

_traced: list[str] = []  # since they were last forgotten
_forget: list[Callable[[], None]] = []


def jitted(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`jax.jit` of a function to which what is checked is a static argument"""

    def decorate(f: Callable[..., Any]) -> Any:
        @functools.wraps(f)
        def traced(*args: Any) -> Any:
            _traced.append(f.__name__)
            return f(*args)

        program: Any = jax.jit(traced, **options)
        _forget.append(program.clear_cache)
        return program

    return decorate


def cached(size: int) -> Callable[[Callable[..., Any]], Any]:
    """`functools.lru_cache` of a function of what is checked"""

    def decorate(f: Callable[..., Any]) -> Any:
        found = functools.lru_cache(maxsize=size)(f)
        _forget.append(found.cache_clear)
        return found

    return decorate


def bounded() -> None:
    """Forget all of these, where they are many; nothing that others have compiled"""
    if len(_traced) > MOST:
        for forget in _forget:
            forget()
        _traced.clear()
