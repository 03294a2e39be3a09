"""Switches in plain words: what a person reads in the terminal and on the page, the answer first."""

from collections.abc import Iterator, Sequence

from evenhand.audits.answer import of_hundred, two_of_hundred
from evenhand.differential.result import Effect
from evenhand.pages import numbers
from evenhand.pages.caveats import (
    after_numbers,
    bin_sentences,
    independence,
    missing_sentences,
    refused_sentence,
    together,
)
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import listed, percent, points, rate, share
from evenhand.results.estimate import Estimate
from evenhand.switching.result import Gained, GroupSwitch, Placed, Switches

#: The kind of each verdict, which decides its sign and its colour.
KINDS = {
    "loses": "worse",
    "falls behind": "worse",
    "gains": "better",
    "catches up": "better",
    "no loss": "fine",
    "keeps up": "fine",
    "insufficient evidence": "unsure",
    None: "none",
}
#: Groups told one by one of each switch and cut; the tables have them all.
TOLD = 6


# -- numbers and verdicts -----------------------------------------------------------------------


def is_share(found: Switches) -> bool:
    """Whether values are numbers of a whole, told in per cent."""
    return found.metric.in_points and found.overall[0].estimate.denominator is not None


def value(one: Estimate, found: Switches) -> str:
    """A rate: in per cent where it is a share."""
    return share(one.value) if is_share(found) else rate(one.value)


def bounds(one: Estimate, found: Switches) -> str:
    """Interval of a rate, which holds for it alone."""
    if one.low is None or one.high is None:
        return ""
    write = numbers.shares if is_share(found) else numbers.interval
    return write(one.low, one.high)


def effect(one: Effect | None, found: Switches) -> str:
    """A change, signed: ``+3.1``; above 0 is a loss."""
    if one is None or one.value is None:
        return "–"
    return points(one.value, in_points=found.metric.in_points)


def span(one: Effect | None, found: Switches) -> str:
    """Its simultaneous interval: ``+1.2 to +5.0``."""
    return "" if one is None else numbers.span(one.low, one.high, in_points=found.metric.in_points)


def kind(verdict: Gained | Placed | None, one: Effect | None) -> str:
    """Kind of a verdict, for its sign and its colour."""
    return "none" if one is None or one.reason else KINDS[verdict]


def mark(verdict: Gained | Placed | None, one: Effect | None) -> str:
    """A verdict with its sign; or why there is none."""
    if one is None or verdict is None:
        return "first service"
    if one.reason:
        return f"– {one.reason.replace('_', ' ')}"
    return f"{MARKS[kind(verdict, one)].sign} {verdict}"


def gap(size: float | None, found: Switches) -> str:
    """How much worse off a group is than the others: ``+9.8``."""
    return "–" if size is None else points(size, in_points=found.metric.in_points)


# -- sentences ----------------------------------------------------------------------------------


def answers(found: Switches, edition: Edition = PLAIN) -> Iterator[str]:
    """Of each switch and each way to cut the records: who gains, who loses, and which gap grows."""
    for service in found.services[1:]:
        for by in found.by:
            own = found.switched(service.name, by)
            yield _answer(found, own, edition)
            yield from _gaps_answer(found, own, edition)


def findings(found: Switches, edition: Edition = PLAIN) -> Iterator[str]:
    """Each proven change in a sentence, losses first; and what would have been found where none is."""
    for service in found.services[1:]:
        yield _everybody(found, service.name, edition)
        for by in found.by:
            own = found.switched(service.name, by)
            proven = [*_of(own, "loses"), *_of(own, "gains")]
            for one in proven[:TOLD]:
                yield _finding(one, found, edition)
            if len(proven) > TOLD:
                yield f"… and {numbers.plural(len(proven) - TOLD, 'more group')}, in the tables."
            if not proven:
                yield _would_have([one.change for one in own], found, edition, by, "change")
            moved = _moved(own)
            for one in moved[:TOLD]:
                yield _gap(one, found, edition)
            if not moved and len(own) > 1:
                changes = [one.gap_change for one in own]
                yield _would_have(changes, found, edition, by, "change of a gap")


def _answer(found: Switches, own: Sequence[GroupSwitch], edition: Edition) -> str:
    total, by = len(own), own[0].by
    groups = edition.groups(by, predicate=own[0].group == {own[0].predicate: True})
    gains, loses = _of(own, "gains"), _of(own, "loses")
    unsure = sum(one.verdict == "insufficient evidence" for one in own)
    start = f"{switch(found, own[0].service, edition)}:"
    if unsure == total:
        size = _size([one.change for one in own], found)
        could = f"; {size} would have been found in four comparisons of five" if size else ""
        whom = f"any of {total:,} {groups}" if total > 1 else _name(own[0], edition)
        return f"{start} these records cannot tell a gain or a loss of {whom}{could}."
    kept = len(_of(own, "no loss"))
    if not gains and not loses:
        parts = [f"none of {total:,} {groups} is shown to gain or to lose"]
    else:
        parts = [_count(gains, total, groups, "gain", found, edition)]
        parts.append(_count(loses, total, "", "lose", found, edition))
    if kept and found.settings.tolerance:
        parts.append(f"{kept:,} {'loses' if kept == 1 else 'lose'} nothing beyond the tolerance")
    if unsure:
        parts.append(f"for {unsure:,} these records cannot tell")
    return f"{start} {', '.join(parts)}."


def _gaps_answer(found: Switches, own: Sequence[GroupSwitch], edition: Edition) -> Iterator[str]:
    """The gap that is proven to grow most; or that none is, and how many shrink."""
    moved = _moved(own)
    grown = [one for one in moved if abs(one.gap or 0.0) > abs(_gap_before(one, found) or 0.0)]
    if grown:
        yield _gap(grown[0], found, edition)
        more = len(grown) - 1
        if more:
            yield f"So {'does' if more == 1 else 'do'} {more:,} more {'gap' if more == 1 else 'gaps'} to the others."
    elif moved:
        shrink = "1 shrinks" if len(moved) == 1 else f"{len(moved):,} shrink"
        if len(own) == 2:
            yield _gap(moved[0], found, edition)
        else:
            yield f"No gap between a group and the others is shown to grow, and {shrink}."


def _gap_before(one: GroupSwitch, found: Switches) -> float | None:
    """How much worse off a group is than the others under the first service."""
    first = found.switched(found.services[0].name, one.by)
    return next(g.gap for g in first if g.predicate == one.predicate)


def _count(
    proven: Sequence[GroupSwitch],
    total: int,
    groups: str,
    verb: str,
    found: Switches,
    edition: Edition,
) -> str:
    """How many gain, or lose; the only one that loses by its name."""
    of = f" of {total:,} {groups}" if groups else ""
    if not proven:
        return f"none{of} is shown to {verb}"
    if len(proven) == 1:
        (one,) = proven
        return f"{_name(one, edition)} {verb}s {_told(one.change, found)}"
    if groups and len(proven) == total:
        return f"{'both' if total == 2 else f'all {total:,}'} {groups} {verb}"
    if verb == "lose":
        return f"{len(proven):,}{of} lose ({listed([_name(one, edition) for one in proven])})"
    return f"{len(proven):,}{of} gain"


def _everybody(found: Switches, service: str, edition: Edition) -> str:
    first = found.overall[0]
    one = next(one for one in found.overall if one.service == service)
    beside = _beside(one.estimate, first.estimate, found, service, edition)
    change = one.change
    if change is None or change.reason:
        return f"All together: {beside}."
    if one.verdict in ("gains", "loses"):
        return f"All together: {beside}; {one.verdict} {_sizes(change, found)}."
    said = "no loss beyond the tolerance" if one.verdict == "no loss" else "no change is shown"
    return f"All together: {beside}; {said} ({span(change, found)})."


def _finding(one: GroupSwitch, found: Switches, edition: Edition) -> str:
    first = next(
        g.estimate
        for g in found.groups
        if (g.by, g.predicate, g.service) == (one.by, one.predicate, found.services[0].name)
    )
    beside = _beside(one.estimate, first, found, one.service, edition)
    assert one.change is not None
    return f"{_titled(one, edition)}: {beside}; {one.verdict} {_sizes(one.change, found)}."


def _beside(own: Estimate, first: Estimate, found: Switches, service: str, edition: Edition) -> str:
    """The value under a service beside that under the first, without a full stop."""
    new, old = (edition.column(name) for name in (service, found.services[0].name))
    spoken = None
    if is_share(found):
        spoken = two_of_hundred(found.metric.name, own.value, first.value)
    if spoken is not None:
        return f"{spoken[0]} with {new}, {spoken[1]} with {old}"
    title = edition.column(found.metric.name)
    return f"{title} {value(own, found)} with {new}, {value(first, found)} with {old}"


def _gap(one: GroupSwitch, found: Switches, edition: Edition) -> str:
    """What becomes of the gap between a group and the others."""
    before = _gap_before(one, found)
    name, change, after = _name(one, edition), one.gap_change, one.gap
    assert change is not None
    assert before is not None
    assert after is not None
    sizes = f"{numbers.amount(change.value or 0.0, in_points=found.metric.in_points)} ({_range(change, found)})"
    went = f"from {_amount(before, found)} to {_amount(after, found)}"
    new, old = (edition.column(name) for name in (one.service, found.services[0].name))
    if before >= 0 and after >= 0:
        verb = "grows" if after > before else "shrinks"
        return f"The gap between {name} and the others {verb} by {sizes}: {went}."
    if before <= 0 and after <= 0:
        verb = "grows" if after < before else "shrinks"
        return f"{name} is better off than the others, and its lead {verb} by {sizes}: {went}."
    side, turned = ("better", "worse") if before < 0 else ("worse", "better")
    return (
        f"{name} is {side} off than the others by {_amount(before, found)} with {old}, and {turned} off by "
        f"{_amount(after, found)} with {new}: {sizes} apart."
    )


def _would_have(
    changes: Sequence[Effect | None],
    found: Switches,
    edition: Edition,
    by: tuple[str, ...],
    what: str,
) -> str:
    """Nothing is shown: what would have been."""
    known = [one for one in changes if one is not None]
    whom = edition.crossed(by)
    shown = f"By {whom} no {what} is shown"
    if known and all(one.value == 0 and one.reason == "no_variation" for one in known):
        return f"By {whom} nothing changes: both services do the same for every group."
    size = _size(changes, found)
    if not size:
        return f"{shown}: no group has enough evidence."
    return f"{shown}; {size} would have been found in four comparisons of five."


def _size(changes: Sequence[Effect | None], found: Switches) -> str:
    """What would have been found: ``2.1 points``, or ``2.1 to 4.0 points`` depending on the group."""
    known = sorted(
        one.minimum_detectable
        for one in changes
        if one is not None and one.minimum_detectable is not None
    )
    if not known:
        return ""
    least, most = (_bare(size, found) for size in (known[0], known[-1]))
    unit = " points" if found.metric.in_points else ""
    return (
        f"{least}{unit}" if least == most else f"{least} to {most}{unit}, depending on the group,"
    )


def _told(one: Effect | None, found: Switches) -> str:
    """A proven change with its interval: ``3.1 more of 100 words wrong (1.2 to 5.0)``."""
    assert one is not None
    assert one.value is not None
    size = _bare(abs(one.value), found)
    more = "more" if (one.value > 0) == found.metric.higher_is_worse else "fewer"
    told = of_hundred(found.metric.name, f"{size} {more}") if is_share(found) else None
    if told is not None:
        return f"({told}; {_range(one, found)})"
    unit = " points" if found.metric.in_points else ""
    return f"{size}{unit} ({_range(one, found)})"


def _range(one: Effect, found: Switches) -> str:
    """Bounds of a proven change without their sign: ``1.2 to 5.0``."""
    small, large = sorted(abs(end or 0.0) for end in (one.low, one.high))
    return f"{_bare(small, found)} to {_bare(large, found)}"


def _sizes(one: Effect, found: Switches) -> str:
    return _range(one, found) + " points" * found.metric.in_points


def _bare(size: float, found: Switches) -> str:
    return points(size, in_points=found.metric.in_points, signed=False)


def _amount(size: float, found: Switches) -> str:
    return numbers.amount(size, in_points=found.metric.in_points)


def _of(own: Sequence[GroupSwitch], verdict: Gained) -> list[GroupSwitch]:
    """Groups of a verdict on their change, the largest first."""
    return sorted((one for one in own if one.verdict == verdict), key=lambda one: -_far(one.change))


def _moved(own: Sequence[GroupSwitch]) -> list[GroupSwitch]:
    """Groups whose gap is proven to change, those that fall behind first; of two groups only one."""
    proven = [one for one in own if one.gap_verdict in ("falls behind", "catches up")]
    proven.sort(key=lambda one: (one.gap_verdict != "falls behind", -_far(one.gap_change)))
    return proven[:1] if len(own) == 2 else proven


def _far(one: Effect | None) -> float:
    return 0.0 if one is None or one.value is None else abs(one.value)


def _name(one: GroupSwitch, edition: Edition) -> str:
    return edition.group(one.group, one.predicate)


def _titled(one: GroupSwitch, edition: Edition) -> str:
    by, name = edition.crossed(one.by), _name(one, edition)
    return name if by == name else f"{by} {name}"


def switch(found: Switches, service: str, edition: Edition) -> str:
    """What is done: ``Switching from amazon to google``."""
    first, other = (edition.column(name) for name in (found.services[0].name, service))
    return f"Switching from {first} to {other}"


# -- how it was made ----------------------------------------------------------------------------


def method(found: Switches) -> str:
    """How the numbers were made, in one sentence."""
    settings = found.settings
    family = together(settings.adjust)
    units = independence(found.unit)
    return (
        f"{percent(found.level)} intervals of differences on the same rows; "
        f"{numbers.plural(settings.comparisons, 'comparison')}, {family}; {units}."
    )


def notes(found: Switches, *, where: str = "in --json") -> Iterator[str]:
    """How it was found, and what was left out; `where` says where the rest is told."""
    yield method(found)
    if found.settings.tolerance:
        size = _amount(found.settings.tolerance, found)
        yield f"A loss, or a gap that grows, up to {size} counts as no harm."
    yield from bin_sentences(found.settings.bins)
    yield from after_numbers(found.notes)
    yield from missing_sentences(found.missing)
    yield from refused_sentence([one.message for one in found.refused], where=where)
