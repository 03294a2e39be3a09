"""Whether two groups can share a row of any data: "no" is a proof, "yes" may be for want of one."""

import math
from dataclasses import dataclass, replace

from evenhand.bounty.task.membership import AllOf, Formula, MembershipLiteral

#: Conditions looked at for one pair of groups.
MAX_STEPS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """What a conjunction leaves of one column: an interval, perhaps a list, perhaps missing only."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    allowed: frozenset[float] | None = None
    excluded: frozenset[float] = frozenset()
    missing: bool | None = None

    @property
    def empty(self) -> bool:
        if self.missing:
            # Set by "is null" and "is not null" or a comparison together.
            return self.bounded
        if self.allowed is not None:
            return not any(self._holds(value) for value in self.allowed)
        if self.low == self.high:
            return self.low_open or self.high_open or self.low in self.excluded
        return self.low > self.high

    @property
    def bounded(self) -> bool:
        return (
            self.allowed is not None
            or bool(self.excluded)
            or self.low > -math.inf
            or self.high < math.inf
        )

    def _holds(self, value: float) -> bool:
        above = value > self.low or (value == self.low and not self.low_open)
        below = value < self.high or (value == self.high and not self.high_open)
        return above and below and value not in self.excluded

    def narrowed(self, literal: MembershipLiteral) -> "_Range | None":
        """Both conditions together; `None` where they exclude each other."""
        values = frozenset(literal.values)
        bound = literal.values[0] if literal.values else 0.0
        out = self
        match literal.operator:
            case "null":
                return None if self.missing is False else replace(self, missing=True)
            case "<" | "<=":
                if bound < self.high or (bound == self.high and literal.operator == "<"):
                    out = replace(self, high=bound, high_open=literal.operator == "<")
            case ">" | ">=":
                if bound > self.low or (bound == self.low and literal.operator == ">"):
                    out = replace(self, low=bound, low_open=literal.operator == ">")
            case "=" | "in":
                allowed = values if self.allowed is None else values & self.allowed
                out = replace(self, allowed=allowed)
            case "!=" | "not in":
                out = replace(self, excluded=self.excluded | values)
        # Every condition but "is null" needs a value.
        return None if self.missing or out.empty else replace(out, missing=False)


_Box = dict[int, _Range]
#: Formulas that a box must still fulfil, as a linked list.
_Todo = tuple[Formula, "_Todo"] | None


def can_meet(first: Formula, second: Formula) -> bool:
    """Whether some row could be in both groups.

    Exact for conjunctions of conditions on single columns, and for "any" of them where the search
    ends within `MAX_STEPS`; beyond that the answer is yes.
    """
    todo: _Todo = (first, (second, None))
    # Without recursion: strangers write conditions as long and as deep as they like.
    stack: list[tuple[_Box, _Todo]] = [({}, todo)]
    for _ in range(MAX_STEPS):
        if not stack:
            return False
        box, todo = stack.pop()
        if todo is None:
            return True
        formula, rest = todo
        if isinstance(formula, MembershipLiteral):
            narrowed = box.get(formula.column, _Range()).narrowed(formula)
            if narrowed is not None:
                stack.append(({**box, formula.column: narrowed}, rest))
        elif isinstance(formula, AllOf):
            for part in reversed(formula.parts):
                rest = (part, rest)
            stack.append((box, rest))
        else:
            stack += [(box, (part, rest)) for part in reversed(formula.parts)]
    return True
