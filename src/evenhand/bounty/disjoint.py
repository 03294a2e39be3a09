"""Whether two groups can share a row of any data: "no" is a proof, "yes" may be for want of one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from evenhand.bounty.membership import All, Formula, Literal

MAX_BOXES = 64


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

    def narrowed(self, literal: Literal) -> "_Range | None":
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


def can_meet(first: Formula, second: Formula) -> bool:
    """Whether some row could be in both groups.

    Exact for conjunctions of conditions on single columns, and for "any" of up to `MAX_BOXES` of
    them; beyond that the answer is yes.
    """
    joined = All((first, second))
    return _size(joined) > MAX_BOXES**2 or any(True for _ in _boxes(joined, {}))


def _size(formula: Formula) -> int:
    if isinstance(formula, Literal):
        return 1
    sizes = [_size(part) for part in formula.parts]
    return math.prod(sizes) if isinstance(formula, All) else sum(sizes)


def _boxes(formula: Formula, box: _Box) -> Iterator[_Box]:
    """All conjunctions of the formula with `box` that are not contradictory."""
    if isinstance(formula, Literal):
        narrowed = box.get(formula.column, _Range()).narrowed(formula)
        if narrowed is not None:
            yield {**box, formula.column: narrowed}
    elif isinstance(formula, All):
        if not formula.parts:
            yield box
            return
        for inner in _boxes(formula.parts[0], box):
            yield from _boxes(All(formula.parts[1:]), inner)
    else:
        for part in formula.parts:
            yield from _boxes(part, box)
