"""An explanation in words: each mistake once, at its place."""

from collections.abc import Sequence

from verify.mistakes.leaf import Mistake
from verify.mistakes.problem import unknown
from verify.mistakes.recipe import Pass
from verify.mistakes.state import UNKNOWN, Group

DESCRIBED = {"one entry", "one line"}  # where it is wrong, not how
MADE = {"one scalar", "zero", "rearranged", "clipped", "examples"}  # of db, by a wrong Δ too
FLOWING = {"unknown", "examples"}  # what a wrong Δ above may make below
ITSELF = {"zero", "not finite"}  # whatever comes from above

BETTER = {
    "tanh": "1 − A² cancels where tanh saturates; 4/(E + 2 + 1/E) with E = exp(2|Z|) does not",
    "sigmoid": "A(1 − A) cancels where sigmoid saturates; e/(1 + e(2 + e)), e = exp(−|Z|) does not",
    "softmax": "A ∘ (dA − 1ᵀ(A ∘ dA)) cancels where one class has nearly all; take the dA of the "
    "largest class off all dA first",
    "output": "A − Y cancels for a confident, right answer; sum the other classes instead",
}


def localised(groups: Sequence[Group], L: int) -> tuple[Group, ...]:
    """Where db[ℓ] and dW[ℓ] are both wrong, and no name tells why, it is Δ[ℓ].

    Then what is below is not as the right Δ[ℓ] has it, and names that say so are chance. Where the
    layer below has none that is nameless it comes of the right Δ[ℓ], and db[ℓ] and dW[ℓ] do not.
    """
    l = next((l for l in range(L, 0, -1) if _is_delta(groups, l)), None)
    if l is None:
        return tuple(groups)
    first = next(i for i, group in enumerate(groups) if group[0].where in (f"db[{l}]", f"dW[{l}]"))
    above = "what is above it is right" if first == 0 and l < L else ""
    below = "what is below it may follow from it" if l > 1 else ""
    where = f"Δ[{l}]"
    text = ": ".join(filter(None, (unknown(where), ", ".join(filter(None, (above, below))))))
    rest = tuple(group for group in groups[first:] if group[0].kind in ITSELF and not _of(group, l))
    return (*groups[:first], (Mistake("unknown", where, text, UNKNOWN),), *rest)


def _is_delta(groups: Sequence[Group], l: int) -> bool:
    kinds = {group[0].where: group[0].kind for group in groups}
    db, dW = kinds.get(f"db[{l}]", ""), kinds.get(f"dW[{l}]", "")
    below = {kinds.get(f"{what}[{l - 1}]") for what in ("Δ", "db", "dW")}
    nameless = db in ("unknown", *MADE, *DESCRIBED) or db.startswith("factor")
    flows = l == 1 or db in DESCRIBED or not FLOWING.isdisjoint(below)
    return dW == "unknown" and nameless and flows


def _of(group: Group, l: int) -> bool:
    return group[0].where in (f"db[{l}]", f"dW[{l}]")


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


def better(c: Pass) -> list[str]:
    """The forms that keep their digits, in the order of the backward pass"""
    names = [c.names[l] for l in range(c.L, 0, -1)]
    if names[0] == "softmax" and c.net.loss.name != "squared_error":
        names[0] = "output"
    return list(dict.fromkeys(BETTER[name] for name in names if name in BETTER))
