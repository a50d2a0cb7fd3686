"""Functions made of functions, equal where these are: so compiled programs are shared."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class First:
    """The first of what f returns"""

    f: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.f(*args)[0]


def name_of(f: Callable[..., Any]) -> str:
    return str(getattr(f, "__name__", type(f).__name__))
