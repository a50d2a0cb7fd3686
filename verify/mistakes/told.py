"""An explanation in words: each mistake once, at its place."""

from collections.abc import Sequence

from verify.mistakes.leaf import Mistake
from verify.mistakes.problem import unknown
from verify.mistakes.search import UNKNOWN, Group


def localised(groups: Sequence[Group], L: int) -> tuple[Group, ...]:
    """Where db[ℓ] and dW[ℓ] are both wrong and nameless it is Δ[ℓ], and what is below follows."""
    nameless = [group[0].where for group in groups if group[0].kind == "unknown"]
    both = [w for w in nameless if w.startswith("db") and f"dW{w[2:]}" in nameless]
    if not both:
        return tuple(groups)
    l = both[0][2:]
    first = next(i for i, group in enumerate(groups) if group[0].where == both[0])
    above = "what is above it is right, " if first == 0 and l != f"[{L}]" else ""
    text = f"{unknown(f'Δ{l}')}: {above}what is below it follows from it"
    rest = tuple(group for group in groups[first:] if group[0].kind != "unknown")
    return (*groups[:first], (Mistake("unknown", f"Δ{l}", text, UNKNOWN),), *rest)


def sentences(groups: Sequence[Group]) -> list[str]:
    """One for each mistake; where it is made in several places, the first and the others."""
    places: dict[frozenset[str], list[str]] = {}
    texts: dict[frozenset[str], str] = {}
    for group in groups:
        kinds = frozenset(m.kind for m in group)
        texts.setdefault(kinds, ", or ".join(m.text for m in group))
        places.setdefault(kinds, []).append(group[0].where)
    each = {kinds: list(dict.fromkeys(found)) for kinds, found in places.items()}
    return [texts[kinds] + _elsewhere(others) for kinds, (_, *others) in each.items()]


def _elsewhere(places: Sequence[str]) -> str:
    return f"; and likewise {', '.join(places)}" if places else ""
