"""Values that some groups lack more often than others, and units that stand in several groups."""

from collections import Counter
from collections.abc import Iterator, Sequence

from evenhand.overviews.result import Crossing, MissingShare
from evenhand.overviews.seen import Values

#: Rows of a group that says anything, and shares that differ by less than this are alike.
_FEW, _APART = 10, 0.05
_TOLD = 4


def missing_shares(
    measured: Sequence[Values], groups: Sequence[Values]
) -> tuple[MissingShare, ...]:
    """Where values that a metric reads are missing unevenly, the widest first."""
    found = [
        share
        for c in measured
        if c.missing
        for group in groups
        if group is not c and (share := _share(c, group)) is not None
    ]
    return tuple(sorted(found, key=lambda one: one.least_share - one.share)[:_TOLD])


def _share(c: Values, group: Values) -> MissingShare | None:
    rows = Counter(group.values)
    lost = Counter(g for value, g in zip(c.values, group.values, strict=True) if value is None)
    shares = {g: lost[g] / n for g, n in rows.items() if n >= _FEW and g is not None}
    if len(shares) < 2:
        return None
    most, least = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    if shares[most] - shares[least] < _APART:
        return None
    return MissingShare(
        column=c.name, by=group.name, most=str(most), share=shares[most], least=str(least),
        least_share=shares[least],
    )  # fmt: skip


def crossings_of(unit: Values, groups: Sequence[Values]) -> Iterator[Crossing]:
    """Groups in several of which a unit stands."""
    for group in groups:
        seen: dict[object, set[object]] = {}
        for name, value in zip(unit.values, group.values, strict=True):
            if name is not None and value is not None:
                seen.setdefault(name, set()).add(value)
        several = sum(len(values) > 1 for values in seen.values())
        if several:
            yield Crossing(unit=unit.name, by=group.name, units=several, of=len(seen))
