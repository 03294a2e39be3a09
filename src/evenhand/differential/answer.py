"""The answer first: what conditions cost, and whom."""

from collections.abc import Iterator, Sequence

from evenhand.differential import words
from evenhand.differential.result import Effects, GroupEffect
from evenhand.pages.edition import Edition
from evenhand.pages.numbers import listed, rate, share


def answers(found: Effects, edition: Edition) -> Iterator[str]:
    """What everybody pays, or else gains, at most; and for each cut of the records who pays more."""
    yield _everybody(found, edition)
    for by in found.by:
        yield _whom(found, by, edition)


def told_value(value: float | None, found: Effects) -> str:
    """A rate on a page: in per cent where it is a share."""
    return share(value) if found.metric.in_points else rate(value)


def _everybody(found: Effects, edition: Edition) -> str:
    start = told_value(found.overall[0].estimate.value, found)
    name = found.metric.title
    reference = edition.value(found.condition, found.reference)
    costs = [
        (one.cost.value, one)
        for one in found.overall
        if one.cost is not None
        and one.cost.value is not None
        and one.verdict in ("worse", "better")
    ]
    if not costs:
        return (
            f"No condition is proven to make {name} worse overall: it is {start} under {reference}."
        )
    costs.sort(key=lambda pair: pair[0])
    worst = costs[-1][1].verdict == "worse"
    told = costs[-1 if worst else 0][1]
    condition = edition.value(found.condition, told.condition)
    value = told_value(told.estimate.value, found)
    return f"{'Worst' if worst else 'Best'} is {condition}: {name} {value}, and {start} under {reference}."


def _whom(found: Effects, by: tuple[str, ...], edition: Edition) -> str:
    own = [one for one in found.groups if one.by == by]
    predicate = own[0].group == {own[0].predicate: True}
    groups = edition.groups(by, predicate=predicate)
    total = len({one.predicate for one in own})
    proven = [one for one in found.costs_more if one.by == by]
    if not proven:
        return f"None of {total:,} {groups} is proven to pay more than the others."
    names = _names(proven, edition)
    told = f"{len(names):,} of {total:,} {groups} {_pays(proven, len(names) > 1)} than the others: {listed(names)}"
    idle = _names([one for one in proven if words.nothing_to_gain(one, found)], edition)
    if idle:
        told += (
            ", with nothing to gain" if idle == names else f" ({listed(idle)} had nothing to gain)"
        )
    return f"{told}. {_most(proven, found, edition)}"


def _pays(proven: Sequence[GroupEffect], several: bool) -> str:
    """What the groups do: some may gain less under one condition, and others pay more under another."""
    gain, pay = ("gain less", "pay more") if several else ("gains less", "pays more")
    gains = {words.gains(one) for one in proven}
    return f"{pay}, or {gain}," if len(gains) > 1 else gain if gains == {True} else pay


def _most(proven: Sequence[GroupEffect], found: Effects, edition: Edition) -> str:
    """The widest effect, of all groups that share it."""
    first = proven[0]
    alike = [
        one
        for one in proven
        if one.condition == first.condition and _apart(one, found) == _apart(first, found)
    ]
    condition = edition.value(found.condition, first.condition)
    each = " each" if len(alike) > 1 else ""
    names = listed(_names(alike, edition))
    return f"Most: {names} under {condition}, by {_apart(first, found)}{each}."


def _apart(one: GroupEffect, found: Effects) -> str:
    assert one.differential is not None
    return words.amount(one.differential.value or 0.0, found)


def _names(shown: Sequence[GroupEffect], edition: Edition) -> list[str]:
    return list(dict.fromkeys(_name(one, edition) for one in shown))


def _name(one: GroupEffect, edition: Edition) -> str:
    return edition.group(one.group, one.predicate)
