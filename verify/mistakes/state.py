"""How far a search has come: what is explained, by which mistakes, at what cost."""

import dataclasses
from collections.abc import Mapping

from verify.mistakes.forms import F64
from verify.mistakes.leaf import Mistake

Group = tuple[Mistake, ...]  # that cannot be told apart

LEAF = 0.01  # the cost of one more array
UNKNOWN, AGAIN = 3.0, 0.3  # of the first that has no name, and of one more


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """How far the gradients are explained, and by what."""

    i: int = 0
    deltas: Mapping[int, F64] = dataclasses.field(default_factory=dict)  # that mistakes have made
    groups: tuple[Group, ...] = ()

    @property
    def cost(self) -> float:
        """A mistake that is made in several layers counts once, but beside another in its Δ."""
        costs = {self._key(group): group[0].cost for group in self.groups}
        unknown = {_layer(group) for group in self.groups if group[0].kind == "unknown"}
        again = max(len(unknown) - 1, 0)
        return sum(costs.values()) + LEAF * len(self.groups) + AGAIN * again

    def _key(self, group: Group) -> tuple[frozenset[str], str]:
        kinds, where = frozenset(m.kind for m in group), group[0].where
        beside = where[0] == "d" and int(_layer(group)) in self.deltas
        return kinds, where if beside else ""

    def is_unknown(self, name: str) -> bool:
        return any(group[0].kind == "unknown" and group[0].where == name for group in self.groups)

    def with_group(self, group: Group, deltas: Mapping[int, F64] | None = None) -> "State":
        """The next array is explained by the group"""
        return State(self.i + 1, {**self.deltas, **(deltas or {})}, (*self.groups, group))


def _layer(group: Group) -> str:
    return group[0].where.partition("[")[2].rstrip("]")
