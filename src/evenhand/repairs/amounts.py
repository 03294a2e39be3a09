"""How values of a trial of repairs are written: shares in per cent, as audits have them, and changes that add up."""

from evenhand.pages import numbers
from evenhand.switching.result import Switches

#: Beyond which a change is not that of the two values: they are of other rows.
_SAME = 1e-9


def of_share(each: Switches) -> bool:
    """Whether the metric is a number of a whole: its differences are points, and it is a ratio of counts."""
    known = any(one.estimate.denominator is not None for one in each.groups)
    return each.metric.in_points and known


def told_value(value: float | None, *, share: bool) -> str:
    """A value: in per cent where it is a share."""
    return numbers.share(value) if share else numbers.rate(value)


def told_bounds(low: float | None, high: float | None, *, share: bool) -> str:
    """Bounds of a value."""
    return numbers.shares(low, high) if share else numbers.interval(low, high)


def shown_change(
    before: float | None, after: float | None, change: float | None, *, share: bool
) -> float | None:
    """A change as the two values are shown, so that what is read adds up.

    Examples
    --------
    >>> round(shown_change(0.3498, 0.3553, 0.0055, share=True), 6)
    0.005
    >>> shown_change(0.3, 0.5, 0.1, share=True)  # of other rows before than after
    0.1
    """
    if not share or before is None or after is None or change is None:
        return change
    moved = after - before
    if abs(abs(moved) - abs(change)) > _SAME:
        return change
    shown = round(after, 3) - round(before, 3)
    return shown if (moved > 0) == (change > 0) else -shown


def before_of(each: Switches, predicate: str) -> float | None:
    """A group's value as it was."""
    found = (
        one.estimate.value
        for one in each.groups
        if one.change is None and one.predicate == predicate
    )
    return next(found, None)
